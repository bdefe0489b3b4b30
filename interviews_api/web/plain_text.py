"""Plain text without the characters that break calendar files, mails and lines of output."""

import re
from collections.abc import Mapping
from typing import Any

from interviews_api.web.bidirectional import with_balanced_bidi_controls, without_bidi_controls

_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff\ufffe\uffff]+")


def replace_controls(text: str) -> str:
    """Normalize line breaks to LF, replace forbidden control characters by blanks, and balance bidirectional ones."""
    text = _FORBIDDEN.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return with_balanced_bidi_controls(text)


def shorten(text: str, maximum: int) -> str:
    """Return the text, cut to `maximum` characters of which the last is then an ellipsis."""
    return text if len(text) <= maximum else f"{text[: maximum - 1]}…"


def in_one_line(text: str) -> str:
    """Return the text without control characters, each run of blanks and line breaks as one blank."""
    return " ".join(without_bidi_controls(replace_controls(text)).split())


def full_name(row: Mapping[Any, Any]) -> str:
    """Return the names of the row's candidate, of which one may be absent, with one blank between them."""
    return " ".join(filter(None, ((row[name] or "").strip() for name in ("first_name", "last_name"))))

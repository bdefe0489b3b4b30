"""Bounds of texts, and patterns of names, each for its validator and for JSON Schema (ECMA-262)."""

import re

from marshmallow import ValidationError

from interviews_api.web.bidirectional import BIDI_CONTROLS, with_balanced_bidi_controls, without_bidi_controls

MAX_NAME = 200  # characters
MAX_LOCATION = 500
MAX_REASON = 2000
MAX_LINK = 2000
MAX_NOTES = 5000
MAX_TEXT = 10_000

NO_NUL_PATTERN = r"^[^\u0000]*$"
_HIDDEN = r"\u0000-\u001f\u007f-\u009f\u00ad\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
"""Controls, line separators, and characters that nobody sees.

Without U+200C and U+200D, which names and emoji need, and U+200E and U+200F, which right-to-left names may have; and
without bidirectional controls, which are removed from names.
"""


def _address_pattern(between: str) -> str:
    """Return the pattern of the beginning of a web address, with `between` after each character."""
    scheme = between.join(("[hH]", "[tT]", "[tT]", "[pP]", f"([sS]{between})?:", "/", "/"))
    host = between.join(("[wW]", "[wW]", "[wW]", r"\."))
    return f"({scheme}|{host})"


NAME_PATTERN = rf"^(?![\s{BIDI_CONTROLS}]*$)(?!.*{_address_pattern(f'[{BIDI_CONTROLS}]*')})[^{_HIDDEN}]*$"
"""A name as typed, from which bidirectional controls are still to be removed."""

_hidden = re.compile(f"[{_HIDDEN}]")
_address = re.compile(_address_pattern(""))
_CONTROLS: dict[int, str | None] = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))
_CONTROLS |= {ord(character): character for character in "\t\n\r"} | {ord(end): "\n" for end in "\v\f\x85"}


def clean_text(text: str) -> str:
    """Return the text without control characters, except TAB, LF and CR.

    A vertical tab, form feed or NEL becomes LF. Bidirectional controls stay as far as they are balanced.
    """
    return with_balanced_bidi_controls(text.translate(_CONTROLS))


def clean_inline_text(text: str) -> str:
    """Return the text as `clean_text` does, but without all bidirectional controls."""
    return without_bidi_controls(text.translate(_CONTROLS))


def check_name(name: str) -> None:
    """Raise ValidationError unless the text is a single-line name or title."""
    if not name.strip():
        raise ValidationError("Must not be blank.")
    if _hidden.search(name):
        raise ValidationError("Must not contain a hidden character or a line break.")
    if _address.search(name):
        raise ValidationError("Must not contain a web address.")

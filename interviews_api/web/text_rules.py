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
_NOT_IN_NAMES = r"\u0000-\u001f\u007f-\u009f\u00ad\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
"""Characters that a name must not have: controls, line separators and invisible characters.

`hidden_characters.HIDDEN` is stricter: names and emoji need U+200C and U+200D, and right-to-left names may have U+200E
and U+200F. Bidirectional controls are removed from names before they are checked.
"""


def _address_pattern(between: str) -> str:
    """Return the pattern of the beginning of a web address, with `between` after each character."""
    scheme = between.join(("[hH]", "[tT]", "[tT]", "[pP]", f"([sS]{between})?:", "/", "/"))
    host = between.join(("[wW]", "[wW]", "[wW]", r"\."))
    return f"({scheme}|{host})"


NAME_PATTERN = rf"^(?![\s{BIDI_CONTROLS}]*$)(?!.*{_address_pattern(f'[{BIDI_CONTROLS}]*')})[^{_NOT_IN_NAMES}]*$"
"""A name as typed, from which bidirectional controls are still to be removed."""

_not_in_names = re.compile(f"[{_NOT_IN_NAMES}]")
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
    if _not_in_names.search(name):
        raise ValidationError("Must not contain a hidden character or a line break.")
    if _address.search(name):
        raise ValidationError("Must not contain a web address.")

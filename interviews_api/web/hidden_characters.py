"""Invisible characters, which arrive with pasted e-mail addresses and links."""

import re

from marshmallow import ValidationError

_HIDDEN_BLANKS = r"\u0009-\u000d\u001c-\u001f\u0085\u2028\u2029"
INNER_BLANKS = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
BLANKS = _HIDDEN_BLANKS + INNER_BLANKS
"""What `str.strip` removes, as the inside of a class in Python and in JSON Schema (ECMA-262)."""

_NEVER = (
    r"\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
)
HIDDEN = _NEVER + _HIDDEN_BLANKS
"""Controls, line separators, and characters without a picture of their own or that turn the text around them."""

WITHOUT_HIDDEN_PATTERN = rf"^[^{_NEVER}]*$"
"""Pattern of a text that is trimmed before it is judged."""

_hidden = re.compile(f"[{HIDDEN}]")


def hidden_character(text: str) -> str | None:
    """Return the first hidden character of the text as its code point, such as `U+200B`, or None."""
    match = _hidden.search(text)
    return f"U+{ord(match[0]):04X}" if match else None


def refuse_hidden(text: str) -> None:
    """Raise ValidationError that names the first hidden character of the text, if it has any."""
    if code_point := hidden_character(text):
        raise ValidationError(f"Must not contain a hidden character ({code_point}).")


def without_hidden(text: str) -> str:
    """Return the text, trimmed and without its hidden characters."""
    return _hidden.sub("", text.strip())

"""Texts in right-to-left scripts, by the Unicode Bidirectional Algorithm (UAX #9): its controls, and isolation.

A control turns the text around it. Without isolation a right-to-left name moves its neighbours: the blanks, digits and
punctuation next to it.
"""

import re
import unicodedata

from markupsafe import Markup

BIDI_CONTROLS = r"\u202a-\u202e\u2066-\u2069"
"""The explicit directional characters (UAX #9, section 2), for a class of a regular expression."""

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_POP_EMBEDDING = "\u202c"
_ENDS = dict.fromkeys("\u202a\u202b\u202d\u202e", _POP_EMBEDDING) | dict.fromkeys("\u2066\u2067\u2068", _POP_ISOLATE)
"""The character that ends what each initiator begins."""

_control = re.compile(f"[{BIDI_CONTROLS}]")
_paragraph_break = re.compile("([\n\r\u2029])")
_RIGHT_TO_LEFT = {"R", "AL", "AN"}


def without_bidi_controls(text: str) -> str:
    """Return the text without bidirectional controls, for what stands in a line of its own or in another text."""
    return _control.sub("", text)


def with_balanced_bidi_controls(text: str) -> str:
    """Return the text without the bidirectional controls that have no counterpart in their line.

    A line is a paragraph of UAX #9, at whose end the algorithm closes all that is open. Programs join lines, so a
    counterpart in another line does not count.
    """
    if not _control.search(text):
        return text
    return "".join(map(_with_balanced_controls, _paragraph_break.split(text)))


def _with_balanced_controls(line: str) -> str:
    """Match initiators with what ends them, as BD9 and BD11 of UAX #9 do."""
    balanced: set[int] = set()
    unmatched: list[int] = []
    open_isolates = 0
    for match in _control.finditer(line):
        position, control = match.start(), match.group()
        if end := _ENDS.get(control):
            unmatched.append(position)
            open_isolates += end == _POP_ISOLATE
        elif control == _POP_EMBEDDING:
            if unmatched and _ENDS[line[unmatched[-1]]] == _POP_EMBEDDING:
                balanced |= {unmatched.pop(), position}
        elif open_isolates:
            while _ENDS[line[unmatched[-1]]] == _POP_EMBEDDING:  # the end of the isolate closes them
                unmatched.pop()
            balanced |= {unmatched.pop(), position}
            open_isolates -= 1
    return _control.sub(lambda match: match.group() if match.start() in balanced else "", line)


def isolate(name: str) -> str:
    """Return a name for a sentence of plain text: between U+2068 and U+2069 if any of it is right-to-left."""
    plain = without_bidi_controls(name)
    if plain.isascii() or _RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, plain)):
        return plain
    return f"{_FIRST_STRONG_ISOLATE}{plain}{_POP_ISOLATE}"


def isolate_in_html(name: str) -> Markup:
    """Return a name for a sentence of HTML: in the element `bdi`, escaped."""
    return Markup("<bdi>{}</bdi>").format(without_bidi_controls(name))

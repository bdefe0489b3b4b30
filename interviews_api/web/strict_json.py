"""Strict JSON parser: accepts only values that both databases can store and all parsers read alike.

RFC 8259 does not define duplicate keys, NaN, lone surrogates and deep nesting; this parser refuses them.
"""

import codecs
import json
import math
import re
from contextlib import suppress
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 32
_MAX_COUNTED = 1024 * 1024
"""Bytes of a text in which orjson reads the values first, in a fifth of the time; it cannot stop early."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_UTF_8 = "The JSON must be in UTF-8"
_OTHER_MARKS = {  # the longer ones first, because the one of UTF-32 in little-endian order begins like UTF-16's
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class JSONRefused(ValueError):
    """The text is not JSON, or holds a value that is refused; the message says which."""


def loads(raw: bytes, *, max_values: float = math.inf) -> Any:
    """Parse UTF-8 bytes, with or without a byte order mark before them; raises JSONRefused.

    Refuses broken JSON, nesting over 32, duplicate keys, NaN and Infinity (also as an overflowing number), and NUL
    characters and lone surrogates in texts and keys. Refuses more than `max_values` items of lists and objects.
    """
    text = _decode(raw)
    if max_values < len(raw) <= _MAX_COUNTED:  # each value takes a byte at least
        with suppress(orjson.JSONDecodeError):  # the strict parser below names the fault
            _Reader(max_values).check(orjson.loads(text))
    reader = _Reader(max_values)
    try:
        value = json.loads(
            text,
            object_pairs_hook=reader.read_object,
            parse_constant=_refuse_constant,
            parse_float=reader.read_float,
            parse_int=reader.read_int,
        )
    except RecursionError:
        raise JSONRefused(f"The JSON is nested over {MAX_DEPTH} deep") from None
    except JSONRefused:
        raise
    except ValueError:  # broken JSON, an integer of thousands of digits
        raise JSONRefused("This is not valid JSON") from None
    reader.check(value)
    return value


def _decode(raw: bytes) -> str:
    """Return the text; raises JSONRefused if it is in another encoding, and names UTF-16 and UTF-32."""
    for mark, encoding in _OTHER_MARKS.items():
        if raw.startswith(mark):
            raise JSONRefused(f"{_NOT_UTF_8}, and this is {encoding}")
    if b"\0" in raw[:4]:  # JSON begins with an ASCII character, which takes two or four bytes there
        raise JSONRefused(f"{_NOT_UTF_8}, and this looks like UTF-16 or UTF-32")
    try:
        return raw.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise JSONRefused(_NOT_UTF_8) from None


class _Reader:
    """Checks of one text, and the number of values in it."""

    def __init__(self, max_values: float) -> None:
        self._max_values = max_values
        self._objects = self._numbers = self._values = 0

    def _refuse_over(self, number: int) -> None:
        if number > self._max_values:
            raise JSONRefused(f"The JSON holds over {self._max_values} values")

    def read_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return the object of these pairs; called while the text is parsed, so a flood of objects ends early."""
        self._refuse_over(self._objects)
        self._objects += 1
        mapping = dict(pairs)
        if len(mapping) != len(pairs):
            raise JSONRefused("The JSON has a duplicate key")
        for key in mapping:
            _check_text(key)
        return mapping

    def read_float(self, digits: str) -> float:
        """Return the number, which is finite; called while the text is parsed, so a flood of numbers ends early."""
        self._count_number()
        number = float(digits)
        if not math.isfinite(number):
            raise JSONRefused("The JSON holds a number that is too large")
        return number

    def read_int(self, digits: str) -> int:
        """Return the integer; called like `read_float`."""
        self._count_number()
        return int(digits)

    def _count_number(self) -> None:
        self._refuse_over(self._numbers)
        self._numbers += 1

    def check(self, root: Any) -> None:
        """Raise JSONRefused for a text, a depth or a number of values that is refused."""
        unchecked = [(root, 1)]
        while unchecked:
            value, depth = unchecked.pop()
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, dict | list):
                if depth > MAX_DEPTH:
                    raise JSONRefused(f"The JSON is nested over {MAX_DEPTH} deep")
                self._values += len(value)
                self._refuse_over(self._values)
                unchecked.extend((item, depth + 1) for item in (value.values() if isinstance(value, dict) else value))


def _refuse_constant(name: str) -> NoReturn:
    raise JSONRefused(f"The JSON holds {name}, which is not a JSON number")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise JSONRefused("The JSON holds a NUL character")
    if _SURROGATE.search(text):
        raise JSONRefused("The JSON holds a lone surrogate")

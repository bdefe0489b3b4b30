"""Strict JSON parser: accepts only values that both databases can store and all parsers read alike.

RFC 8259 does not define duplicate keys, NaN, lone surrogates and deep nesting; this parser refuses them.
"""

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 32
_SURROGATE = re.compile("[\ud800-\udfff]")


class JSONRefused(ValueError):
    """The text is not JSON, or holds a value that is refused; the message says which."""


def loads(raw: bytes) -> Any:
    """Parse UTF-8 bytes; raises JSONRefused.

    Refuses broken JSON, nesting over 32, duplicate keys, NaN and Infinity (also as an overflowing number), and NUL
    characters and lone surrogates in texts and keys.
    """
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except RecursionError:
        raise JSONRefused(f"The JSON is nested over {MAX_DEPTH} deep") from None
    except JSONRefused:
        raise
    except ValueError:  # broken JSON, bytes that are not UTF-8, an integer of thousands of digits
        raise JSONRefused("This is not valid JSON") from None
    _check(value, 1)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if not pairs:
        return {}
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise JSONRefused("The JSON has a duplicate key")
    for key in mapping:
        _check_text(key)
    return mapping


def _refuse_constant(name: str) -> NoReturn:
    raise JSONRefused(f"The JSON holds {name}, which is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise JSONRefused("The JSON holds a number that is too large")
    return number


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise JSONRefused(f"The JSON is nested over {MAX_DEPTH} deep")
        for item in value.values() if isinstance(value, dict) else value:
            if item or depth == MAX_DEPTH:  # an empty text, list or object has nothing to refuse but its depth
                _check(item, depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise JSONRefused("The JSON holds a NUL character")
    if _SURROGATE.search(text):
        raise JSONRefused("The JSON holds a lone surrogate")

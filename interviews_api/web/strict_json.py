"""JSON read so that both databases can store every value of it, and every reader agrees on what it says.

RFC 8259 leaves open what duplicate keys, NaN, lone surrogates and deep nesting mean; here they are refused.
"""

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 32


class JSONRefused(ValueError):
    """Not JSON, or JSON that nobody should send; the message says which."""


def loads(raw: bytes) -> Any:
    """Parse UTF-8 bytes; raises JSONRefused.

    Refused besides broken JSON: nesting over 32, duplicate keys, NaN and Infinity (also as an overflowing
    number), NUL characters and lone surrogates anywhere in a text or key.
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
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JSONRefused("The JSON has a duplicate key")
    for key in found:
        _check_text(key)
    return found


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
        for part in value.values() if isinstance(value, dict) else value:
            _check(part, depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise JSONRefused("The JSON holds a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise JSONRefused("The JSON holds a lone surrogate")

"""Schemas of the application's responses, and rows that hypothesis makes for them."""

from collections.abc import Callable
from typing import Any

import orjson


def outcome(dump: Callable[[Any], Any], row: object) -> bytes | str:
    """Return the JSON of the dumped row, or the error that was raised."""
    try:
        return orjson.dumps(dump(row))
    except Exception as error:
        return repr(error)

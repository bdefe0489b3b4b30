"""Schemas of the application's responses, and rows that hypothesis makes for them."""

from collections.abc import Callable
from typing import Any

import orjson


def outcome(dump: Callable[[Any], Any], row: object) -> bytes | str:
    """The bytes that are sent, or what is raised."""
    try:
        return orjson.dumps(dump(row))
    except Exception as error:
        return repr(error)

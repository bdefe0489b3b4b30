"""Ids: 24 lower-case hex digits, four bytes of Unix seconds and eight random ones.

Ordered by the second in which they were made; needs no state, so it is safe over threads and forks.
"""

import re
import secrets
import time

ID_PATTERN = r"^[0-9a-f]{24}$"
MALFORMED_ID = ""
_ID = re.compile(ID_PATTERN)


def new_id() -> str:
    """A fresh id."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def is_id(text: object) -> bool:
    """Whether this is a well-formed id."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None

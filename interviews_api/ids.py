"""Ids: 24 lower-case hex digits, of which 8 are Unix seconds and 16 are random.

They sort by the second of their creation. The generator has no state, so threads and forks may share it.
"""

import re
import secrets
import time

ID_PATTERN = r"^[0-9a-f]{24}$"
MALFORMED_ID = ""
"""The id that a malformed id in a path becomes. No row has it, so the response is a 404."""
_ID = re.compile(ID_PATTERN)


def new_id() -> str:
    """Return a new, unused id."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def is_id(text: object) -> bool:
    """Return whether the value is a well-formed id."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None

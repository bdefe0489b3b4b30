"""The worker's sign of life, because it has no port: a file, whose time of change a health check reads.

deploy/compose.yaml has that check.
"""

import os
from contextlib import suppress
from pathlib import Path

FILE = "heartbeat"


def beat() -> None:
    """Touch the file in RUNTIME_DIRECTORY. Without that variable, or without room, it does nothing."""
    if folder := os.environ.get("RUNTIME_DIRECTORY"):
        with suppress(OSError):
            (Path(folder) / FILE).touch()

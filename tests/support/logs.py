"""The log as production writes it, and a marker that it must not hold."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from interviews_api.web import logs

CANARY = "planted-canary"


@contextmanager
def captured_log() -> Iterator[io.StringIO]:
    """Yield the stream to which all lines from level INFO on are written as JSON, until the end of the block."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    handler.setFormatter(logs.JsonFormatter())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

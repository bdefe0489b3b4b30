"""A limit on a whole conversation: a socket's own time-out starts anew with each byte that drips in."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TOTAL_SECONDS = 15.0


@contextmanager
def deadline(seconds: float, cut: Callable[[], None]) -> Iterator[None]:
    """Call `cut`, which shuts the socket, from another thread when the block takes longer."""
    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()

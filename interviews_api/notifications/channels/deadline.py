"""A limit on a whole conversation, from the look-up of a name to the last byte of the answer.

A socket's own time-out starts anew with each byte that drips in, and the operating system's look-up knows none.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

TOTAL_SECONDS = 15.0
LOOK_UP_SECONDS = 5.0

Resolve = Callable[[str], list[str]]
"""The IP addresses of a host name; raises OSError when it has none."""

Connect = Callable[[str, int, float], socket.socket]
"""A socket to that IP address and port, within so many seconds; raises OSError."""


def resolve(host: str) -> list[str]:
    """As the operating system does."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """A TCP connection."""
    return socket.create_connection((address, port), seconds)


def look_up(resolve: Resolve, host: str, seconds: float = LOOK_UP_SECONDS) -> list[str]:
    """What `resolve` finds; one that takes longer is left alone. Raises OSError, and UnicodeError for odd names."""
    found: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def find() -> None:
        try:
            found.put(resolve(host))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=find, daemon=True).start()
    try:
        result = found.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("the name was not found in time") from None
    if isinstance(result, Exception):
        raise result
    return result


class Deadline:
    """A context in which one conversation takes place: when the time is over its socket is shut.

    What fails after that leaves the context as a TimeoutError.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._is_over = False
        self._handle: socket.socket | None = None

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._handle is not None:
                self._handle.close()
            self._handle = None
        if self._is_over and isinstance(error, Exception):
            raise TimeoutError(f"it took longer than {self._seconds:g} s") from error

    def look_up(self, resolve: Resolve, host: str) -> list[str]:
        """See the function; within what is left."""
        return look_up(resolve, host, min(LOOK_UP_SECONDS, self._left()))

    def connect(self, connect: Connect, addresses: Sequence[str], port: int) -> socket.socket:
        """A socket to the first address that can be reached; raises the OSError of the last one.

        Each may take its share of what is left: one that swallows everything leaves time for the others.
        """
        for tried, address in enumerate(addresses, start=1):
            try:
                opened = connect(address, port, self._left() / (len(addresses) - tried + 1))
            except OSError:
                if tried == len(addresses):
                    raise
            else:
                self._watch(opened)
                return opened
        raise OSError("no address")

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"it took longer than {self._seconds:g} s")
        return left

    def _watch(self, opened: socket.socket) -> None:
        """By a handle of our own: TLS takes the socket out of its object, http.client forgets the one it reads from."""
        opened.settimeout(self._seconds + 1)  # later than the cut, which says why
        with self._lock:
            self._handle = opened.dup()
            self._shut()

    def _cut(self) -> None:
        with self._lock:
            self._is_over = True
            self._shut()

    def _shut(self) -> None:
        if self._is_over and self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

"""Deadline of a conversation with a receiver, from the DNS look-up to the last byte of the response.

A socket's own timeout is not enough: it restarts with each byte, and getaddrinfo takes none.
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
"""Returns the IP addresses of a host name; raises OSError when there are none."""

Connect = Callable[[str, int, float], socket.socket]
"""Returns a socket to an IP address and port, with a timeout in seconds; raises OSError."""


def resolve_host(host: str) -> list[str]:
    """Return the IP addresses that the operating system finds."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def open_socket(address: str, port: int, seconds: float) -> socket.socket:
    """Return a TCP connection; `seconds` limits the connect."""
    return socket.create_connection((address, port), seconds)


def look_up(resolve: Resolve, host: str, seconds: float = LOOK_UP_SECONDS) -> list[str]:
    """Return the addresses of the host; raises TimeoutError after that time, OSError or UnicodeError if not found.

    On timeout the look-up thread is abandoned, because getaddrinfo cannot be cancelled.
    """
    results: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put(resolve(host))
        except (OSError, UnicodeError) as error:
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("the name was not found in time") from None
    if isinstance(result, Exception):
        raise result
    return result


class Deadline:
    """Context manager of one conversation: shuts its socket down when the time is over.

    Any error after that leaves the context as a TimeoutError.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._is_over = False
        self._duplicate: socket.socket | None = None

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._duplicate is not None:
                self._duplicate.close()
            self._duplicate = None
        if self._is_over and isinstance(error, Exception):
            raise TimeoutError(f"it took longer than {self._seconds:g} s") from error

    def look_up(self, resolve: Resolve, host: str) -> list[str]:
        """Return the addresses of the host, as the function `look_up`, within the remaining time."""
        return look_up(resolve, host, min(LOOK_UP_SECONDS, self._remaining()))

    def open(self, connect: Connect, addresses: Sequence[str], port: int) -> socket.socket:
        """Return a socket to the first address that answers; raises the OSError of the last address.

        Each address may use an equal share of the remaining time, so a silent one leaves time for the others.
        """
        for number, address in enumerate(addresses, start=1):
            try:
                sock = connect(address, port, self._remaining() / (len(addresses) - number + 1))
            except OSError:
                if number == len(addresses):
                    raise
            else:
                self._watch(sock)
                return sock
        raise OSError("no address")

    def _remaining(self) -> float:
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(f"it took longer than {self._seconds:g} s")
        return remaining

    def _watch(self, sock: socket.socket) -> None:
        """Keep a duplicate of the socket to shut down.

        The original is not enough: TLS detaches the socket from its object, and http.client drops its reference.
        """
        sock.settimeout(self._seconds + 1)  # after the deadline, so that the deadline's error is the one reported
        with self._lock:
            self._duplicate = sock.dup()
            self._shut_down_if_over()

    def _expire(self) -> None:
        with self._lock:
            self._is_over = True
            self._shut_down_if_over()

    def _shut_down_if_over(self) -> None:
        if self._is_over and self._duplicate is not None:
            with suppress(OSError):
                self._duplicate.shutdown(socket.SHUT_RDWR)

"""Checks of the WebSocket handshake (RFC 6455) that simple-websocket, which answers it, does not make."""

import re
import socket
import threading
from contextlib import suppress
from typing import Any

from flask import request

PROTOCOL = "interviews.v1"
_TCHARS = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # a token (RFC 9110, section 5.6.2)
_EXTENSION = rf'{_TCHARS}([ \t]*;[ \t]*{_TCHARS}([ \t]*=[ \t]*({_TCHARS}|"{_TCHARS}"))?)*'
_EXTENSIONS = re.compile(rf"{_EXTENSION}([ \t]*,[ \t]*{_EXTENSION})*")
_SOCKETS = ("gunicorn.socket", "werkzeug.socket")
_MAX_RECEIVED = 1024 * 1024
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


class _FrameSocket:
    """Socket wrapper that keeps frames whole: simple-websocket sends from two threads, and `send` may be partial.

    It also bounds what a client sends: simple-websocket keeps messages until they are read.
    """

    def __init__(self, inner: Any) -> None:
        inner.settimeout(None)  # WebWorker has set SOCKET_SECONDS, but a live socket is silent between pings
        self._inner = inner
        self._lock = threading.Lock()
        self._received = 0

    def recv(self, size: int) -> bytes:
        """Return the received bytes; raises OSError when more than _MAX_RECEIVED have come between two clearings."""
        data: bytes = self._inner.recv(size)
        self._received += len(data)
        if self._received > _MAX_RECEIVED:
            self._inner.shutdown(socket.SHUT_RDWR)  # also wakes a thread that sends
            raise ConnectionAbortedError("the client sends too much")
        return data

    def forget_received(self) -> None:
        """Count what the client sends anew, because its messages were cleared."""
        self._received = 0

    def send(self, frames: bytes) -> None:
        """Send all bytes before another thread may send; raises OSError once the connection is closed."""
        with self._lock:
            self._inner.sendall(frames)

    def close(self) -> None:
        """Do nothing: the server must close the socket itself, because it counts its connections by that."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def offered_protocols() -> list[str]:
    """Return the subprotocols of the request, in the order of the header."""
    return [protocol.strip() for protocol in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]


def is_handshake() -> bool:
    """Return whether the request is a valid handshake (sections 4.1 and 9.1).

    Routing has checked the Upgrade header, and the caller the version.
    """
    headers = request.headers
    return (
        (request.method, request.environ["SERVER_PROTOCOL"]) == ("GET", "HTTP/1.1")
        and _KEY.fullmatch(headers.get("Sec-WebSocket-Key", "")) is not None
        and headers.get("Sec-WebSocket-Protocol", "").isascii()
        and _EXTENSIONS.fullmatch(headers.get("Sec-WebSocket-Extensions", "none")) is not None
    )


def close_after_response() -> None:
    """Make the server close the connection after this response: kept open, it would take the place of another."""
    for name in _SOCKETS:
        if name in request.environ:
            with suppress(OSError):
                request.environ[name].shutdown(socket.SHUT_RD)


def handshake_environ() -> dict[str, Any]:
    """Return the request's WSGI environment with the headers of the handshake only.

    simple-websocket raises on some other headers. Extensions are left out, because a compressor would cost a quarter of
    a MiB per socket.
    """
    environ = {name: value for name, value in request.environ.items() if not name.startswith("HTTP_")}
    for name in _SOCKETS:
        if name in environ:
            environ[name] = _FrameSocket(environ[name])
    return environ | {
        "HTTP_HOST": "localhost",  # HTTP/1.1 requires the header
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_UPGRADE": "websocket",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": request.headers["Sec-WebSocket-Key"],
        "HTTP_SEC_WEBSOCKET_PROTOCOL": PROTOCOL if PROTOCOL in offered_protocols() else "",
    }

"""The handshake of a WebSocket (RFC 6455), as far as simple-websocket, which answers it, has to be helped."""

import re
import threading
from typing import Any

from flask import request

PROTOCOL = "interviews.v1"
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # a token of RFC 9110
_EXTENSION = rf'{_WORD}([ \t]*;[ \t]*{_WORD}([ \t]*=[ \t]*({_WORD}|"{_WORD}"))?)*'
_EXTENSIONS = re.compile(rf"{_EXTENSION}([ \t]*,[ \t]*{_EXTENSION})*")
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


class _WholeFrames:
    """The socket as simple-websocket takes it for granted, whose two threads both send: a frame never parts another."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._lock = threading.Lock()

    def send(self, frames: bytes) -> None:
        """All of it; raises OSError once the connection is cut."""
        with self._lock:
            self._inner.sendall(frames)

    def close(self) -> None:
        """Left to the server, which counts its connections by closing them."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def offered_protocols() -> list[str]:
    """The subprotocols in the order of the header."""
    return [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]


def is_handshake() -> bool:
    """Whether it is one in what routing and the version have not seen to (sections 4.1 and 9.1)."""
    headers = request.headers
    return (
        (request.method, request.environ["SERVER_PROTOCOL"]) == ("GET", "HTTP/1.1")
        and _KEY.fullmatch(headers.get("Sec-WebSocket-Key", "")) is not None
        and headers.get("Sec-WebSocket-Protocol", "").isascii()
        and _EXTENSIONS.fullmatch(headers.get("Sec-WebSocket-Extensions", "none")) is not None
    )


def readable_environ() -> dict[str, Any]:
    """The environment of the request with only those headers that count: simple-websocket fails on odd others.

    No extension is among them, for a compressor would cost each socket a quarter of a MiB.
    """
    environ = {name: value for name, value in request.environ.items() if not name.startswith("HTTP_")}
    for name in ("gunicorn.socket", "werkzeug.socket"):
        if name in environ:
            environ[name] = _WholeFrames(environ[name])
    return environ | {
        "HTTP_HOST": "localhost",  # HTTP/1.1 wants one
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_UPGRADE": "websocket",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": request.headers["Sec-WebSocket-Key"],
        "HTTP_SEC_WEBSOCKET_PROTOCOL": PROTOCOL if PROTOCOL in offered_protocols() else "",
    }

"""Servers of live updates, one of them in this process, and sockets to them."""

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from werkzeug.serving import WSGIRequestHandler, make_server

from interviews_api import create_app
from interviews_api.db.connections import Database
from interviews_api.live.hub import Hub
from interviews_api.services import service
from tests.support.api import invitation
from tests.support.http_server import HttpServer
from tests.support.people import Parties

PATH = "/candidate/interviews/updates"
IN_PROCESS = "this process"
DEPLOYED = ("gunicorn.conf.py", "gunicorn.live.conf.py")


class OneRequest(WSGIRequestHandler):
    """A handler that closes its connection after one request, as gunicorn does with a socket's."""

    def handle_one_request(self) -> None:
        """Answer one request and close the connection."""
        super().handle_one_request()
        self.close_connection = True


class InProcessServer(HttpServer):
    """Werkzeug's threaded server in the tests' process, with the application at hand in `app`."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.app = create_app(settings)
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True, request_handler=OneRequest)
        self.port = self._server.port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Close its sockets, its listener and its database."""
        service(Hub, self.app).is_stopping = lambda: True
        self._server.shutdown()
        self._server.server_close()
        service(Database, self.app).dispose()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ask(server: HttpServer, method: str, path: str, token: str, body: object = None) -> Any:
    status, _, raw = server.request(method, path, bearer(token), body)
    assert status < 300, raw
    return json.loads(raw)["data"]


def open_socket(server: HttpServer, token: str, query: str = "", **options: Any) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{server.port}{PATH}{query}", subprotocols=["interviews.v1", f"bearer.{token}"],
        proxy=None, legacy=True, **{"max_queue": None} | options,
    )  # type: ignore[list-item]  # fmt: skip


def small_socket(server: HttpServer) -> socket.socket:
    """Return a connection with the smallest receive buffer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    sock.connect(("127.0.0.1", server.port))
    return sock


def open_slow_socket(server: HttpServer, token: str, query: str = "", **options: Any) -> ClientConnection:
    """Return a socket whose client reads only when a message is requested."""
    return open_socket(server, token, query, sock=small_socket(server), max_queue=1, **options)


def handshake(protocols: bytes) -> dict[str, bytes]:
    """Return the headers of a valid handshake."""
    return {
        "Host": b"localhost", "Connection": b"Upgrade", "Upgrade": b"websocket", "Sec-WebSocket-Version": b"13",
        "Sec-WebSocket-Key": b"A" * 22 + b"==", "Sec-WebSocket-Protocol": protocols,
    }  # fmt: skip


def written(headers: Mapping[str, bytes], line: str = f"GET {PATH} HTTP/1.1") -> bytes:
    """Return the bytes of a request with these headers."""
    return b"\r\n".join([line.encode(), *(name.encode() + b": " + value for name, value in headers.items()), b"", b""])


def close_code(ws: ClientConnection, seconds: float = 8) -> int:
    with suppress(ConnectionClosed):
        while ws.recv(timeout=seconds):
            pass
    assert ws.protocol.close_rcvd is not None
    return ws.protocol.close_rcvd.code


def with_new_application(server: HttpServer, parties: Parties) -> Parties:
    """Return the parties with an application for a new job, which has no open interview yet."""
    job = ask(server, "POST", "/jobs", parties.company_token, {"title": "Baker"})
    application = ask(server, "POST", f"/jobs/{job['id']}/applications", parties.candidate_token)
    return replace(parties, application_id=application["applicationId"])


def schedule(server: HttpServer, parties: Parties, days: float = 3, **values: Any) -> str:
    body = invitation(parties.application_id, days, **values)
    return str(ask(server, "POST", "/interviews/schedule", parties.company_token, body)["interviewId"])

"""Proof: behind nginx, clients that write or read slowly hold up no other client."""

import contextlib
import socket
import threading
import time

import pytest
from flask import Flask

from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.gunicorn_server import GunicornServer
from tests.support.nginx import Nginx
from tests.support.proof_table import figure, proof

pytestmark = pytest.mark.needs_nginx


class SlowClients:
    """Connections that begin a request and then send or read slowly, from 200 addresses: nginx limits those of one."""

    def __init__(self, port: int, count: int) -> None:
        self.sockets: list[socket.socket] = []
        for _ in range(count):
            self._open(port, b"GET /jobs HTTP/1.1\r\nHo")
            self._open(port, b"POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                             b"Content-Length: 60000\r\n\r\n{")  # fmt: skip
        for _ in range(count // 3):  # asks for a megabyte and does not read
            self._open(port, b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n")
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def _open(self, port: int, begin: bytes) -> None:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.bind((f"127.0.1.{len(self.sockets) % 200 + 1}", 0))
        sock.connect(("127.0.0.1", port))
        sock.sendall(begin)
        self.sockets.append(sock)

    def _drip(self) -> None:
        while not self._is_over.wait(1):
            for sock in self.sockets[1::2]:
                with contextlib.suppress(OSError):
                    sock.send(b" ")

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()
        for sock in self.sockets:
            sock.close()


@pytest.mark.matrix
def test_slow_clients_hold_up_no_other_client(proxied_servers: tuple[GunicornServer, Nginx], app: Flask) -> None:
    api, nginx = proxied_servers
    count = figure(sample=60, full=300)
    backend = service(Database, app).engine.dialect.name
    workers = api.workers
    with proof(
        "half-open, slow-body and a third as many slow-reading clients behind nginx", backend, count
    ) as proof_row:
        slow, took = SlowClients(nginx.port, count), []
        try:
            for _ in range(figure(sample=100, full=300)):
                began = time.perf_counter()
                assert nginx.ask("GET", "/health/live")[0] == 200
                took.append((time.perf_counter() - began) * 1000)
                time.sleep(0.03)
        finally:
            slow.stop()
        worst = sorted(took)[int(len(took) * 0.99)]
        proof_row.result = f"/health/live p99 {worst:.0f} ms, no worker died"
    assert worst < figure(sample=5000, full=500)
    assert api.workers == workers

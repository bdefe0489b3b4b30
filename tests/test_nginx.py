"""The shipped nginx configuration, in a real nginx before a real gunicorn, and one for live sockets."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from websockets.sync.client import connect

from interviews_api.accounts.tokens import issue_access_token
from tests.conftest import ROOT, SETTINGS, begin_session
from tests.factories import World
from tests.live import LiveServer
from tests.postgres import free_port
from tests.proofs import figure, proof

pytestmark = pytest.mark.needs_nginx


class Nginx:
    """deploy/nginx.conf with other ports and folders, as an ordinary process."""

    def __init__(self, api_port: int, live_port: int) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="interviews-nginx-"))
        shipped = (ROOT / "deploy" / "nginx.conf").read_text()
        folders = "".join(
            f"    {kind}_temp_path {self._folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        changes = {
            "user www-data;\n": "", "listen 80;": f"listen 127.0.0.1:{self.port};", "/run/nginx.pid": "nginx.pid",
            "127.0.0.1:8000": f"127.0.0.1:{api_port}", "127.0.0.1:8001": f"127.0.0.1:{live_port}",
            "/var/log/nginx/error.log": "error.log", "/var/log/nginx/access.log": "access.log",
            "http {\n": f"http {{\n{folders}",
        }  # fmt: skip
        for old, new in changes.items():
            assert shipped.count(old) == 1, old
            shipped = shipped.replace(old, new)
        configuration = self._folder / "nginx.conf"
        configuration.write_text(shipped)
        program = shutil.which("nginx")
        assert program
        self.process = subprocess.Popen(
            [program, "-p", self._folder, "-c", configuration, "-e", self._folder / "error.log", "-g", "daemon off;"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, self.errors
                time.sleep(0.05)

    @property
    def errors(self) -> str:
        return (self._folder / "error.log").read_text()

    @property
    def accesses(self) -> str:
        return (self._folder / "access.log").read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self._folder)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Any:
        """Status, headers and JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        return response.status, dict(response.headers), json.loads(raw)

    def say(self, raw: bytes) -> tuple[int, Any]:
        """Status and JSON of the answer to these very bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as sock:
            sock.sendall(raw)
            answer = b""
            while part := sock.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)


@pytest.fixture(scope="module")
def servers(database_url: str) -> Iterator[tuple[LiveServer, Nginx]]:
    with ExitStack() as stack:
        settings = SETTINGS | {"DATABASE_URL": database_url, "TRUSTED_PROXIES": "1", "RATELIMIT_ENABLED": "true"}
        api = LiveServer(settings)
        stack.callback(api.stop)
        live = LiveServer(settings, config="gunicorn.live.conf.py")
        stack.callback(live.stop)
        nginx = Nginx(api.port, live.port)
        stack.callback(nginx.stop)
        yield api, nginx


@pytest.fixture
def nginx(servers: tuple[LiveServer, Nginx], app: Flask) -> Nginx:
    assert app
    return servers[1]


def in_shape(status: int, answer: Any) -> bool:
    return answer.keys() - {"details"} == {"statusCode", "message", "error"} and answer["statusCode"] == status


def test_what_the_api_says_passes(nginx: Nginx) -> None:
    status, _, answer = nginx.ask("GET", "/health/ready")
    assert (status, answer["message"]) == (200, "Ready")
    status, headers, answer = nginx.ask("GET", "/candidate/interviews")
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    status, headers, answer = nginx.ask("DELETE", "/jobs")
    assert (status, in_shape(405, answer)) == (405, True)
    assert headers["Allow"]
    status, headers, _ = nginx.ask("GET", "/candidate/interviews/updates")
    assert (status, headers["Upgrade"]) == (426, "websocket")


def test_nginxs_own_refusals_have_the_one_shape(nginx: Nginx) -> None:
    status, _, answer = nginx.ask("POST", "/auth/login", {"Content-Type": "application/json"}, b"x" * 70_000)
    assert (status, answer["message"]) == (413, "The body is larger than 64 KiB")
    assert in_shape(413, answer)
    for raw, wanted in (
        (b"NONSENSE\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\nConnection: close\r\n\r\n", 431),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
        (b"GET /../x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400),
    ):  # fmt: skip
        status, answer = nginx.say(raw)
        assert (status, in_shape(wanted, answer)) == (wanted, True), raw[:40]


def test_without_the_api_it_is_a_502_that_says_when_to_come_back() -> None:
    lonely = Nginx(free_port(), free_port())
    try:
        for path in ("/jobs", "/candidate/interviews/updates"):
            status, headers, answer = lonely.ask("GET", path)
            assert (status, in_shape(502, answer), headers["Retry-After"]) == (502, True, "1")
    finally:
        lonely.stop()


def test_a_client_cannot_choose_its_address(nginx: Nginx) -> None:
    """The limit of logins from one address holds, whatever X-Forwarded-For a client makes up."""
    statuses = []
    for number in range(101):
        body = json.dumps({"email": f"nobody{number}@example.com", "password": "x"}).encode()
        forged = {"Content-Type": "application/json", "X-Forwarded-For": f"10.0.0.{number}"}
        statuses.append(nginx.ask("POST", "/auth/login", forged, body)[0])
    assert statuses == [401] * 100 + [429]


def test_live_sockets_pass(nginx: Nginx, app: Flask, world: World) -> None:
    person = world.candidate_with({})
    world.load()
    with app.app_context():
        token = issue_access_token(begin_session(person["id"]))
    with connect(
        f"ws://127.0.0.1:{nginx.port}/candidate/interviews/updates?after=0",
        subprotocols=["interviews.v1", f"bearer.{token}"], proxy=None, legacy=True,
    ) as ws:  # type: ignore[list-item]  # fmt: skip
        assert ws.subprotocol == "interviews.v1"
        status, _, answer = nginx.ask(
            "PUT", f"/candidate/interviews/{world.content['interviews'][0]['id']}/confirm",
            {"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert status == 200, answer
        assert json.loads(ws.recv(timeout=5))["event"] == "interview.confirmed"


def test_the_access_log_has_no_secret(nginx: Nginx) -> None:
    for path in ("/interviews/confirm/canary", "/calendar/canary.ics", "/jobs?canary=1"):
        with contextlib.suppress(ValueError):
            nginx.ask("GET", path, {"Authorization": "Bearer canary"})
    lines = [json.loads(line) for line in nginx.accesses.splitlines()]
    assert len(lines) >= 3
    assert "canary" not in nginx.accesses
    assert all(re.fullmatch(r"[0-9a-f]{32}", line["request_id"]) for line in lines)


class SlowClients:
    """Connections that begin a request and then take their time."""

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


@pytest.mark.proof
def test_slow_clients_hold_up_nobody(servers: tuple[LiveServer, Nginx], app: Flask) -> None:
    api, nginx = servers
    count = figure(sample=60, full=300)
    backend = app.extensions["database"].engine.dialect.name
    workers = api.workers
    with proof("half-open, slow-body and a third as many slow-reading clients behind nginx", backend, count) as done:
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
        done.result = f"/health/live p99 {worst:.0f} ms, no worker died"
    assert worst < 500
    assert api.workers == workers

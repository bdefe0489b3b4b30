"""The shipped nginx configuration, in a real nginx before a real gunicorn, and one for live sockets."""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from websockets.sync.client import connect

from interviews_api.accounts.tokens import issue_access_token
from interviews_api.web.logs import METHODS
from tests.support.chunked_bodies import chunked
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.nginx import Nginx
from tests.support.postgres import free_port
from tests.support.receivers import wait_for
from tests.support.settings import ROOT
from tests.support.tokens import begin_session

pytestmark = pytest.mark.needs_nginx
SAID = {"Error-Code": "theirs", "Retry-After": "7", "Allow": "GET", "X-Request-Id": "theirs"}


@pytest.fixture
def nginx(proxied_servers: tuple[GunicornServer, Nginx], app: Flask) -> Nginx:
    assert app
    return proxied_servers[1]


@contextlib.contextmanager
def upstream_behind_nginx(handler: type[BaseHTTPRequestHandler]) -> Iterator[Nginx]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as upstream:
        threading.Thread(target=upstream.serve_forever).start()
        nginx = Nginx(upstream.server_port, free_port())
        try:
            yield nginx
        finally:
            nginx.stop()
            upstream.shutdown()


def in_shape(status: int, answer: Any) -> bool:
    return answer.keys() - {"details"} == {"statusCode", "message", "error"} and answer["statusCode"] == status


def test_nginx_passes_api_responses(nginx: Nginx) -> None:
    status, _, answer = nginx.ask("GET", "/health/ready")
    assert (status, answer["message"]) == (200, "Ready")
    status, headers, answer = nginx.ask("GET", "/candidate/interviews")
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    status, headers, answer = nginx.ask("DELETE", "/jobs")
    assert (status, in_shape(405, answer)) == (405, True)
    assert headers["Allow"]
    status, headers, _ = nginx.ask("GET", "/candidate/interviews/updates")
    assert (status, headers["Upgrade"]) == (426, "websocket")


def test_nginx_refusals_have_the_error_shape(nginx: Nginx) -> None:
    status, _, answer = nginx.ask("POST", "/auth/login", {"Content-Type": "application/json"}, b"x" * 70_000)
    assert (status, answer["message"]) == (413, "The body is larger than 64 KiB")
    assert in_shape(413, answer)
    for raw, expected in (
        (b"NONSENSE\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\nConnection: close\r\n\r\n", 431),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
        (b"GET /../x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400),
        (b"GET /%6detrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
        (b"GET //metrics?a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
        (b"GET http://b/metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
        (b"TRACE /jobs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
        (b"POST /jobs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n", 501),
        (b"GET /jobs HTTP/9.1\r\nHost: a\r\n\r\n", 505),
    ):  # fmt: skip
        status, answer = nginx.say(raw)
        assert (status, in_shape(expected, answer)) == (expected, True), raw[:40]
    assert nginx.ask("TRACE", "/jobs")[1]["Error-Code"] == "method_not_allowed"
    assert nginx.ask("TRACE", "/jobs")[1]["Allow"].split(", ") == list(METHODS)


@pytest.mark.matrix
@pytest.mark.parametrize("size", [64 * 1024 + 1, 300_000, 1024 * 1024])
@pytest.mark.parametrize("chunk", [1000, 4096, 65_536])
def test_chunked_body_over_64_kib_sees_its_413(chunk: int, size: int, nginx: Nginx) -> None:
    """The client sends all of it before it reads."""
    head = (
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=60) as connection:
        connection.sendall(head + chunked(size, chunk))
        response = HTTPResponse(connection)
        response.begin()
        answer = json.loads(response.read())
    assert (response.status, answer["message"]) == (413, "The body is larger than 64 KiB")
    assert in_shape(413, answer)


def test_unreachable_api_is_a_502_with_retry_after() -> None:
    lonely = Nginx(free_port(), free_port())
    try:
        for path in ("/jobs", "/candidate/interviews/updates"):
            status, headers, answer = lonely.ask("GET", path)
            assert (status, in_shape(502, answer), headers["Retry-After"]) == (502, True, "1")
        lonely.ask("GET", "/interviews/confirm/canary?canary")
        assert "canary" not in lonely.errors + lonely.accesses
    finally:
        lonely.stop()


def test_flood_from_an_address_is_a_429() -> None:
    lonely = Nginx(free_port(), free_port())
    try:
        with socket.create_connection(("127.0.0.1", lonely.port), timeout=30) as flood:
            flood.sendall(b"GET /jobs HTTP/1.1\r\nHost: a\r\n\r\n" * 899)
            flood.sendall(b"GET /jobs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answers = b"".join(iter(lambda: flood.recv(65536), b""))
        statuses = re.findall(rb"HTTP/1.1 (\d+)", answers)
        assert set(statuses) == {b"502", b"429"}
        assert statuses[:401] == [b"502"] * 401, "the burst that is allowed"
        refused = next(answer for answer in answers.split(b"HTTP/1.1 ") if answer.startswith(b"429"))
        assert refused.count(b"Retry-After: 1\r\n") == 1
        assert in_shape(429, json.loads(refused.partition(b"\r\n\r\n")[2]))
    finally:
        lonely.stop()


def test_each_response_has_one_request_id(nginx: Nginx, proxied_servers: tuple[GunicornServer, Nginx]) -> None:
    for path, status in (
        ("/health/live", 200),
        ("/nope", 404),
        ("/metrics", 404),
        ("/candidate/interviews/updates", 426),
    ):
        answer = nginx.ask("GET", path, {"X-Request-Id": f"mine-{status}"})
        assert (answer[0], answer[1]["X-Request-Id"]) == (status, f"mine-{status}")
        for odd in ("x" * 65, "a b", "a/b", ""):
            assert re.fullmatch("[0-9a-f]{32}", nginx.ask("GET", path, {"X-Request-Id": odd})[1]["X-Request-Id"])
    connection = HTTPConnection("127.0.0.1", nginx.port, timeout=30)
    for path in ("/health/live", "/metrics"):
        connection.request("GET", path)
        with connection.getresponse() as response:
            assert len(response.headers.get_all("X-Request-Id", [])) == 1
    connection.close()
    assert '"mine-200"' in proxied_servers[0].log
    assert '"mine-200"' in nginx.accesses


def test_nginx_sets_each_header_once() -> None:
    class Upstream(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path[1:]))
            heard = json.dumps(dict(self.headers)).encode()
            for name, value in {**SAID, "Content-Length": str(len(heard))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(heard)

        def log_message(self, *_anything: object) -> None:
            pass

    with (
        upstream_behind_nginx(Upstream) as nginx,
        contextlib.closing(HTTPConnection("127.0.0.1", nginx.port, timeout=30)) as connection,
    ):
        for status in (405, 429, 502, 503, 504):
            forged = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https", "Connection": "close"}
            connection.request("GET", f"/{status}", headers=forged)
            response = connection.getresponse()
            heard = json.loads(response.read())
            assert response.status == status
            assert {name: response.headers.get_all(name) for name in SAID} == {k: [v] for k, v in SAID.items()}
            assert (heard["X-Forwarded-For"], heard["X-Forwarded-Proto"]) == ("127.0.0.1", "http")


def test_body_of_64_kib_is_not_written_to_disk(nginx: Nginx) -> None:
    body = json.dumps({"email": "a@example.com", "password": "x" * 128, "x": ""}).encode()
    body = body.replace(b'""', b'"' + b"x" * (64 * 1024 - len(body)) + b'"')
    status, _, answer = nginx.ask("POST", "/auth/login", {"Content-Type": "application/json"}, body)
    assert (status, answer["details"]) == (400, {"x": ["Unknown field."]})
    sent = f"POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=60) as slow:
        slow.sendall(sent + body[:-1])
        time.sleep(0.5)
        assert not nginx.files_in("client_body")
        slow.sendall(body[-1:])
        assert slow.recv(100).split()[1] == b"415"


def test_slow_reader_gets_the_whole_file(nginx: Nginx) -> None:
    """nginx takes the file from the worker at once, although it exceeds nginx's buffers, and passes it on."""
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", nginx.port))
        slow.sendall(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        time.sleep(1)
        head, _, body = b"".join(iter(lambda: slow.recv(65536), b"")).partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    assert len(body) == int(length[1]) > 16 * 16 * 1024


def test_largest_response_holds_no_thread_for_a_slow_reader() -> None:
    """nginx takes all of it at once. Without room for it on disk, gunicorn would wait for the reader."""
    table = (ROOT / "docs" / "limits.md").read_text()
    size = 1024 * max(int(kib.replace(",", "")) for kib in re.findall(r"^\| `GET .* ([\d,]+) \|$", table, re.MULTILINE))
    is_sent = threading.Event()

    class Upstream(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(bytes(size))
                is_sent.set()

        def log_message(self, *_anything: object) -> None:
            pass

    with upstream_behind_nginx(Upstream) as nginx, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", nginx.port))
        slow.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert slow.recv(1) == b"H"
        assert is_sent.wait(9)  # after 10 s nginx closes the connection of a client that does not read


def test_requests_of_an_address_in_flight_are_bounded() -> None:
    """Each may fill a temporary file for a slow reader. Live sockets are counted by themselves."""
    has_arrived, may_answer = threading.Semaphore(0), threading.Event()

    class Upstream(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            has_arrived.release()
            may_answer.wait(60)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_anything: object) -> None:
            pass

    with upstream_behind_nginx(Upstream) as nginx, contextlib.ExitStack() as opened:
        opened.callback(may_answer.set)
        for _ in range(48):
            sock = opened.enter_context(socket.create_connection(("127.0.0.1", nginx.port), timeout=30))
            sock.sendall(b"GET /jobs HTTP/1.1\r\nHost: a\r\n\r\n")
            assert has_arrived.acquire(timeout=30)
        status, headers, answer = nginx.ask("GET", "/jobs")
        assert (status, in_shape(429, answer), headers["Retry-After"]) == (429, True, "1")
        assert nginx.ask("GET", "/candidate/interviews/updates")[0] == 502, "no live process runs"
        may_answer.set()
        wait_for(lambda: nginx.ask("GET", "/jobs")[0] == 200)


def test_client_cannot_forge_its_address(nginx: Nginx) -> None:
    """The limit of logins from one address holds, whatever X-Forwarded-For a client makes up."""
    statuses = []
    for number in range(101):
        body = json.dumps({"email": f"nobody{number}@example.com", "password": "x"}).encode()
        forged = {"Content-Type": "application/json", "X-Forwarded-For": f"10.0.0.{number}"}
        statuses.append(nginx.ask("POST", "/auth/login", forged, body)[0])
    assert statuses == [401] * 100 + [429]


def test_nginx_passes_live_sockets(nginx: Nginx, app: Flask, world: World) -> None:
    person = world.candidate_with({})
    world.load()
    with app.app_context():
        token = issue_access_token(begin_session(person["id"]))
    with connect(
        f"ws://127.0.0.1:{nginx.port}/candidate/interviews/updates?after=0",
        subprotocols=["interviews.v1", f"bearer.{token}"], proxy=None, legacy=True,
    ) as ws:  # type: ignore[list-item]  # fmt: skip
        assert ws.subprotocol == "interviews.v1"
        path = f"/candidate/interviews/{world.content['interviews'][0]['id']}/confirm"
        status, _, answer = nginx.ask("PUT", path, {"Authorization": f"Bearer {token}"})
        assert status == 200, answer
        assert json.loads(ws.recv(timeout=30))["event"] == "interview.confirmed"


def test_access_log_has_no_secret(nginx: Nginx) -> None:
    for path in ("/interviews/confirm/canary", "/calendar/canary.ics", "/jobs?canary=1"):
        with contextlib.suppress(ValueError):
            nginx.ask("GET", path, {"Authorization": "Bearer canary"})
    lines = [json.loads(line) for line in nginx.accesses.splitlines()]
    assert len(lines) >= 3
    assert "canary" not in nginx.accesses
    assert all(re.fullmatch(r"[0-9a-f]{32}", line["request_id"]) for line in lines[-3:])

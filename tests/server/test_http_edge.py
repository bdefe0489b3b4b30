"""HTTP over a real socket: requests that gunicorn refuses, and the state of their connections."""

import contextlib
import json
import os
import socket
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.support.chunked_bodies import chunked
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.tokens import Headers

pytestmark = pytest.mark.matrix


@pytest.mark.parametrize(
    ("headers", "status", "phrase"),
    [
        (b"Transfer-Encoding: brotli", 501, "Not Implemented"),
        (b"Expect: the-unexpected", 417, "Expectation Failed"),
        (b"a b: c", 400, "Bad Request"),
    ],
)
def test_gunicorn_refusals_have_the_right_phrase(
    headers: bytes, status: int, phrase: str, gunicorn_server: GunicornServer
) -> None:
    with socket.create_connection(("127.0.0.1", gunicorn_server.port), timeout=60) as connection:
        connection.sendall(b"POST /auth/login HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n")
        response = HTTPResponse(connection)
        response.begin()
        body = json.loads(response.read())
    assert (response.status, response.reason) == (status, phrase)
    assert body == {"statusCode": status, "message": phrase, "error": phrase}
    assert response.headers["Error-Code"] == phrase.lower().replace(" ", "_")


def test_unread_body_is_not_parsed_as_requests(gunicorn_server: GunicornServer) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
    head = f"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: {len(smuggled)}\r\n\r\n".encode()
    answer = b""
    with socket.create_connection(("127.0.0.1", gunicorn_server.port), timeout=60) as connection:
        with contextlib.suppress(OSError):  # refused and closed before it was all sent
            connection.sendall(head + smuggled)
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
    assert answer.count(b"HTTP/1.1 ") <= 1  # none where the connection was reset
    assert b" 404 " not in answer


POST_JSON = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST_JSON + b"Transfer-Encoding: chunked\r\n\r\n"
RAW = {
    "no version": b"GET /candidate/interviews\r\n\r\n",
    "bytes": bytes(range(256)) + b"\r\n\r\n",
    "long line": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    "two lengths": b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "bad chunk": CHUNKED + b"zz\r\n",
    "cut body": POST_JSON + b"Content-Length: 50\r\n\r\n{",
    "chunked 1 MiB": CHUNKED + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 64 + b"0\r\n\r\n",
    "percent": b"GET /candidate/interviews/%zz%%%ff?limit=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "raw path": b"GET /candidate/interviews/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "absolute": b"GET http://evil.example/nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "header bytes": b"GET /auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nConnection: close\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
def test_malformed_requests_are_never_a_500(name: str, gunicorn_server: GunicornServer) -> None:
    answer = b""
    with socket.create_connection(("127.0.0.1", gunicorn_server.port), timeout=60) as connection:
        with contextlib.suppress(OSError):  # refused and closed before it was all sent
            connection.sendall(RAW[name])
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
    assert "Traceback" not in gunicorn_server.log
    if answer:  # nothing where the connection was reset
        status = int(answer.split()[1])
        body = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert (body["statusCode"], set(body) - {"details"}) == (status, {"statusCode", "message", "error"})
        assert 400 <= status < 500


@pytest.mark.parametrize(
    ("framing", "sent", "status"),
    [
        (b"Content-Length: 10", b"{}", 400),
        (b"Content-Length: 10", b"", 400),
        (b"Transfer-Encoding: chunked", b"10000\r\n{}" + b" " * 65534 + b"\r\n5\r\nwrong\r\n0\r\n\r\n", 413),
        (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n", 400),
        (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n", 200),
    ],
)
def test_incomplete_body_changes_nothing(
    framing: bytes,
    sent: bytes,
    status: int,
    gunicorn_server: GunicornServer,
    world: World,
    headers: Callable[..., Headers],
) -> None:
    me = world.candidate_with({"id": "641a5f123456789012345678"})
    world.load()
    authorization = headers(me["id"])["Authorization"].encode()
    with socket.create_connection(("127.0.0.1", gunicorn_server.port), timeout=60) as connection:
        connection.sendall(
            b"PUT /candidate/interviews/641a5f123456789012345678/confirm HTTP/1.1\r\nHost: x\r\nAuthorization: "
            + authorization + b"\r\nContent-Type: application/json\r\n" + framing + b"\r\n\r\n" + sent
        )  # fmt: skip
        connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection)
        response.begin()
    assert response.status == status


@pytest.mark.parametrize("size", [64 * 1024, 1024 * 1024])
def test_connection_outlives_an_unread_body(size: int, gunicorn_server: GunicornServer) -> None:
    """A proxy sends the next client's request over it. A body that is not read is one that the caller may not send."""
    with closing(HTTPConnection("127.0.0.1", gunicorn_server.port, timeout=60)) as connection:
        for _ in range(3):
            connection.request("POST", "/auth/refresh", b" " * size, {"Authorization": "Bearer x"})
            response = connection.getresponse()
            assert response.read()
            assert response.status in (401, 413)
            socket_before = connection.sock
            connection.request("GET", "/health/live")
            assert connection.getresponse().read()
            assert connection.sock is socket_before


def test_tiny_chunks_cost_little(gunicorn_server: GunicornServer) -> None:
    """A million chunks of a byte would take 5 s of CPU to read."""
    before = cpu_seconds(gunicorn_server)
    with socket.create_connection(("127.0.0.1", gunicorn_server.port), timeout=3) as connection:
        connection.sendall(b"POST /nope HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):  # the server reads no more
            for _ in range(1000):
                connection.sendall(b"1\r\n \r\n" * 1000)
            connection.sendall(b"0\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 404"
    assert cpu_seconds(gunicorn_server) - before < 2


def cpu_seconds(server: GunicornServer) -> float:
    """Return the CPU that its workers have taken."""
    times = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in server.workers]
    return sum(int(fields[11]) + int(fields[12]) for fields in times) / os.sysconf("SC_CLK_TCK")


def answer_to(server: GunicornServer, *parts: bytes) -> tuple[int, bytes]:
    """Return status and body of the response; each part is sent when the one before it is."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


@pytest.mark.parametrize(
    ("version", "host", "status"),
    [
        (b"1.1", b"", 400),
        (b"1.1", b"Host: \r\n", 400),
        (b"1.1", b"Host: a b/../\r\n", 400),
        (b"1.1", b"Host: a/b\r\n", 400),
        (b"1.1", b"Host: user@a\r\n", 400),
        (b"1.1", b"Host: a,b\r\n", 400),
        (b"1.1", b"Host: a:x\r\n", 400),
        (b"1.1", b"Host: \xff\r\n", 400),
        (b"1.1", b"Host: [::1\r\n", 400),
        (b"1.1", b"Host: a\r\nHost: b\r\n", 400),
        (b"1.1", b"Host: my_api.example:8000\r\n", 200),
        (b"1.1", b"Host: [2001:db8::1]:80\r\n", 200),
        (b"1.0", b"", 200),
        (b"1.0", b"Host: a b\r\n", 400),
    ],
)
def test_host_is_present_and_valid(version: bytes, host: bytes, status: int, gunicorn_server: GunicornServer) -> None:
    for path in (b"/health/live", b"/nope"):
        request = b"GET " + path + b" HTTP/" + version + b"\r\n" + host + b"Connection: close\r\n\r\n"
        answered, body = answer_to(gunicorn_server, request)
        assert answered == (404 if status == 200 and path == b"/nope" else status)
        if answered >= 400:
            assert json.loads(body).keys() == {"statusCode", "message", "error"}


@pytest.mark.parametrize("path", [b"/auth/login", b"/jobs", b"/nope"])  # 413, 401 and 404
@pytest.mark.parametrize("size", [70_000, 300_000, 1_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_response_to_a_large_body_can_be_read(
    path: bytes, size: int, is_chunked: bool, gunicorn_server: GunicornServer
) -> None:
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    if is_chunked:
        head += b"Transfer-Encoding: chunked\r\n\r\n"
        body = f"{size:x}\r\n".encode() + b" " * size + b"\r\n0\r\n\r\n"
    else:
        head += f"Content-Length: {size}\r\n\r\n".encode()
        body = b" " * size
    status, answer = answer_to(gunicorn_server, head, body)
    assert status == {b"/auth/login": 413, b"/jobs": 401, b"/nope": 404}[path]
    assert json.loads(answer)["statusCode"] == status


@pytest.mark.matrix
@pytest.mark.parametrize("size", [64 * 1024 + 1, 300_000, 1024 * 1024])
@pytest.mark.parametrize("chunk", [1000, 4096, 65_536])
@pytest.mark.parametrize("path", [b"/auth/login", b"/auth/password/reset"])
def test_chunked_body_over_64_kib_sees_its_413(
    path: bytes, chunk: int, size: int, gunicorn_server: GunicornServer
) -> None:
    """The client sends all of it before it reads, as most do; then it asks for more on the same connection."""
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", gunicorn_server.port), timeout=60) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(size, chunk))
        for expected in (413, 200):
            response = HTTPResponse(connection)
            response.begin()
            answer = json.loads(response.read())
            assert response.status == expected
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer["message"] == "Alive"


def test_chunked_body_of_64_kib_is_read(gunicorn_server: GunicornServer) -> None:
    body = b'{"email": "a@example.com", "password": "x"}'
    sent = body + b" " * (64 * 1024 - len(body))
    parts = b"".join(f"{4096:x}\r\n".encode() + sent[at : at + 4096] + b"\r\n" for at in range(0, len(sent), 4096))
    assert answer_to(gunicorn_server, CHUNKED, parts + b"0\r\n\r\n")[0] == 401


def test_large_body_that_is_expected_gets_a_413(gunicorn_server: GunicornServer) -> None:
    """gunicorn sends 100 (Continue) before the application sees the request; no setting prevents it."""
    head = POST_JSON + b"Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gunicorn_server.port), timeout=60) as connection:
        connection.sendall(head)
        assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b" " * 1_000_000)
        response = HTTPResponse(connection)
        response.begin()
        assert response.status == 413


@pytest.mark.parametrize(
    "header",
    [b"SCRIPT_NAME: /x", b"Script_Name: /x", b"PATH_INFO: /x", b"X-Forwarded-SSL: on", b"X-Forwarded-Protocol: ssl"],
)
def test_headers_of_proxies_change_nothing(header: bytes, gunicorn_server: GunicornServer) -> None:
    end = b" HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: http\r\nConnection: close\r\n" + header + b"\r\n\r\n"
    assert answer_to(gunicorn_server, b"GET /health/live" + end)[0] == 200
    assert answer_to(gunicorn_server, b"GET /x/health/live" + end)[0] == 404


def test_gunicorn_refusals_have_the_error_shape(gunicorn_server: GunicornServer) -> None:
    for sent, status in ((b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414), (b"nonsense\r\n\r\n", 400)):
        with socket.create_connection(("127.0.0.1", gunicorn_server.port), timeout=60) as connection:
            connection.sendall(sent)
            response = HTTPResponse(connection)
            response.begin()
            body = json.loads(response.read())
        assert response.getheader("Content-Type") == "application/json"
        assert (response.status, body["statusCode"], body["error"]) == (status, status, response.reason)

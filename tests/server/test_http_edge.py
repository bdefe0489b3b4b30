"""HTTP over a real socket: requests that gunicorn refuses, and the state of their connections."""

import contextlib
import json
import socket
from collections.abc import Callable
from http.client import HTTPResponse

import pytest

from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.tokens import Headers


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


def test_gunicorn_refusals_have_the_error_shape(gunicorn_server: GunicornServer) -> None:
    for sent, status in ((b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414), (b"nonsense\r\n\r\n", 400)):
        with socket.create_connection(("127.0.0.1", gunicorn_server.port), timeout=60) as connection:
            connection.sendall(sent)
            response = HTTPResponse(connection)
            response.begin()
            body = json.loads(response.read())
        assert response.getheader("Content-Type") == "application/json"
        assert (response.status, body["statusCode"], body["error"]) == (status, status, response.reason)

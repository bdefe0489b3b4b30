"""The edge of HTTP over a real socket: what gunicorn refuses, and what it does with a connection."""

import json
import socket
from http.client import HTTPResponse

import pytest

from tests.live import LiveServer


@pytest.mark.parametrize(
    ("headers", "status", "phrase"),
    [
        (b"Transfer-Encoding: brotli", 501, "Not Implemented"),
        (b"Expect: the-unexpected", 417, "Expectation Failed"),
        (b"a b: c", 400, "Bad Request"),
    ],
)
def test_gunicorns_refusals_are_called_what_they_are(
    headers: bytes, status: int, phrase: str, live: LiveServer
) -> None:
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as connection:
        connection.sendall(b"POST /auth/login HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n")
        response = HTTPResponse(connection)
        response.begin()
        body = json.loads(response.read())
    assert (response.status, response.reason) == (status, phrase)
    assert body == {"statusCode": status, "message": phrase, "error": phrase}

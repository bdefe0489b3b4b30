"""The edge of HTTP over a real socket: what gunicorn refuses, and what it does with a connection."""

import json
import socket
from http.client import HTTPResponse

import pytest
from flask.testing import FlaskClient

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


@pytest.mark.parametrize("names", [list("zyxwvutsrq"), list("abcdefghij"), ["_schema", "", "a.b", "email.", "0"]])
def test_unknown_fields_are_named_in_the_order_of_the_body(names: list[str], client: FlaskClient) -> None:
    """marshmallow walks through them in a set's order, which differs from process to process."""
    for given, missing in (({"email": "a", "password": "b"}, []), ({"email": "a"}, ["password"])):
        raw = json.dumps(dict.fromkeys(names, 1) | given)  # the client's own json= sorts
        body = client.post("/auth/login", data=raw, content_type="application/json").get_json()
        assert list(body["details"]) == [*missing, *names]
        assert body["message"].startswith(f"{[*missing, *names][0]}: ")

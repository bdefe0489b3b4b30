"""The edge of HTTP over a real socket: what gunicorn refuses, and what it does with a connection."""

import contextlib
import json
import socket
from http.client import HTTPResponse
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from interviews_api import create_app
from interviews_api.db.connections import read_connection
from tests.conftest import BACKENDS, SECRETS, fresh_database
from tests.support.factories import PASSWORD
from tests.support.live import LiveServer


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


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_database_that_was_not_migrated_is_a_503(backend: str, tmp_path: Path) -> None:
    with fresh_database(backend, tmp_path) as url:
        app = create_app(SECRETS | {"DATABASE_URL": url})
        client = app.test_client()
        login = {"email": "me@example.com", "password": PASSWORD}
        for response in (client.post("/auth/login", json=login), client.get("/health/ready")):
            assert (response.status_code, response.get_json()["error"]) == (503, "Service Unavailable")
            assert response.headers["Retry-After"] == "1"
        app.extensions["database"].dispose()


def test_another_programming_error_is_a_500(database_url: str) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": database_url})

    def ask_wrongly() -> str:
        with read_connection() as connection:
            connection.exec_driver_sql("SELECT 1", (1,))
        return "never"

    app.add_url_rule("/wrong", "wrong", ask_wrongly)
    assert app.test_client().get("/wrong").status_code == 500
    app.extensions["database"].dispose()


@pytest.mark.parametrize("path", ["/docs", "/docs/init.js"])
def test_conditions_on_files(path: str, client: FlaskClient) -> None:
    with client.get(path) as whole:
        etag = whole.headers["ETag"]
    for headers, status, kind in (
        ({"If-Match": '"x"'}, 200, whole.mimetype),
        ({"If-Match": "*"}, 200, whole.mimetype),
        ({"If-None-Match": etag}, 304, None),
        ({"Range": "bytes=0-3"}, 206, whole.mimetype),
        ({"Range": "bytes=9999999-"}, 416, "application/json"),
    ):
        with client.get(path, headers=headers) as response:
            assert (response.status_code, response.mimetype) == (status, kind), headers


@pytest.mark.parametrize("origins", ["http://a.example", "http://a.example,http://b.example"])
def test_whatever_the_origin_a_cache_is_told_that_it_matters(origins: str, database_url: str) -> None:
    client = create_app(SECRETS | {"DATABASE_URL": database_url, "CORS_ORIGINS": origins}).test_client()
    for path, origin in (("/health/live", "http://a.example"), ("/nope", "http://evil.example"), ("/nope", None)):
        response = client.get(path, headers={"Origin": origin} if origin else {})
        assert response.headers.getlist("Vary") == ["Origin"]
        allowed = "http://a.example" if origin == "http://a.example" else None
        assert response.headers.get("Access-Control-Allow-Origin") == allowed
    without = create_app(SECRETS | {"DATABASE_URL": database_url}).test_client()
    assert "Vary" not in without.get("/health/live", headers={"Origin": "http://a.example"}).headers


def test_an_unread_body_is_not_taken_for_requests(live: LiveServer) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
    head = f"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: {len(smuggled)}\r\n\r\n".encode()
    answer = b""
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as connection:
        with contextlib.suppress(OSError):  # refused and closed before it was all sent
            connection.sendall(head + smuggled)
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
    assert answer.count(b"HTTP/1.1 ") <= 1  # none where the connection was reset
    assert b" 404 " not in answer

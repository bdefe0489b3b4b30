"""Errors have one shape, and no input causes a 500."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize, NoMoreData
from werkzeug.test import TestResponse

from interviews_api import create_app
from interviews_api.db.connections import Database, read_connection
from interviews_api.services import service
from tests.support.api import PASSWORD
from tests.support.databases import fresh_database
from tests.support.factories import World
from tests.support.settings import BACKENDS, SECRETS
from tests.support.tokens import Headers

JSON = "application/json"


def assert_is_error(response: TestResponse, status: int) -> dict[str, Any]:
    body: dict[str, Any] = response.get_json()
    assert response.mimetype == JSON
    assert (response.status_code, body["statusCode"]) == (status, status)
    assert set(body) - {"details"} == {"statusCode", "message", "error"}
    assert body["error"] == response.status.partition(" ")[2].title()
    return body


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/candidate", "/candidate/interviews/", "//candidate/interviews", "/docs/x", "/%00"]
)
def test_unknown_routes_are_404(path: str, client: FlaskClient) -> None:
    assert_is_error(client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/candidate/interviews", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/candidate/interviews/641a5f123456789012345678", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/candidate/interviews/641a5f123456789012345678/confirm", {"PUT", "OPTIONS"}),
        ("PROPFIND", "/auth/login", {"POST", "OPTIONS"}),
    ],
)
def test_wrong_method_is_405_with_allow(method: str, path: str, allowed: set[str], client: FlaskClient) -> None:
    response = client.open(path, method=method)
    assert_is_error(response, 405)
    assert {name.strip() for name in response.headers["Allow"].split(",")} == allowed


MALFORMED = {
    "empty array": b"[]", "null": b"null", "text": b'"a"', "number": b"1",
    "broken": b'{"email": ', "trailing": b'{"email": "a", "password": "b"} x', "two": b"{}{}",
    "not utf-8": b'{"email": "\xff\xfe", "password": "b"}', "utf-16": '{"email": "a"}'.encode("utf-16"),
    "two boms": b"\xef\xbb\xbf\xef\xbb\xbf{}", "nul bytes": b"\0\0\0\0",
    "nul": b'{"email": "a\\u0000", "password": "b"}', "nul in key": b'{"a\\u0000": 1}',
    "surrogate": b'{"email": "\\ud800", "password": "b"}', "surrogate in key": b'{"\\udfff": 1}',
    "raw surrogate": b'{"email": "\xed\xa0\x80", "password": "b"}',
    "NaN": b'{"email": NaN, "password": "b"}', "Infinity": b'{"email": -Infinity}', "overflow": b'{"email": 1e999}',
    "duplicate": b'{"email": "a", "email": "b", "password": "c"}', "inner duplicate": b'{"x": [{"a": 1, "a": 2}]}',
    "deep": b'{"x":' + b"[" * 32 + b"]" * 32 + b"}", "very deep": b"[" * 60_000, "deep objects": b'{"a":' * 10_000,
    "huge integer": b'{"email": ' + b"9" * 5000 + b"}",
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_json_is_a_400_without_details(name: str, client: FlaskClient) -> None:
    body = assert_is_error(client.post("/auth/login", data=MALFORMED[name], content_type=JSON), 400)
    assert "details" not in body


@pytest.mark.parametrize("name", ["not utf-8", "utf-16", "raw surrogate", "nul bytes"])
def test_body_that_is_not_utf_8_is_refused_in_these_words(name: str, client: FlaskClient) -> None:
    body = assert_is_error(client.post("/auth/login", data=MALFORMED[name], content_type=JSON), 400)
    assert body["message"].startswith("The JSON must be in UTF-8")


def test_byte_order_mark_of_a_body_is_skipped(client: FlaskClient) -> None:
    body = assert_is_error(client.post("/auth/login", data=b"\xef\xbb\xbf{}", content_type=JSON), 400)
    assert list(body["details"]) == ["email", "password"]


def test_nesting_up_to_32_is_json(client: FlaskClient) -> None:
    deepest = b'{"x":' + b"[" * 31 + b"]" * 31 + b"}"
    body = assert_is_error(client.post("/auth/login", data=deepest, content_type=JSON), 400)
    assert body["details"]["x"] == ["Unknown field."]


@pytest.mark.parametrize("value", [2**63, -(2**64), 10**400, 1.5, True, [], {}, "\u2028" * 10])
def test_odd_login_values_are_never_a_500(value: object, client: FlaskClient) -> None:
    response = client.post("/auth/login", json={"email": value, "password": value})
    assert_is_error(response, 401 if isinstance(value, str) else 400)


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"],
)
def test_other_content_type_is_a_415(content_type: str | None, client: FlaskClient) -> None:
    assert_is_error(client.post("/auth/login", data=b"{}", content_type=content_type), 415)


def test_json_content_type_may_have_parameters(client: FlaskClient) -> None:
    response = client.post("/auth/login", data=b"{}", content_type="Application/JSON; charset=utf-8")
    assert "details" in assert_is_error(response, 400)


@pytest.mark.parametrize("error", [ConnectionResetError(), NoMoreData(), InvalidChunkSize(b"zz")])
def test_body_that_breaks_off_is_a_400(error: Exception, client: FlaskClient) -> None:
    class Broken:
        def read(self, _size: int = -1) -> bytes:
            raise error

    environ = {"wsgi.input": Broken(), "CONTENT_LENGTH": "9"}
    response = client.post("/auth/login", content_type=JSON, environ_overrides=environ)
    assert assert_is_error(response, 400)["message"] == "The body could not be read to its end"


def test_body_over_64_kib_is_a_413(client: FlaskClient) -> None:
    filled = json.dumps({"email": "a", "password": ""}).encode()
    largest = filled.replace(b'""', b'"' + b"x" * (64 * 1024 - len(filled)) + b'"')
    assert_is_error(client.post("/auth/login", data=largest, content_type=JSON), 401)
    assert_is_error(client.post("/auth/login", data=largest + b" ", content_type=JSON), 413)


def test_confirm_accepts_only_an_empty_object(
    client: FlaskClient, world: World, headers: Callable[..., Headers]
) -> None:
    me = world.candidate_with({"id": "641a5f123456789012345678"})
    world.load()
    path, authorization = "/candidate/interviews/641a5f123456789012345678/confirm", headers(me["id"])
    for data, content_type, status in (
        (b'{"at": 1}', JSON, 400), (b"[]", JSON, 400), (b"{", JSON, 400), (b"a=1", "text/plain", 415),
        (b" " * 65537, JSON, 413),
    ):  # fmt: skip
        assert_is_error(client.put(path, headers=authorization, data=data, content_type=content_type), status)
    form = client.put(path, headers=authorization, data=b"", content_type="application/x-www-form-urlencoded")
    assert form.status_code == 200


@pytest.mark.parametrize("path", ["/candidate/interviews", "/auth/login", "/nope", "/openapi.json"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "\xff"}, {"Content-Type": "\xff/\xfe; charset=\x7f"}, {"Content-Length": "abc"},
        {"Range": "bytes=x"}, {"If-None-Match": '"' * 500}, {"Host": "a b"}, {"Host": ""}, {"Cookie": "=;=;\xff"},
        {"Origin": "null"}, {"X-Forwarded-For": "\xff" * 50}, {"Transfer-Encoding": "chunked"},
    ],
)  # fmt: skip
def test_odd_headers_are_never_a_500(path: str, headers: dict[str, str], client: FlaskClient) -> None:
    for method in ("GET", "POST", "PUT", "HEAD", "OPTIONS"):
        assert client.open(path, method=method, headers=headers, data=b"x").status_code < 500


def test_fault_is_logged_and_hidden_from_the_client(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": database_url})
    app.add_url_rule("/fault", "fault", lambda: {}["planted-canary"])
    with caplog.at_level(logging.ERROR):
        response = app.test_client().get("/fault")
    assert assert_is_error(response, 500)["message"] == "Internal server error"
    assert b"canary" not in response.data
    assert response.headers["X-Request-Id"] in caplog.text
    assert "KeyError: 'planted-canary'" in caplog.text


def test_unreachable_database_is_a_503_with_retry_after(
    tmp_path: Any, world: World, headers: Callable[..., Headers]
) -> None:
    me = world.candidate(email="me@example.com", password=PASSWORD)
    world.load()
    for url in (f"sqlite:///{tmp_path}", "postgresql://postgres@127.0.0.1:1/nowhere"):  # a folder; nobody listens
        client = create_app(SECRETS | {"DATABASE_URL": url}).test_client()
        for response in (
            client.get("/candidate/interviews", headers=headers(me["id"])),
            client.post("/auth/login", json={"email": "me@example.com", "password": PASSWORD}),
            client.put(f"/candidate/interviews/{'a' * 24}/confirm", headers=headers(me["id"])),
            client.get("/health/ready"),
        ):
            assert_is_error(response, 503)
            assert int(response.headers["Retry-After"]) >= 1
        assert client.get("/health/live").status_code == 200


def test_unmigrated_database_is_not_ready(tmp_path: Any) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"})
    assert_is_error(app.test_client().get("/health/ready"), 503)
    service(Database, app).dispose()


def test_migrated_database_is_ready(client: FlaskClient) -> None:
    assert client.get("/health/ready").get_json() == {"message": "Ready", "data": {}}
    assert client.get("/health/live").get_json() == {"message": "Alive", "data": {}}


@pytest.mark.parametrize(("proxies", "seen"), [("0", "127.0.0.1"), ("1", "203.0.113.9"), ("2", "198.51.100.7")])
def test_only_trusted_proxies_set_the_client_address(proxies: str, seen: str, database_url: str) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": database_url, "TRUSTED_PROXIES": proxies})
    app.add_url_rule("/address", "address", lambda: str(request.remote_addr))
    forwarded = {"X-Forwarded-For": "192.0.2.66, 198.51.100.7, 203.0.113.9"}
    assert app.test_client().get("/address", headers=forwarded).text == seen


def test_passwords_are_not_logged(app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        client.post("/auth/login", json={"email": "a@example.com", "password": "planted-canary"})
        client.post("/auth/login", json={"email": "a@example.com", "planted-canary": "x"})
        client.get("/auth/me", headers={"Authorization": "Bearer planted-canary"})
    assert "planted-canary" not in caplog.text


@pytest.mark.parametrize("names", [list("zyxwvutsrq"), list("abcdefghij"), ["_schema", "", "a.b", "email.", "0"]])
def test_unknown_fields_are_named_in_the_order_of_the_body(names: list[str], client: FlaskClient) -> None:
    """marshmallow reports them in a set's order, which differs between processes."""
    for fields, missing in (({"email": "a", "password": "b"}, []), ({"email": "a"}, ["password"])):
        raw = json.dumps(dict.fromkeys(names, 1) | fields)  # the client's own json= sorts
        body = client.post("/auth/login", data=raw, content_type="application/json").get_json()
        assert list(body["details"]) == [*missing, *names]
        assert body["message"].startswith(f"{[*missing, *names][0]}: ")


@pytest.mark.parametrize("backend", BACKENDS)
def test_unmigrated_database_is_a_503(backend: str, tmp_path: Path) -> None:
    with fresh_database(backend, tmp_path) as url:
        app = create_app(SECRETS | {"DATABASE_URL": url})
        client = app.test_client()
        login = {"email": "me@example.com", "password": PASSWORD}
        for response in (client.post("/auth/login", json=login), client.get("/health/ready")):
            assert (response.status_code, response.get_json()["error"]) == (503, "Service Unavailable")
            assert response.headers["Retry-After"] == "1"
        service(Database, app).dispose()


def test_programming_error_is_a_500(database_url: str) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": database_url})

    def ask_wrongly() -> str:
        with read_connection() as connection:
            connection.exec_driver_sql("SELECT 1", (1,))
        return "never"

    app.add_url_rule("/wrong", "wrong", ask_wrongly)
    assert app.test_client().get("/wrong").status_code == 500
    service(Database, app).dispose()


@pytest.mark.parametrize("path", ["/docs", "/docs/init.js"])
def test_static_files_honour_conditional_requests(path: str, client: FlaskClient) -> None:
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

"""Limits on requests before a route reads them, in the application itself; servers are in tests/server."""

from io import BytesIO
from typing import Any

from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

MEBIBYTE = 1024 * 1024


class BrokenStream(BytesIO):
    """Body whose client has gone."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise ConnectionResetError


def post(app: Flask, body: BytesIO, **environ: Any) -> int:
    """Return the status of a POST whose stream ends by itself, as that of gunicorn does."""
    values = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", **environ}
    return int(run_wsgi_app(app, create_environ("/nope", method="POST") | values)[1].split()[0])


def test_http_1_1_without_host_is_a_400(app: Flask) -> None:
    environ = create_environ("/health/live")
    del environ["HTTP_HOST"]
    body, status, _ = run_wsgi_app(app, environ)
    assert status == "400 BAD REQUEST"
    assert b"The Host header is missing" in b"".join(body)


def test_rest_of_a_body_is_read(app: Flask) -> None:
    body = BytesIO(bytes(300_000))
    assert post(app, body) == 404
    assert body.tell() == 300_000


def test_at_most_a_mebibyte_of_a_body_is_read(app: Flask) -> None:
    body = BytesIO(bytes(3 * MEBIBYTE))
    assert post(app, body) == 404
    assert body.tell() == MEBIBYTE


def test_stream_that_may_not_end_is_not_read(app: Flask) -> None:
    body = BytesIO(bytes(300_000))
    environ = create_environ("/nope", method="POST") | {"wsgi.input": body, "CONTENT_LENGTH": "300000"}
    assert run_wsgi_app(app, environ)[1].startswith("404")
    assert body.tell() == 0


def test_broken_stream_does_not_change_the_response(app: Flask) -> None:
    assert post(app, BrokenStream()) == 404

"""gunicorn's own errors: the API's error shape, without gunicorn's reason."""

import json
import socket
from http.client import HTTPResponse

import pytest

from interviews_api.server.gunicorn_internals import write_json_error
from interviews_api.web import security_headers


@pytest.mark.parametrize("status", [400, 414, 431, 500])
def test_error_has_the_api_shape_and_closes_the_connection(status: int) -> None:
    client, server = socket.socketpair()
    with client, server:
        write_json_error(server, status, "Bad Request", "Invalid header: 'secret'")
        response = HTTPResponse(client)
        response.begin()
        body = json.loads(response.read())
    assert response.status == body["statusCode"] == status
    assert body["error"] == body["message"] == response.reason
    assert response.headers["Connection"] == "close"
    assert response.headers["X-Request-Id"]
    assert security_headers.DEFAULTS.items() <= dict(response.headers).items()

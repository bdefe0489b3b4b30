"""Limits on requests, before a route reads them: a valid Host, and a body of at most 64 KiB."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Flask, Response, request

from interviews_api.errors import BadRequest

MAX_BODY_BYTES = 64 * 1024
_MAX_DISCARDED = 1024 * 1024  # bytes
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def _check_host() -> None:
    """Raise BadRequest for an invalid Host, or HTTP/1.1 without one (RFC 9112, section 3.2)."""
    environ = request.environ
    host = environ.get("HTTP_HOST")
    if host is None and environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
        raise BadRequest("The Host header is missing")
    if host is not None and not _HOST.fullmatch(host):
        raise BadRequest("The Host header is invalid")


def _discard_large_body(response: Response) -> Response:
    """Read the rest of a body over the limit, up to 1 MiB, and throw it away.

    A client that is still sending would otherwise find its connection reset, and not read the response. gunicorn
    reads the rest of smaller bodies itself. Another server's stream may not end, unless it has `wsgi.input_terminated`.
    """
    environ = request.environ
    if "wsgi.input_terminated" in environ and _has_large_body(environ):
        remaining = _MAX_DISCARDED
        with suppress(Exception):  # each WSGI server has its own errors for a short body or a broken chunk
            while remaining > 0 and (chunk := environ["wsgi.input"].read(min(remaining, MAX_BODY_BYTES))):
                remaining -= len(chunk)
    return response


def _has_large_body(environ: Mapping[str, Any]) -> bool:
    if "HTTP_TRANSFER_ENCODING" in environ:
        return True
    return "CONTENT_LENGTH" in environ and (request.content_length or 0) > MAX_BODY_BYTES


def init_app(app: Flask) -> None:
    """Install the check of Host and the limit on bodies."""
    app.before_request(_check_host)
    app.after_request(_discard_large_body)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1  # the extra byte shows that the body is too large

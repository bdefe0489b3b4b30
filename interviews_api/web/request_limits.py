"""Limits on requests, before a route reads them: a valid Host, and a body of at most 64 KiB."""

import re
import time
from contextlib import suppress

from flask import Flask, Response, request

from interviews_api.errors import BadRequest

MAX_BODY_BYTES = 64 * 1024
_MAX_DISCARDED = 1024 * 1024  # bytes
_MAX_DISCARDING = 0.1  # seconds of CPU
_BLOCK = 4096  # bytes
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def _check_host() -> None:
    """Raise BadRequest for an invalid Host, or HTTP/1.1 without one (RFC 9112, section 3.2)."""
    environ = request.environ
    host = environ.get("HTTP_HOST")
    if host is None and environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
        raise BadRequest("The Host header is missing")
    if host is not None and not _HOST.fullmatch(host):
        raise BadRequest("The Host header is invalid")


def _discard_body(response: Response) -> Response:
    """Read the rest of the body, up to 1 MiB, and throw it away.

    A client that is still sending would otherwise find its connection reset, and not read the response. gunicorn reads
    less than 64 KiB itself; with more it closes a connection on which a proxy may be sending another client's request.
    Another server's stream may not end, unless it has `wsgi.input_terminated`. Chunks of a byte cost far more than the
    bytes, so it stops after 100 ms of CPU as well.
    """
    environ = request.environ
    has_body = "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ
    if has_body and "wsgi.input_terminated" in environ:
        ends_at = time.thread_time() + _MAX_DISCARDING
        remaining = _MAX_DISCARDED
        with suppress(Exception):  # each WSGI server has its own errors for a short body or a broken chunk
            while remaining > 0 and time.thread_time() < ends_at and (chunk := environ["wsgi.input"].read(_BLOCK)):
                remaining -= len(chunk)
    return response


def init_app(app: Flask) -> None:
    """Install the check of Host and the limit on bodies."""
    app.before_request(_check_host)
    app.after_request(_discard_body)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1  # the extra byte shows that the body is too large

"""Request ids, and the log: one JSON object a line, one line a request, nothing of what a client may have sent.

A line has the route's template, never the path, which holds ids and secrets (links, feeds); nor query, headers, body.
"""

import json
import logging
import re
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, has_request_context, request
from gunicorn import glogging

from interviews_api.clock import format_instant

HEADER = "X-Request-Id"
UNKNOWN_ROUTE = "unknown"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = "interviews.request_id"  # in the WSGI environment, which is one request's own
_STARTED = "interviews.started"
_log = logging.getLogger(__name__)


def new_request_id() -> str:
    """32 hex digits, as nginx makes them."""
    return secrets.token_hex(16)


def request_id() -> str:
    """The present request's id: the one it came with when that is well-formed, else one of our own."""
    if _ID not in request.environ:
        given = request.headers.get(HEADER, "")
        request.environ[_ID] = given if _WELL_FORMED.fullmatch(given) else new_request_id()
    return str(request.environ[_ID])


def route() -> str:
    """The present request's route as it is written in the code, ids left out: `/jobs/<id:job_id>/applications`."""
    return request.url_rule.rule if request.url_rule else UNKNOWN_ROUTE


def method() -> str:
    """The present request's method; a client may make up its own, and all of those are one."""
    return request.method if request.method in _METHODS else "other"


def seconds() -> float:
    """How long the present request has taken until now."""
    now = time.perf_counter()
    return now - float(request.environ.get(_STARTED, now))


def init_app(app: Flask) -> None:
    """Give every response its id and every request its line. Before all other hooks: then it begins and ends them."""
    app.before_request(_start)
    app.after_request(_finish)


def _start() -> None:
    request.environ[_STARTED] = time.perf_counter()


def _finish(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    log_request(request_id(), method(), route(), response.status_code, seconds())
    return response


def log_request(request_id: str, method: str, route: str, status: int, seconds: float) -> None:
    """The line of a request."""
    fields = {
        "request_id": request_id,
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    _log.info("request", extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON, its traceback in it, under the id of the request that it came from."""

    def format(self, record: logging.LogRecord) -> str:
        """Pure ASCII: nothing that a client can put into a message ends the line."""
        line: dict[str, Any] = {
            "time": format_instant(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context():
            line["request_id"] = request_id()
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure() -> None:
    """Send the log of this process, and of those it forks, to stdout; for programs, not for who imports the package."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class GunicornLogger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own lines, in JSON too, without the request line and the headers that it would quote."""

    def setup(self, cfg: Any) -> None:
        """Also what a reload runs."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Called while it handles what was wrong with the request: that is named instead of quoted."""
        error = sys.exc_info()[0]
        if str(msg).startswith("Invalid request from ip=") and error is not None:
            msg, args = "Invalid request: %s", (error.__name__,)
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Its words end with the request's address."""
        if str(msg).startswith("Error handling request "):
            msg, args = "Error handling request", ()
        super().exception(msg, *args, **kwargs)

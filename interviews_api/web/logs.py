"""Request ids, and the log: one JSON object a line, one line a request, nothing of what a client may have sent.

A line has the route's template, never the path, which holds ids and secrets (links, feeds); nor query, headers, body.
"""

import json
import logging
import random
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Flask, Request, Response, has_request_context, request

from interviews_api.clock import format_instant

HEADER = "X-Request-Id"
UNKNOWN_ROUTE = "unknown"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = "interviews.request_id"  # in the WSGI environment, which is one request's own
_STARTED = "interviews.started"
_GIVEN = "HTTP_X_REQUEST_ID"
_log = logging.getLogger(__name__)


def new_request_id() -> str:
    """32 hex digits, as nginx makes them. They are no secret, and so need no system call."""
    return f"{random.getrandbits(128):032x}"


def request_id(asked: Request) -> str:
    """The request's id: the one it came with when that is well-formed, else one of our own."""
    environ = asked.environ
    known: str | None = environ.get(_ID)
    if known is None:
        given = environ.get(_GIVEN, "")
        known = environ[_ID] = given if _WELL_FORMED.fullmatch(given) else new_request_id()
    return known


def route(asked: Request) -> str:
    """The request's route as it is written in the code, ids left out: `/jobs/<id:job_id>/applications`."""
    rule = asked.url_rule
    return rule.rule if rule else UNKNOWN_ROUTE


def method(asked: Request) -> str:
    """The request's method; a client may make up its own, and all of those are one."""
    return asked.method if asked.method in _METHODS else "other"


def init_app(app: Flask, count: Callable[[str, str, int, float], None]) -> None:
    """Give every response its id and every request its line. Before all other hooks: then it begins and ends them.

    `count` is told the same of each request: route, method, status and seconds.
    """

    def finish(response: Response) -> Response:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # a LocalProxy
        now = time.perf_counter()
        taken = now - asked.environ.get(_STARTED, now)
        known, named, made, status = request_id(asked), route(asked), method(asked), response.status_code
        response.headers.add(HEADER, known)
        log_request(known, made, named, status, taken)
        count(named, made, status, taken)
        return response

    app.before_request(_start)
    app.after_request(finish)


def _start() -> None:
    request.environ[_STARTED] = time.perf_counter()


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
        if (fields := getattr(record, "fields", None)) is not None:
            line |= fields
        elif has_request_context():
            line["request_id"] = request_id(request)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        with suppress(TypeError):  # half a surrogate pair
            text = orjson.dumps(line, default=str).decode()
            if text.isascii():
                return text
        return json.dumps(line, default=str)


def configure() -> None:
    """Send the log of this process, and of those it forks, to stdout; for programs, not for who imports the package."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # What no line of ours says need not be found out: a third of what a line costs (Logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None

"""Request ids and the log: one JSON object per line, one line per request.

No line has input of clients, but for a well-formed X-Request-Id. A line names the route's template. It has no path,
because paths hold ids and secrets (links, feeds), and no query, headers or body.
"""

import json
import logging
import random
import re
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Flask, Request, Response, has_request_context, request

from interviews_api.clock import format_instant

HEADER = "X-Request-Id"
UNKNOWN_ROUTE = "unknown"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
"""The methods of the routes, as the Allow of nginx has them; logs and metrics name no other."""

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = "interviews.request_id"  # a key of the request's WSGI environment
_STARTED = "interviews.started"
_HEADER_KEY = "HTTP_X_REQUEST_ID"
_log = logging.getLogger(__name__)


def new_request_id() -> str:
    """Return 32 hex digits, like nginx's ids. They are no secret, so no system call makes them."""
    return f"{random.getrandbits(128):032x}"


def request_id(http_request: Request) -> str:
    """Return the request's id: that of its X-Request-Id header if well-formed, else a new one."""
    environ = http_request.environ
    cached: str | None = environ.get(_ID)
    if cached is None:
        header = environ.get(_HEADER_KEY, "")
        cached = environ[_ID] = header if _WELL_FORMED.fullmatch(header) else new_request_id()
    return cached


def route(http_request: Request) -> str:
    """Return the template of the request's route, such as `/jobs/<id:job_id>/applications`."""
    rule = http_request.url_rule
    return rule.rule if rule else UNKNOWN_ROUTE


def method(http_request: Request) -> str:
    """Return the request's method, or "other" for methods that clients make up."""
    return http_request.method if http_request.method in METHODS else "other"


def init_app(app: Flask, count: Callable[[str, str, int, float], None]) -> None:
    """Give each response its request id, and log each request. Call it before other hooks are installed.

    Calls `count` with the route, method, status and duration in seconds of each request.
    """

    def finish(response: Response) -> Response:
        current: Request = request._get_current_object()  # type: ignore[attr-defined]  # a LocalProxy
        ended_at = time.perf_counter()
        seconds = ended_at - current.environ.get(_STARTED, ended_at)
        id_, template, method_, status = request_id(current), route(current), method(current), response.status_code
        response.headers.add(HEADER, id_)
        log_request(id_, method_, template, status, seconds)
        count(template, method_, status, seconds)
        return response

    app.before_request(_start)
    app.after_request(finish)


def _start() -> None:
    request.environ[_STARTED] = time.perf_counter()


def log_request(request_id: str, method: str, route: str, status: int, seconds: float) -> None:
    """Write the log line of a request."""
    fields = {
        "request_id": request_id,
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    _log.info("request", extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """Formatter that writes a record, with its traceback and request id, as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of ASCII, so that text from a client cannot start a new line."""
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
        with suppress(TypeError):  # orjson refuses a lone surrogate
            text = orjson.dumps(line, default=str).decode()
            if text.isascii():
                return text
        return json.dumps(line, default=str)


def configure() -> None:
    """Send the log of this process and its forks to stdout. For programs; an import of the package does not call it."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Finding thread, process and source file is a third of a line's cost, and no line names them
    # (Logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def warn_about(warnings: Iterable[str]) -> None:
    """Write a log line for each setting that is unsafe to run with. For programs, at their start."""
    for warning in warnings:
        _log.warning("%s", warning)

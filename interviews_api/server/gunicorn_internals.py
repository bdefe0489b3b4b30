"""All that we use of gunicorn beyond its documented settings; nothing else in the project may.

Written for gunicorn 27.0, and pinned to it in setup.cfg. tests/server/test_internals.py fails in a sentence when one of
these moves: `glogging.Logger` with its messages "Invalid request from ip=" and "Error handling request ",
`util.write_error` and `util.write_nonblock`, `Arbiter.WORKERS`, and a worker's `handle_exit`, `wsgi` and `alive`.
"""

import json
import signal
import socket
import sys
from typing import Any

import gunicorn.util
from flask import Flask
from gunicorn import glogging
from werkzeug.http import HTTP_STATUS_CODES

from interviews_api.web import logs

INVALID_REQUEST, FAILED_REQUEST = "Invalid request from ip=", "Error handling request "


class GunicornLogger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Write gunicorn's own lines as JSON, without the request line, address and headers that it quotes."""

    def setup(self, cfg: Any) -> None:
        """Format all lines as JSON; a reload calls this again."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.JsonFormatter())

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Name the error of an invalid request instead of quoting the request."""
        error = sys.exc_info()[0]
        if str(msg).startswith(INVALID_REQUEST) and error is not None:
            msg, args = "Invalid request: %s", (error.__name__,)
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Leave out the path, with which gunicorn ends this message."""
        if str(msg).startswith(FAILED_REQUEST):
            msg, args = "Error handling request", ()
        super().exception(msg, *args, **kwargs)


def install_json_errors() -> None:
    """Have gunicorn answer what it refuses itself (400, 414, 431) in the application's error shape."""
    gunicorn.util.write_error = write_json_error


def write_json_error(sock: socket.socket, status: int, _reason: str, _message: str) -> None:
    """Write the response and its log line. gunicorn's own reason is "Bad Request" for its 500 and 501, too."""
    reason = HTTP_STATUS_CODES[status]
    body = json.dumps({"statusCode": status, "message": reason, "error": reason}).encode()
    request_id = logs.new_request_id()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n{logs.HEADER}: {request_id}\r\n\r\n"
    logs.log_request(request_id, "unknown", logs.UNKNOWN_ROUTE, status, 0)
    gunicorn.util.write_nonblock(sock, head.encode() + body)


def running_workers(server: Any) -> list[Any]:
    """Return the worker objects whose processes have not been reaped."""
    return list(server.WORKERS.values())


def stop_gracefully_on_sigquit(worker: Any) -> None:
    """Make Ctrl-C, which the master passes on as SIGQUIT, a graceful stop.

    gunicorn's own SIGQUIT handler can deadlock: it takes the pool lock that the interrupted thread may hold.
    `handle_exit`, its SIGTERM handler, takes none.
    """
    signal.signal(signal.SIGQUIT, worker.handle_exit)


def application_of(worker: Any) -> Flask:
    """Return the application that the worker serves."""
    app: Flask = worker.wsgi
    return app


def is_stopping(worker: Any) -> bool:
    """Return whether the worker was told to stop."""
    return not worker.alive

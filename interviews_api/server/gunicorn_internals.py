"""Every use of gunicorn beyond its documented settings, but for the socket that live/handshake.py wraps.

Written for gunicorn 27.0, which setup.cfg pins. tests/server/test_internals.py names the missing part when one of these
changes: `glogging.Logger` with its messages "Invalid request from ip=" and "Error handling request ",
`util.write_error`, `util.write_nonblock` and `util.close_graceful`, `Arbiter.WORKERS`, `ThreadWorker.handle` and
`handle_request`, and a worker's `handle_exit`, `wsgi` and `alive`.
"""

import json
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

import gunicorn.util
from flask import Flask
from gunicorn import glogging
from gunicorn.workers.gthread import ThreadWorker
from werkzeug.http import HTTP_STATUS_CODES

from interviews_api.web import logs, security_headers
from interviews_api.web.error_responses import ERROR_CODE, status_code_name

SOCKET_SECONDS = 15
"""Longest wait for a client, in seconds: for a whole response, or for more of a body."""

INVALID_REQUEST, FAILED_REQUEST = "Invalid request from ip=", "Error handling request "


class GunicornLogger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Logger that writes gunicorn's lines as JSON, without the request lines, addresses and headers they quote."""

    def setup(self, cfg: Any) -> None:
        """Format all lines as JSON. A reload calls this method again."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.JsonFormatter())

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Log the error's name for an invalid request, without the request."""
        error = sys.exc_info()[0]
        if str(msg).startswith(INVALID_REQUEST) and error is not None:
            msg, args = "Invalid request: %s", (error.__name__,)
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Log the exception without the path that ends gunicorn's message."""
        if str(msg).startswith(FAILED_REQUEST):
            msg, args = "Error handling request", ()
        super().exception(msg, *args, **kwargs)


class WebWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's gthread worker, whose threads no client holds up for long.

    gunicorn waits without end for a client that does not read its response, or stops sending its body. So a response
    has to be taken within SOCKET_SECONDS, and a body may pause for as long.

    gunicorn closes a connection in its main thread, and waits there for up to 2 s until the client closes its side.
    Meanwhile the worker accepts no connection. So the wait takes place here, in the thread that served the request.
    """

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve the request, with waits for the client of at most SOCKET_SECONDS.

        Return whether the connection stays open.
        """
        conn.sock.settimeout(SOCKET_SECONDS)
        return super().handle_request(req, conn)

    def handle(self, conn: Any) -> Any:
        """Serve the connection's next request; return whether the connection stays open."""
        stays_open = super().handle(conn)
        if not stays_open:
            with suppress(OSError, NotImplementedError):  # the client was faster, or a TLS socket has no copy
                gunicorn.util.close_graceful(conn.sock.dup())
                conn.sock.shutdown(socket.SHUT_RDWR)  # so that gunicorn finds nothing to wait for
        return stays_open


def install_json_errors() -> None:
    """Make gunicorn write its own errors (400, 414, 431) in the application's error shape."""
    gunicorn.util.write_error = write_json_error


def write_json_error(sock: socket.socket, status: int, _reason: str, _message: str) -> None:
    """Write the response and its log line. gunicorn's own reason is ignored: it says "Bad Request" for a 500 too."""
    reason = HTTP_STATUS_CODES[status]
    body = json.dumps({"statusCode": status, "message": reason, "error": reason}).encode()
    request_id = logs.new_request_id()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n{logs.HEADER}: {request_id}\r\n"
    head += f"{ERROR_CODE}: {status_code_name(status)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in security_headers.DEFAULTS.items()) + "\r\n"
    logs.log_request(request_id, "unknown", logs.UNKNOWN_ROUTE, status, 0)
    gunicorn.util.write_nonblock(sock, head.encode() + body)


def running_workers(server: Any) -> list[Any]:
    """Return the worker objects whose processes have not been reaped."""
    return list(server.WORKERS.values())


def stop_gracefully_on_sigquit(worker: Any) -> None:
    """Make Ctrl-C a graceful stop; the master passes it on as SIGQUIT.

    gunicorn's own SIGQUIT handler can deadlock: it takes the pool lock that the interrupted thread may hold.
    `handle_exit`, the SIGTERM handler, takes no lock.
    """
    signal.signal(signal.SIGQUIT, worker.handle_exit)


def application_of(worker: Any) -> Flask:
    """Return the Flask application that the worker process loaded."""
    app: Flask = worker.wsgi
    return app


def is_stopping(worker: Any) -> bool:
    """Return whether the worker was told to stop."""
    return not worker.alive

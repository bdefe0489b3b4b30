"""gunicorn's settings, from the same environment as the application's."""

import json
import socket
from typing import Any

import gunicorn.util
from werkzeug.http import HTTP_STATUS_CODES

from interviews_api.config import Settings, SettingsError
from interviews_api.db import Database

try:
    settings = Settings.load()
    Database(settings.database_url)  # connects to nothing; refuses here, as a worker that exits is started for ever
except SettingsError as error:
    raise SystemExit(f"Refusing to start: {error}") from None

bind = f"{'0.0.0.0' if settings.is_production else '127.0.0.1'}:{settings.port}"  # noqa: S104
workers = settings.web_concurrency
threads = settings.web_threads
worker_class = "gthread"
keepalive = 5  # seconds
graceful_timeout = 20  # seconds
limit_request_line = 8190
control_socket_disable = True  # on by default it writes to the home directory, and two masters share it


def write_json_error(sock: socket.socket, status: int, _reason: str, _message: str) -> None:
    """What gunicorn refuses before the application sees it (400, 414, 431), in the application's one error shape."""
    reason = HTTP_STATUS_CODES[status]  # gunicorn's own says Bad Request also for its 500 and 501
    body = json.dumps({"statusCode": status, "message": reason, "error": reason}).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    gunicorn.util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


gunicorn.util.write_error = write_json_error  # no setting for it; tests/test_errors.py holds it against the socket


def post_worker_init(worker: Any) -> None:
    """Let the worker's live sockets see that it is to stop, so that they end at once and not with graceful_timeout."""
    worker.wsgi.extensions["live"].is_stopping = lambda: not worker.alive

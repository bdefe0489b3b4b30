"""gunicorn's settings, from the same environment as the application's."""

import gc
import json
import signal
import socket
from typing import Any

from interviews_api.server import metric_files

metric_files.make_folder()  # before prometheus_client is imported, which looks for the folder then

import gunicorn.util  # noqa: E402
from werkzeug.http import HTTP_STATUS_CODES  # noqa: E402

from interviews_api import logs  # noqa: E402
from interviews_api.config import Settings, SettingsError  # noqa: E402
from interviews_api.db import Database  # noqa: E402

try:
    settings = Settings.load()
    Database(settings.database_url)  # connects to nothing; refuses here, as a worker that exits is started for ever
except SettingsError as error:
    raise SystemExit(f"Refusing to start: {error}") from None

bind = f"{'0.0.0.0' if settings.is_production else '127.0.0.1'}:{settings.port}"  # noqa: S104
workers = settings.web_concurrency
threads = settings.web_threads
worker_class = "interviews_api.web_worker.WebWorker"  # gthread
keepalive = 5  # seconds
graceful_timeout = 20  # seconds
limit_request_line = 8190
control_socket_disable = True  # on by default it writes to the home directory, and two masters share it
logger_class = logs.GunicornLogger
logs.configure()


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the number of the files in which it counts; a dead worker's is free again."""
    worker.metrics_number = metric_files.free_number(other.metrics_number for other in server.WORKERS.values())


def post_fork(_server: object, worker: Any) -> None:
    """Leave a terminal's Ctrl-C, which goes to every process, to the master (see `post_worker_init`)."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    metric_files.count_in_files(worker.metrics_number)


def write_json_error(sock: socket.socket, status: int, _reason: str, _message: str) -> None:
    """What gunicorn refuses before the application sees it (400, 414, 431), in the application's one error shape."""
    reason = HTTP_STATUS_CODES[status]  # gunicorn's own says Bad Request also for its 500 and 501
    body = json.dumps({"statusCode": status, "message": reason, "error": reason}).encode()
    request_id = logs.new_request_id()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n{logs.HEADER}: {request_id}\r\n\r\n"
    logs.log_request(request_id, "unknown", logs.UNKNOWN_ROUTE, status, 0)
    gunicorn.util.write_nonblock(sock, head.encode() + body)


gunicorn.util.write_error = write_json_error  # no setting for it; tests/test_errors.py holds it against the socket


def post_worker_init(worker: Any) -> None:
    """Let the worker's live sockets see that it is to stop, so that they end at once and not with graceful_timeout.

    Ctrl-C, which the master passes on as SIGQUIT, is a graceful stop too: gunicorn's own handler of both waits for the
    lock of the thread pool, and for ever if the signal comes while the thread that it interrupts holds that.

    What was made so far stays: the garbage collector need not walk through it again and again (4 % of a worker's time).
    """
    signal.signal(signal.SIGQUIT, worker.handle_exit)
    worker.wsgi.extensions["live"].is_stopping = lambda: not worker.alive
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)

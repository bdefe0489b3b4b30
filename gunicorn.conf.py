"""gunicorn's settings, from the same environment as the application's."""

import gc
import signal
from typing import Any

from interviews_api.server import metric_files

metric_files.make_folder()  # before prometheus_client is imported, which looks for the folder then

from interviews_api.config import Settings, SettingsError  # noqa: E402
from interviews_api.db.connections import Database  # noqa: E402
from interviews_api.server import gunicorn_internals  # noqa: E402
from interviews_api.web import logs  # noqa: E402

try:
    settings = Settings.load()
    Database(settings.database_url)  # connects to nothing; refuses here, as a worker that exits is started for ever
except SettingsError as error:
    raise SystemExit(f"Refusing to start: {error}") from None

bind = f"{'0.0.0.0' if settings.is_production else '127.0.0.1'}:{settings.port}"  # noqa: S104
workers = settings.web_concurrency
threads = settings.web_threads
worker_class = "interviews_api.server.gunicorn_worker.WebWorker"  # gthread
keepalive = 5  # seconds
graceful_timeout = 20  # seconds
limit_request_line = 8190
control_socket_disable = True  # on by default it writes to the home directory, and two masters share it
logger_class = gunicorn_internals.GunicornLogger
logs.configure()
gunicorn_internals.install_json_errors()


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the number of the files in which it counts; a dead worker's number is free again."""
    taken = [other.metrics_number for other in gunicorn_internals.running_workers(server)]
    worker.metrics_number = metric_files.free_number(taken)


def post_fork(_server: object, worker: Any) -> None:
    """Leave a terminal's Ctrl-C, which goes to every process, to the master (see `post_worker_init`)."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    metric_files.count_in_files(worker.metrics_number)


def post_worker_init(worker: Any) -> None:
    """Stop gracefully on Ctrl-C, and close live sockets at once when the worker stops.

    Freezing what the start has made spares the garbage collector from walking through it (4 % of a worker's time).
    """
    gunicorn_internals.stop_gracefully_on_sigquit(worker)
    hub = gunicorn_internals.application_of(worker).extensions["live"]
    hub.is_stopping = lambda: gunicorn_internals.is_stopping(worker)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)

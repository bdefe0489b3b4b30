"""gunicorn's configuration, from the same environment as the application's settings."""

import gc
import os
import signal
from typing import Any

from interviews_api.server import metric_files

metric_files.make_folder()  # prometheus_client looks for the folder when it is imported

from interviews_api.config import Settings, SettingsError  # noqa: E402
from interviews_api.db.connections import Database  # noqa: E402
from interviews_api.live.hub import Hub  # noqa: E402
from interviews_api.server import gunicorn_internals  # noqa: E402
from interviews_api.services import service  # noqa: E402
from interviews_api.web import logs  # noqa: E402

try:
    settings = Settings.load()
    # Opens no connection. An invalid URL must fail here, because gunicorn restarts a failing worker forever.
    Database(settings.database_url)
except SettingsError as error:
    raise SystemExit(f"Refusing to start: {error}") from None

bind = f"{'0.0.0.0' if settings.is_production else '127.0.0.1'}:{settings.port}"  # noqa: S104
workers = settings.web_concurrency
threads = settings.web_threads
worker_class = "interviews_api.server.gunicorn_internals.WebWorker"  # gthread
keepalive = 5  # seconds
graceful_timeout = 20  # seconds
limit_request_line = 8190
# gunicorn makes an empty file for each worker that it starts, and ends if it cannot: a full /tmp would stop the API.
_MEMORY = "/dev/shm"  # noqa: S108  # gunicorn opens a new file there, which only its owner may read
worker_tmp_dir = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None
control_socket_disable = True  # the default writes a socket to the home directory, which two masters would share
# ProxyFix reads the headers of trusted proxies. By default a client on this machine may set SCRIPT_NAME, and so choose
# another route, and a client's X-Forwarded-SSL is a 400.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
logger_class = gunicorn_internals.GunicornLogger
logs.configure()
logs.warn_about(settings.warnings)
gunicorn_internals.install_json_errors()


def pre_fork(server: Any, worker: Any) -> None:
    """Assign the worker the number of its metric files; the number of a dead worker is reused."""
    taken = [other.metrics_number for other in gunicorn_internals.running_workers(server)]
    worker.metrics_number = metric_files.free_number(taken)


def post_fork(_server: object, worker: Any) -> None:
    """Block SIGINT, because Ctrl-C in a terminal reaches every process; the master stops the workers."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    metric_files.count_in_files(worker.metrics_number)


def post_worker_init(worker: Any) -> None:
    """Stop gracefully on Ctrl-C, and tell the hub when the worker stops.

    The hub looks every second, and closes live sockets within two.
    Freezing the objects made at start-up spares the garbage collector from traversing them (4 % of a worker's time).
    """
    gunicorn_internals.stop_gracefully_on_sigquit(worker)
    hub = service(Hub, gunicorn_internals.application_of(worker))
    hub.is_stopping = lambda: gunicorn_internals.is_stopping(worker)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)

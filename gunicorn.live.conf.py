"""gunicorn's configuration for live sockets in production: greenlets instead of threads.

Run `gunicorn -c gunicorn.live.conf.py wsgi:app` with its own PORT; the proxy routes one path to it (deploy/).
"""

from pathlib import Path

from gevent import monkey

monkey.patch_all()  # psycopg chooses its way of waiting when it is imported

exec((Path(__file__).parent / "gunicorn.conf.py").read_text())  # noqa: S102  # the same settings, except the following

worker_class = "gevent"
workers = 1
worker_connections = 2000


_prepare_worker = post_worker_init  # noqa: F821  # gunicorn.conf.py's


def post_worker_init(worker: Any) -> None:  # noqa: F821
    """Keep one connection in twenty for plain HTTP, so that /health/live answers when all seats are taken."""
    _prepare_worker(worker)
    hub = service(Hub, gunicorn_internals.application_of(worker))  # noqa: F821
    hub.seats = worker.cfg.worker_connections * 19 // 20

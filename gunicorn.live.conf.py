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

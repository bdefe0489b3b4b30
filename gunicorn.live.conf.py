"""gunicorn for live sockets in production: the same application, one greenlet a socket instead of two threads.

`gunicorn -c gunicorn.live.conf.py wsgi:app`, with a PORT of its own; the proxy sends it the one path (deploy/).
"""

from pathlib import Path

from gevent import monkey

monkey.patch_all()  # before psycopg is imported, which looks then how it has to wait

exec((Path(__file__).parent / "gunicorn.conf.py").read_text())  # noqa: S102  # the same settings, but for these

worker_class = "gevent"
workers = 1
worker_connections = 2000

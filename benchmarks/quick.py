"""`make bench`: list, details and confirm over gunicorn (2 workers) and a throwaway Postgres; a Markdown table.

Timed with keep-alive connections of one Python client, so the client's own work is in the figures: compare runs, do not
quote them as the server's limit.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import count
from threading import Lock

from alembic import command
from sqlalchemy import select

from interviews_api import create_app
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.db import reading
from interviews_api.interviews.models import Interview, InterviewStatus
from interviews_api.seed.bulk import BulkWorld, write_bulk
from tests.conftest import SECRETS, alembic_config, begin_session
from tests.live import LiveServer
from tests.postgres import ThrowawayPostgres

CANDIDATES, EACH = 2_000, 20
CLIENTS, SECONDS = 8, 5.0

Request = tuple[str, str, str]  # method, path, token


def measure(port: int, requests: Iterator[Request]) -> tuple[float, float, float]:
    """Requests a second, and the median and 99th percentile in milliseconds; every answer must be a 200."""
    end = time.perf_counter() + SECONDS
    lock = Lock()  # one iterator for all the threads

    def work(_client: int) -> list[float]:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        taken = []
        while (start := time.perf_counter()) < end:
            with lock:
                method, path, token = next(requests)
            connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            response.read()
            assert response.status == 200, (method, path, response.status)
            taken.append((time.perf_counter() - start) * 1000)
        return taken

    with ThreadPoolExecutor(CLIENTS) as pool:
        taken = [one for some in pool.map(work, range(CLIENTS)) for one in some]
    return len(taken) / SECONDS, statistics.median(taken), statistics.quantiles(taken, n=100)[98]


def main() -> None:
    """Build the data, start the server, time each route, print the table."""
    postgres = ThrowawayPostgres()
    try:
        command.upgrade(alembic_config(postgres.url), "head")
        settings = SECRETS | {"DATABASE_URL": postgres.url}
        app = create_app(settings)
        with app.app_context():
            for _ in write_bulk(BulkWorld(CANDIDATES, CANDIDATES * EACH)):
                pass
            columns = select(Interview.id, Interview.candidate_id, Interview.status)
            with reading() as connection:
                rows = connection.execute(columns).all()
            candidate_ids = dict.fromkeys(row.candidate_id for row in rows)
            tokens = {one: issue_access_token(begin_session(one)) for one in candidate_ids}
        app.extensions["database"].engine.dispose()
        pending = (row for row in rows if row.status == InterviewStatus.PENDING)
        candidates = list(tokens)
        routes: dict[str, Callable[[], Iterator[Request]]] = {
            "list": lambda: (("GET", "/candidate/interviews", tokens[candidates[i % CANDIDATES]]) for i in count()),
            "details": lambda: (
                ("GET", f"/candidate/interviews/{row.id}", tokens[row.candidate_id])
                for i in count()
                for row in (rows[i * 7 % len(rows)],)
            ),
            "confirm": lambda: (
                ("PUT", f"/candidate/interviews/{row.id}/confirm", tokens[row.candidate_id]) for row in pending
            ),
        }
        server = LiveServer(settings)
        print(f"{CANDIDATES} candidates x {EACH} interviews, {CLIENTS} clients, {SECONDS:.0f} s each, 2 workers\n")
        print("| route | requests/s | p50 ms | p99 ms |\n|---|---:|---:|---:|")
        for name, requests in routes.items():
            rate, median, worst = measure(server.port, requests())
            print(f"| {name} | {rate:.0f} | {median:.1f} | {worst:.1f} |")
        server.stop()
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()

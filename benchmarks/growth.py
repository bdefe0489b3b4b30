"""Benchmark `make bench-growth`: latency of single requests over tables of growing size.

Half of the interviews belong to candidates with 20 each, half to candidates with 2,000 each. All caches are off, and
the rows of a candidate are scattered over the table. fsync is off, because it would be most of a confirm at any size.
Exits with 1 if a call becomes slower with the table.
"""

import random
import statistics
import sys
import time
from contextlib import ExitStack
from http.client import HTTPConnection

import psycopg
from alembic import command
from psycopg import sql
from sqlalchemy import make_url

from benchmarks import servers
from benchmarks.servers import Server
from benchmarks.world import NOTHING, POSTGRES, SETTINGS, fill, sign_in
from interviews_api import create_app
from interviews_api.db.connections import Database
from interviews_api.db.types import Base
from interviews_api.models import Application, Candidate, Event, Interview, Session, User
from interviews_api.seed.bulk import BulkWorld
from interviews_api.services import service
from tests.support.databases import alembic_config
from tests.support.postgres import ThrowawayPostgres

FIRST, FACTOR = 200_000, 10
EACH = (20, 2_000)
CANDIDATES = 40
"""Candidates of each kind that send requests; each sends each call ten times."""
FLAT, NOISE = 1.5, 0.15

Figures = dict[tuple[str, int], tuple[float, float]]
"""p50 and p99 in milliseconds, by call and interviews per candidate."""


def main(steps: int) -> int:
    """Measure with 200,000 interviews and, `steps` times, with ten times as many; print; return the exit code."""
    with ExitStack() as stack:
        postgres = ThrowawayPostgres(**POSTGRES | {"maintenance_work_mem": "1GB", "fsync": "off"})
        stack.callback(postgres.stop)
        urls = {FIRST: postgres.url}
        runs, tokens = _first(postgres.url)
        for step in range(1, steps + 1):
            urls[FIRST * FACTOR**step] = _multiply(urls[FIRST * FACTOR ** (step - 1)], runs, step)
        servers_of = {}
        for size, url in urls.items():
            servers_of[size] = servers.gunicorn(f"{size:,}", SETTINGS | NOTHING | {"DATABASE_URL": url})
            stack.callback(servers_of[size].stop)
        results = _measure(servers_of, urls, tokens)
        print(markdown(results))
        problems = judge(results)
        print("\n".join(["", *problems]) if problems else "\nFlat.")
        return 1 if problems else 0


def _first(url: str) -> tuple[list[str], dict[int, dict[str, str]]]:
    """Fill the first database; return the marks in the ids of its worlds, and tokens by interviews per candidate."""
    command.upgrade(alembic_config(url), "head")
    app = create_app(SETTINGS | {"DATABASE_URL": url})
    dice, tokens, runs = random.Random(0), {}, []
    with app.app_context(), psycopg.connect(url) as connection:
        for each in EACH:
            world = BulkWorld(FIRST // 2 // each, FIRST // 2)
            runs.append(world.run)
            fill(world)
            mine = "SELECT id FROM candidates WHERE substr(id, 9, 6) = %s ORDER BY id"
            ids = [row[0] for row in connection.execute(mine, [world.run])]
            all_tokens = sign_in(ids)
            tokens[each] = {id_: all_tokens[id_] for id_ in dice.sample(ids, CANDIDATES)}
    service(Database, app).dispose()
    return runs, tokens


def _multiply(template: str, runs: list[str], step: int) -> str:
    """Return the URL of a copy with nine more copies of each row, under new ids, in random order."""
    start = time.monotonic()
    name = f"grown_{step}"
    url = make_url(template).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(make_url(template).set(database="template1").render_as_string(hide_password=False),
                         autocommit=True) as connection:  # fmt: skip
        of = sql.Identifier(str(make_url(template).database))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), of))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SET session_replication_role = replica"
        )  # no checks of foreign keys: copies refer to copies
        connection.execute("SET work_mem = '1GB'")
        for model in (User, Candidate, Session, Application, Interview, Event):
            connection.execute(_copies(model), {"step": str(step)})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    print(f"{FIRST * FACTOR**step:,} after {time.monotonic() - start:.0f} s", flush=True)
    return url


def _copies(model: type[Base]) -> sql.Composed:
    """Return the INSERT ... SELECT of nine copies of a table's rows."""
    table = sql.Identifier(model.__tablename__)
    columns = [column.name for column in model.__table__.c if model is not Event or column.name != "id"]
    ids = {"id", "application_id", "candidate_id", "interview_id", "user_id", "refresh_id"}
    fresh = sql.SQL("overlay({0} placing md5(substr({0}, 9, 6) || %(step)s || copy)::char(6) from 9 for 6)")
    mail = sql.SQL("{0} || %(step)s || copy")
    values = [
        (fresh if name in ids else mail if name.startswith("email") else sql.SQL("{0}")).format(sql.Identifier(name))
        for name in columns
    ]
    return sql.SQL(
        "INSERT INTO {} ({}) SELECT {} FROM {}, generate_series(1, {}) copy ORDER BY md5(id || copy)"
    ).format(
        table,
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(values),
        table,
        sql.Literal(FACTOR - 1),
    )


def _measure(
    servers_of: dict[int, Server], urls: dict[int, str], tokens: dict[int, dict[str, str]]
) -> dict[int, Figures]:
    """Measure each call at all sizes in turn, ten times; one connection, one request at a time."""
    results: dict[int, Figures] = {size: {} for size in servers_of}
    for each, own in tokens.items():
        for name, requests in _calls(urls[FIRST], each, own).items():
            times: dict[int, list[float]] = {size: [] for size in servers_of}
            for part in range(10):
                for size, server in servers_of.items():
                    times[size] += _time(server, requests[part::10])
            for size, taken in times.items():
                cuts = statistics.quantiles(taken, n=100)
                results[size][name, each] = cuts[49], cuts[98]
    return results


def _calls(url: str, each: int, own: dict[str, str]) -> dict[str, list[tuple[str, str, str]]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT id, candidate_id, status FROM interviews WHERE candidate_id = ANY(%s)", [list(own)]
        ).fetchall()
    random.Random(0).shuffle(rows)
    pending = [row for row in rows if row[2] == "en_attente"][: CANDIDATES * 3]
    tokens = list(own.values())
    return {
        **{f"list, skip {skip}": [("GET", f"?skip={skip}", token) for token in tokens] * 10 for skip in (0, each - 10)},
        "pending, 10 of them": [("GET", "/pending?limit=10", token) for token in tokens] * 10,
        "upcoming, 10 of them": [("GET", "/upcoming?limit=10", token) for token in tokens] * 10,
        "history": [("GET", "/history", token) for token in tokens] * 10,
        "details": [("GET", f"/{row[0]}", own[row[1]]) for row in rows[: CANDIDATES * 10]],
        "confirm": [("PUT", f"/{row[0]}/confirm", own[row[1]]) for row in pending],
    }


def _time(server: Server, requests: list[tuple[str, str, str]]) -> list[float]:
    """Return the milliseconds of each request but the first two, which open the connection."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    times = []
    for method, path, token in requests:
        start = time.perf_counter()
        connection.request(method, f"/candidate/interviews{path}", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        times.append((time.perf_counter() - start) * 1000)
        if response.status != 200:
            raise SystemExit(f"{method} {path}: {response.status}")
    connection.close()
    return times[2:]


def markdown(results: dict[int, Figures]) -> str:
    """Return the table of p50 / p99 in milliseconds."""
    sizes = list(results)
    lines = [
        f"| call | interviews a candidate | {' | '.join(f'{size:,}' for size in sizes)} | largest / smallest, p50 |",
        f"|---|---:|{'---:|' * (len(sizes) + 1)}",
    ]
    for call, each in results[sizes[0]]:
        figures = [results[size][call, each] for size in sizes]
        cells = [call, f"{each:,}", *(f"{p50:.2f} / {p99:.2f}" for p50, p99 in figures)]
        lines.append(f"| {' | '.join(cells)} | {figures[-1][0] / figures[0][0]:.2f} |")
    return "\n".join(lines)


def judge(results: dict[int, Figures]) -> list[str]:
    """Return a message for each call whose median grows by more than FLAT and the noise."""
    first, *later = results
    return [
        f"NOT FLAT: {call} of {each} at {size:,}: {results[size][call, each][0] / p50:.2f}, must be at most {FLAT}"
        for (call, each), (p50, _) in results[first].items()
        for size in later
        if results[size][call, each][0] / p50 > FLAT * (1 + NOISE)
    ]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))

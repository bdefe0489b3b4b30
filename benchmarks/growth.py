"""`make bench-growth`: the same calls over ever larger tables, one at a time: what a call costs as the product grows.

Half of the interviews belong to candidates with 20 each, half to candidates with 2,000 each. Nothing is remembered
between requests, rows lie scattered and not by candidate, and nothing waits for a disk (fsync is off: it would be most
of a confirm, whatever the size). Ends with 1 when a call is not flat.
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
ASKED = 40
"""Candidates of each kind who ask; each of them each call ten times over."""
FLAT, NOISE = 1.5, 0.15

Figures = dict[tuple[str, int], tuple[float, float]]
"""p50 and p99 in milliseconds by call and interviews a candidate."""


def main(steps: int) -> int:
    """Measure at 200 thousand interviews and, `steps` times, at ten times as many; print; the exit code."""
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
        found = _measure(servers_of, urls, tokens)
        print(markdown(found))
        problems = judge(found)
        print("\n".join(["", *problems]) if problems else "\nFlat.")
        return 1 if problems else 0


def _first(url: str) -> tuple[list[str], dict[int, dict[str, str]]]:
    """Two small worlds; the marks in their ids, and tokens of those who will ask, by interviews a candidate."""
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
            everyone = sign_in(ids)
            tokens[each] = {one: everyone[one] for one in dice.sample(ids, ASKED)}
    service(Database, app).dispose()
    return runs, tokens


def _multiply(template: str, runs: list[str], step: int) -> str:
    """The URL of a copy with nine more of everything, under ids of their own, in no order."""
    start = time.monotonic()
    name = f"grown_{step}"
    url = make_url(template).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(make_url(template).set(database="template1").render_as_string(hide_password=False),
                         autocommit=True) as connection:  # fmt: skip
        of = sql.Identifier(str(make_url(template).database))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), of))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # the copies refer to what there is
        connection.execute("SET work_mem = '1GB'")
        for model in (User, Candidate, Session, Application, Interview, Event):
            connection.execute(_copies(model), {"step": str(step)})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    print(f"{FIRST * FACTOR**step:,} after {time.monotonic() - start:.0f} s", flush=True)
    return url


def _copies(model: type[Base]) -> sql.Composed:
    """INSERT ... SELECT of nine copies of a table."""
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
    """One connection, one request at a time; each call at every size in turn, ten times over."""
    found: dict[int, Figures] = {size: {} for size in servers_of}
    for each, own in tokens.items():
        for name, requests in _calls(urls[FIRST], each, own).items():
            times: dict[int, list[float]] = {size: [] for size in servers_of}
            for part in range(10):
                for size, server in servers_of.items():
                    times[size] += _time(server, requests[part::10])
            for size, taken in times.items():
                cuts = statistics.quantiles(taken, n=100)
                found[size][name, each] = cuts[49], cuts[98]
    return found


def _calls(url: str, each: int, own: dict[str, str]) -> dict[str, list[tuple[str, str, str]]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT id, candidate_id, status FROM interviews WHERE candidate_id = ANY(%s)", [list(own)]
        ).fetchall()
    random.Random(0).shuffle(rows)
    pending = [row for row in rows if row[2] == "en_attente"][: ASKED * 3]
    tokens = list(own.values())
    return {
        **{f"list, skip {skip}": [("GET", f"?skip={skip}", one) for one in tokens] * 10 for skip in (0, each - 10)},
        "pending, 10 of them": [("GET", "/pending?limit=10", one) for one in tokens] * 10,
        "upcoming, 10 of them": [("GET", "/upcoming?limit=10", one) for one in tokens] * 10,
        "history": [("GET", "/history", one) for one in tokens] * 10,
        "details": [("GET", f"/{row[0]}", own[row[1]]) for row in rows[: ASKED * 10]],
        "confirm": [("PUT", f"/{row[0]}/confirm", own[row[1]]) for row in pending],
    }


def _time(server: Server, requests: list[tuple[str, str, str]]) -> list[float]:
    """Milliseconds of each but the first two, for which the connection is made."""
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


def markdown(found: dict[int, Figures]) -> str:
    """Milliseconds: p50 / p99."""
    sizes = list(found)
    lines = [
        f"| call | interviews a candidate | {' | '.join(f'{size:,}' for size in sizes)} | largest / smallest, p50 |",
        f"|---|---:|{'---:|' * (len(sizes) + 1)}",
    ]
    for call, each in found[sizes[0]]:
        figures = [found[size][call, each] for size in sizes]
        cells = [call, f"{each:,}", *(f"{p50:.2f} / {p99:.2f}" for p50, p99 in figures)]
        lines.append(f"| {' | '.join(cells)} | {figures[-1][0] / figures[0][0]:.2f} |")
    return "\n".join(lines)


def judge(found: dict[int, Figures]) -> list[str]:
    """Each call whose median grows with the table by more than is flat, and the noise."""
    first, *later = found
    return [
        f"NOT FLAT: {call} of {each} at {size:,}: {found[size][call, each][0] / p50:.2f}, must be at most {FLAT}"
        for (call, each), (p50, _) in found[first].items()
        for size in later
        if found[size][call, each][0] / p50 > FLAT * (1 + NOISE)
    ]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))

"""Benchmark `make bench`: this API, a minimal server (LIMIT) and two peers, in turn, on one Postgres and one SQLite.

Prints a Markdown table. Exits with 1 if a target is missed by more than the noise. `make bench-quick` runs the same
with less data and fewer rounds.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg

from benchmarks import servers, table
from benchmarks.measure import Contender, Figures, interleaved, run
from benchmarks.servers import Server
from benchmarks.world import NOTHING, POSTGRES, SETTINGS, World
from tests.support.postgres import ThrowawayPostgres

TOKENS = {"CACHE_BYTES": "0"}
UNCOMPILED = TOKENS | {"COMPILED_DUMP": "false"}
CONFIRMED = ("confirmed", "confirme", True, ["interview.scheduled", "interview.confirmed"])


def main(*, quick: bool) -> int:
    """Measure, print and compare with the targets; return the exit code."""
    candidates, rounds, seconds, fills = (2_000, 1, 2, 3) if quick else (10_000, 5, 5, 6)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="interviews-bench-")))
        postgres = ThrowawayPostgres(**POSTGRES)
        stack.callback(postgres.stop)
        world = World(postgres.url, candidates, 20, folder)
        world.reset()
        settings = SETTINGS | {"DATABASE_URL": postgres.url}
        small = World(f"sqlite:///{folder / 'bench.sqlite3'}", candidates, 20, folder)

        def start(server: Server) -> Server:
            stack.callback(server.stop)
            return server

        ours = {
            table.NOTHING: start(servers.gunicorn(table.NOTHING, settings | NOTHING)),
            table.TOKENS: start(servers.gunicorn(table.TOKENS, settings | TOKENS)),
            table.UNCOMPILED: start(servers.gunicorn(table.UNCOMPILED, settings | UNCOMPILED)),
            table.DEFAULT: start(servers.gunicorn(table.DEFAULT, settings)),
        }
        peers = {
            table.LIMIT: start(servers.limit(table.LIMIT, settings)),
            table.REMEMBERING: start(servers.limit(table.REMEMBERING, settings, "remembering")),
            "FastAPI": start(servers.fastapi(settings)),
        }
        if shutil.which("node") and (servers.PEERS / "express" / "node_modules").exists():
            peers["Express"] = start(servers.express(settings))
        else:
            print("LEFT OUT: Express and its targets, for there is no node or npm on this machine")
        on_sqlite = start(servers.gunicorn(table.SQLITE, SETTINGS | {"DATABASE_URL": small.url} | TOKENS))
        all_servers = peers | ours
        check_responses(all_servers, world)
        check_confirms(all_servers, world)
        world.reset()

        def contest(name: str, requests: list[tuple[str, ...]], contenders: dict[str, Server]) -> list[Contender]:
            path = world.file(name, requests)
            return [(label, server, path) for label, server in contenders.items()]

        def measure(contenders: list[Contender], before: Callable[[], None] | None = None) -> dict[str, Figures]:
            # wrk begins with the first request again, and either worker may get it, so a cache is filled several times.
            for label, server, path in contenders if before is None else []:
                for _ in range(fills if label in table.WARM else 1):
                    run(server, path, seconds)
            return interleaved(contenders, rounds=rounds, seconds=seconds, postgres=postgres.pid, before=before)

        results: dict[str, dict[str, Figures]] = {}
        for name, requests in (("list", world.lists), ("details", world.details)):
            print(name, flush=True)
            contenders = contest(name, requests, all_servers)
            unchanged = world.file(f"{name}-304", with_etags(ours[table.DEFAULT], requests))
            contenders.append((table.UNCHANGED, ours[table.DEFAULT], unchanged))
            if name == "list":
                contenders.append((table.SQLITE, on_sqlite, small.file("sqlite", small.lists)))
            results[name] = measure(contenders)
        print("confirm", flush=True)
        readers = (table.REMEMBERING, table.UNCOMPILED)
        writers = {name: server for name, server in all_servers.items() if name not in readers}
        results["confirm"] = measure(contest("confirm", world.confirms, writers), world.reset)
        run(ours[table.DEFAULT], world.file("all", world.everything), 3 if quick else 30)
        full = results["list"][table.DEFAULT].megabytes = ours[table.DEFAULT].megabytes
        print()
        print(table.markdown(results))
        print(f"\nWith its caches full a worker takes {full:.0f} MiB.")
        missed = table.missed(results)
        print("\n".join(["", *missed]) if missed else "\nNo target is missed.")
        return 1 if missed else 0


def check_responses(servers: dict[str, Server], world: World) -> None:
    """Raise SystemExit unless all servers return equal JSON, also from their caches."""
    for method, path, token in (*world.lists[:25], *world.details[:25]) * 3:
        responses = {name: server.request(method, path, token) for name, server in servers.items()}
        expected = json.loads(responses[table.NOTHING][2])
        for name, (status, _, body) in responses.items():
            if (status, json.loads(body)) != (200, expected):
                raise SystemExit(f"{name} differs on {path}: {status} {body[:2000]!r}\n{expected}")


def check_confirms(servers: dict[str, Server], world: World) -> None:
    """Raise SystemExit unless a confirm on each server updates interview and application and appends one event."""
    with psycopg.connect(world.url, autocommit=True) as connection:
        for row, (name, server) in zip(world.pending, servers.items(), strict=False):
            token = world.tokens[row.candidate_id]
            status, _, body = server.request("PUT", f"/candidate/interviews/{row.id}/confirm", token)
            state = connection.execute(
                "SELECT i.status, a.status, i.confirmed_at = a.date_confirmed, "
                "(SELECT array_agg(type ORDER BY id) FROM events WHERE interview_id = i.id) "
                "FROM interviews i JOIN applications a ON a.id = i.application_id WHERE i.id = %s",
                [row.id],
            ).fetchone()
            if status != 200 or state != CONFIRMED:
                raise SystemExit(f"{name} differs on a confirm: {status} {body[:500]!r} {state}")


def with_etags(server: Server, requests: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the requests with the ETags of their responses; raises SystemExit unless the server answers them 304."""
    conditional = [(*request, server.request(*request)[1]["ETag"]) for request in requests]
    for method, path, token, etag in conditional[:50]:
        status, _, body = server.request(method, path, token, {"If-None-Match": etag})
        if (status, body) != (304, b""):
            raise SystemExit(f"{path} with {etag} is no 304 but {status}")
    return conditional


if __name__ == "__main__":
    sys.exit(main(quick="quick" in sys.argv[1:]))

"""Benchmark `make bench-sizing`: numbers of workers and threads, and --preload, by requests/s, p99 and memory.

Uses default settings, one Postgres on the same machine, and lists on 32 connections.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import servers
from benchmarks.measure import interleaved, run
from benchmarks.servers import descendants
from benchmarks.world import POSTGRES, SETTINGS, World
from tests.support.postgres import ThrowawayPostgres

SIZES = ((1, 4), (2, 1), (2, 2), (2, 4), (2, 8), (4, 2), (4, 4))
"""Numbers of workers and threads per worker."""


def main() -> None:
    """Measure all sizes and print the table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="interviews-sizing-")))
        postgres = ThrowawayPostgres(**POSTGRES)
        stack.callback(postgres.stop)
        world = World(postgres.url, 5_000, 20, folder)
        world.reset()
        path = world.file("list", world.lists)
        contenders = []
        for workers, threads, options in [*((*size, "") for size in SIZES), (2, 4, "--preload")]:
            name = f"{workers} | {threads} | {options}"
            own = {"WEB_THREADS": str(threads), "GUNICORN_CMD_ARGS": options, "DATABASE_URL": postgres.url}
            server = servers.gunicorn(name, SETTINGS | own, workers=workers)
            stack.callback(server.stop)
            run(server, path, 5)
            contenders.append((name, server, path))
        results = interleaved(contenders, rounds=3, seconds=5, postgres=postgres.pid, before=None)
        print("\n| workers | threads | options | requests/s | p99 ms | RSS MiB | PSS MiB |")
        print("|---|---|---|---:|---:|---:|---:|")
        for name, server, _ in contenders:
            figures = results[name]
            shared = max(map(proportional, descendants(server.process.pid)))
            cells = (f"{figures.rate:.0f}", f"{figures.p99:.1f}", f"{figures.megabytes:.0f}", f"{shared:.0f}")
            print(f"| {name} | {' | '.join(cells)} |")


def proportional(pid: int) -> float:
    """Return a process's proportional set size (PSS) in MiB: shared pages count in parts."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()

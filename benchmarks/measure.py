"""One run of wrk, and how it is repeated: every contender in turn, again and again, over the same requests."""

import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.servers import Server, cpu_of

CONNECTIONS, THREADS = 32, 2
_SCRIPT = Path(__file__).parent / "wrk.lua"


@dataclass
class Figures:
    """What the rounds of one contender came to; medians are what is told."""

    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    database_cpus: list[float] = field(default_factory=list)
    megabytes: float = 0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return statistics.median(self.rates)

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return statistics.median(self.p50s)

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return statistics.median(self.p99s)

    @property
    def cpu(self) -> float:
        """Microseconds of the server's processor time for a request."""
        return statistics.median(self.cpus)

    @property
    def database_cpu(self) -> float:
        """Microseconds of Postgres's."""
        return statistics.median(self.database_cpus)


Contender = tuple[str, Server, Path]
"""Its name, where it is served, and which requests."""


def interleaved(
    contenders: Sequence[Contender], *, rounds: int, seconds: int, postgres: int, before: Callable[[], None] | None
) -> dict[str, Figures]:
    """By name; `before` runs before each run, `postgres` is the database's process id."""
    found = {name: Figures() for name, _, _ in contenders}
    for number in range(rounds):
        for name, server, requests in [
            *contenders[number % len(contenders) :],
            *contenders[: number % len(contenders)],
        ]:
            if before:
                time.sleep(1)  # what was being answered when wrk left is done by then
                before()
            cpu, database_cpu = server.cpu, cpu_of(postgres)
            result = run(server, requests, seconds)
            count = result["requests"]
            if result["refused"] or result["broken"] or not count:
                raise SystemExit(f"{name}: {result}")
            figures = found[name]
            figures.rates.append(count / result["microseconds"] * 1e6)
            figures.p50s.append(result["p50"] / 1000)
            figures.p99s.append(result["p99"] / 1000)
            figures.cpus.append((server.cpu - cpu) / count * 1e6)
            figures.database_cpus.append((cpu_of(postgres) - database_cpu) / count * 1e6)
            figures.megabytes = max(figures.megabytes, server.megabytes)
            print(f"  {name}: {figures.rates[-1]:.0f}/s, p99 {figures.p99s[-1]:.1f} ms", flush=True)
    return found


def run(server: Server, requests: Path, seconds: int) -> dict[str, int]:
    """What wrk.lua says at its end."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is needed (apt-get install wrk)")
    shape = [f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s"]
    command = [wrk, *shape, "-s", str(_SCRIPT), f"http://127.0.0.1:{server.port}", "--", str(requests), str(THREADS)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    line = next(line for line in said.splitlines() if line.startswith("RESULT "))
    result: dict[str, int] = json.loads(line.removeprefix("RESULT "))
    return result

"""Runs of wrk: all contenders in turn, in several rounds, with the same requests."""

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
    """Figures of a contender's rounds. The properties are medians over the rounds."""

    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    database_cpus: list[float] = field(default_factory=list)
    megabytes: float = 0

    @property
    def rate(self) -> float:
        """Return requests per second."""
        return statistics.median(self.rates)

    @property
    def p50(self) -> float:
        """Return the median latency in milliseconds."""
        return statistics.median(self.p50s)

    @property
    def p99(self) -> float:
        """Return the 99th percentile of the latency in milliseconds."""
        return statistics.median(self.p99s)

    def rate_by(self, other: "Figures") -> float:
        """Return the median over the rounds of this rate in proportion to the other's of the same round.

        A shared machine is slower for minutes, and then for all that run in a round.
        """
        return statistics.median(rate / base for rate, base in zip(self.rates, other.rates, strict=True))

    @property
    def cpu(self) -> float:
        """Return the server's CPU time per request in microseconds."""
        return statistics.median(self.cpus)

    @property
    def database_cpu(self) -> float:
        """Return Postgres's CPU time per request in microseconds."""
        return statistics.median(self.database_cpus)


Contender = tuple[str, Server, Path]
"""Name, server and file of requests."""


def interleaved(
    contenders: Sequence[Contender], *, rounds: int, seconds: int, postgres: int, before: Callable[[], None] | None
) -> dict[str, Figures]:
    """Return figures by name. Calls `before` before each run; `postgres` is the database's process id."""
    results = {name: Figures() for name, _, _ in contenders}
    for number in range(rounds):
        for name, server, requests in [
            *contenders[number % len(contenders) :],
            *contenders[: number % len(contenders)],
        ]:
            if before:
                time.sleep(1)  # requests that were running when wrk ended are done by then
                before()
            cpu, database_cpu = server.cpu, cpu_of(postgres)
            result = run(server, requests, seconds)
            count = result["requests"]
            if result["refused"] or result["broken"] or not count:
                raise SystemExit(f"{name}: {result}")
            figures = results[name]
            figures.rates.append(count / result["microseconds"] * 1e6)
            figures.p50s.append(result["p50"] / 1000)
            figures.p99s.append(result["p99"] / 1000)
            figures.cpus.append((server.cpu - cpu) / count * 1e6)
            figures.database_cpus.append((cpu_of(postgres) - database_cpu) / count * 1e6)
            figures.megabytes = max(figures.megabytes, server.megabytes)
            print(f"  {name}: {figures.rates[-1]:.0f}/s, p99 {figures.p99s[-1]:.1f} ms", flush=True)
    return results


def run(server: Server, requests: Path, seconds: int) -> dict[str, int]:
    """Return the result that wrk.lua prints at its end."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is needed (apt-get install wrk)")
    shape = [f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s"]
    command = [wrk, *shape, "-s", str(_SCRIPT), f"http://127.0.0.1:{server.port}", "--", str(requests), str(THREADS)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT "))
    result: dict[str, int] = json.loads(line.removeprefix("RESULT "))
    return result

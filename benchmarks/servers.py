"""Servers of the benchmarks, with their CPU time and memory from /proc."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path

from tests.support.gunicorn_server import clean_environment
from tests.support.postgres import free_port
from tests.support.settings import ROOT

PEERS = Path(__file__).parent / "peers"
WORKERS = 2
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A running server on a free port, with two workers by default."""

    def __init__(
        self, name: str, command: list[str], settings: Mapping[str, str], cwd: Path = ROOT, workers: int = WORKERS
    ) -> None:
        self.name, self.port = name, free_port()
        environment = clean_environment(settings) | {"PORT": str(self.port), "WEB_CONCURRENCY": str(workers)}
        command = [part.replace("PORT", str(self.port)) for part in command]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
        self._wait()

    def request(
        self, method: str, path: str, token: str, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the response."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers={"Authorization": f"Bearer {token}", **(headers or {})})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, dict(response.headers), body

    @property
    def cpu(self) -> float:
        """Return the CPU time of all its processes so far, in seconds."""
        return cpu_of(self.process.pid)

    @property
    def megabytes(self) -> float:
        """Return the resident memory of the largest worker, in MiB."""
        return max(map(_resident, descendants(self.process.pid)), default=0)

    def stop(self) -> None:
        """Send SIGTERM and wait up to 30 s for the end."""
        self.process.terminate()
        self.process.wait(30)

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.request("GET", "/candidate/interviews", "")
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} does not serve")


def gunicorn(name: str, settings: Mapping[str, str], workers: int = WORKERS) -> Server:
    """Start this project as it is deployed."""
    return Server(name, [sys.executable, "-m", "gunicorn", "wsgi:app"], settings, workers=workers)


def limit(name: str, settings: Mapping[str, str], callable_name: str = "app") -> Server:
    """Start the bare WSGI callable, on the same gunicorn with as many threads."""
    options = ["--bind", "127.0.0.1:PORT", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "5"]
    options += ["--no-control-socket", f"limit:{callable_name}"]
    command = [sys.executable, "-m", "gunicorn", "-c", os.devnull, *options]
    return Server(name, command, settings, PEERS)


def fastapi(settings: Mapping[str, str]) -> Server:
    """Start the FastAPI peer on uvicorn, with uvloop and httptools."""
    options = ["--workers", str(WORKERS), "--port", "PORT", "--log-level", "warning", "--no-access-log"]
    return Server("FastAPI", [sys.executable, "-m", "uvicorn", *options, "fastapi_peer:app"], settings, PEERS)


def express(settings: Mapping[str, str]) -> Server:
    """Start the Express peer in node's cluster mode."""
    return Server("Express", ["node", "server.js"], settings | {"NODE_ENV": "production"}, PEERS / "express")


def descendants(pid: int) -> Iterator[int]:
    """Yield the ids of all descendant processes."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        yield child
        yield from descendants(child)


def cpu_of(pid: int) -> float:
    """Return the CPU time of a process and its descendants, ended ones too, in seconds."""
    return sum(map(_cpu, [pid, *descendants(pid)]))


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _resident(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0)

"""gunicorn with the project's own configuration, as in production."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.support.http_server import HttpServer
from tests.support.postgres import free_port
from tests.support.settings import ROOT


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings and the few variables that a program needs to start."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return inherited | dict(settings)


class GunicornServer(HttpServer):
    """A running gunicorn at `url`, with its output in `log`."""

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        workers: int = 2,
        port: int | None = None,
        config: str = "gunicorn.conf.py",
        output: int | None = None,
    ) -> None:
        """Start it, and wait until it answers; `output` is a file descriptor that gets its log in place of `log`."""
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = tempfile.NamedTemporaryFile(prefix="interviews-gunicorn-")  # noqa: SIM115  # closed by stop()
        environment = clean_environment(settings) | {"PORT": str(self.port), "WEB_CONCURRENCY": str(workers)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", config, "wsgi:app"],
            cwd=ROOT, env=environment, stdout=output or self._log, stderr=output or self._log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._wait()

    @property
    def log(self) -> str:
        """Return its output so far."""
        return Path(self._log.name).read_text()

    @property
    def workers(self) -> list[int]:
        """Return the process ids of the running workers."""
        master = self.process.pid
        children = Path(f"/proc/{master}/task/{master}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def renew_workers(self) -> None:
        """Reload it, and wait until all workers are new."""
        old = self.workers
        self.process.send_signal(signal.SIGHUP)
        self._wait_for_others(old, set(old))

    def kill_a_worker(self) -> None:
        """Kill a worker at once, and wait for the next one."""
        old = self.workers
        os.kill(old[0], signal.SIGKILL)
        self._wait_for_others(old, {old[0]})

    def _wait_for_others(self, old: list[int], gone: set[int]) -> None:
        """Wait until these workers are gone, and there are as many as before."""
        deadline = time.monotonic() + 30
        while len(self.workers) != len(old) or gone & set(self.workers):
            assert time.monotonic() < deadline, self.log
            assert self.process.poll() is None, self.log
            time.sleep(0.02)

    def stop(self) -> None:
        """Send SIGTERM and wait for the end."""
        self.process.terminate()
        self.process.wait(30)
        self._log.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health/live", timeout=30):
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        raise RuntimeError(f"gunicorn did not start:\n{self.log}")

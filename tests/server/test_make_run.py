"""`make run` in a copy of the project: it serves, demo users sign in, and it stops completely."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.gunicorn_server import clean_environment
from tests.support.postgres import free_port
from tests.support.proof_table import figure
from tests.support.settings import ROOT, SECRETS

FILES = ("Makefile", "alembic.ini", "gunicorn.conf.py", "requirements.txt", "setup.cfg", "wsgi.py")
FOLDERS = ("interviews_api", "migrations")
INSTALLED = "--old-file=.venv/.runtime"  # whatever its age: nothing is installed here


class Run:
    """A running `make run` as a terminal starts it: a process group of its own."""

    def __init__(self, folder: Path) -> None:
        for name in FILES:
            shutil.copy2(ROOT / name, folder / name)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / ".env").write_text("")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = {"DATABASE_URL": f"sqlite:///{folder / 'run.sqlite3'}", "PORT": str(port), "PUBLIC_URL": self.url}
        self._log = folder / "log"
        # What a terminal starts does not ignore Ctrl-C; tests that were started in the background do, and hand it on.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                ["make", INSTALLED, "run"], cwd=folder, env=clean_environment(SECRETS | settings),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    @property
    def log(self) -> str:
        """Return its output so far."""
        return self._log.read_text()

    def wait_until_it_says(self, text: str) -> None:
        """Wait up to 120 seconds until the output contains the text."""
        deadline = time.monotonic() + 120
        while text not in self.log:
            assert time.monotonic() < deadline, self.log
            assert self.process.poll() is None, self.log
            time.sleep(0.02)

    @property
    def processes(self) -> list[str]:
        """Return the running processes of its group."""
        listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
        group = [line.split(maxsplit=2) for line in listed.splitlines()]
        return [args for number, state, args in group if number == str(self.process.pid) and state[0] != "Z"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    if run.processes:
        os.killpg(run.process.pid, signal.SIGKILL)
    run.process.wait(30)


def terminate(run: Run) -> None:
    run.process.terminate()


def press_ctrl_c(run: Run) -> None:
    """Signal each process at once, as a terminal does."""
    os.killpg(run.process.pid, signal.SIGINT)


def sign_in(run: Run) -> None:
    match = re.search(r"candidate +(\S+) +(\S+)", run.log)
    assert match, run.log
    body = json.dumps({"email": match[1], "password": match[2]}).encode()
    request = urllib.request.Request(f"{run.url}/auth/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        assert json.load(response)["data"]["accessToken"]


@pytest.mark.proof
@pytest.mark.parametrize("stop", [terminate, press_ctrl_c][: figure(sample=1, full=2)])
def test_make_run_serves_and_stops(run: Run, stop: Callable[[Run], None]) -> None:
    run.wait_until_it_says("The worker delivers")
    run.wait_until_it_says("Listening at")
    sign_in(run)
    began = time.monotonic()
    stop(run)
    while run.processes and time.monotonic() - began < 20:  # what a worker may take for what it is sending
        time.sleep(0.05)
    assert run.processes == [], run.log
    run.process.wait(30)
    assert not re.search("SIGKILL|Traceback|SIGINT|SIGQUIT", run.log), run.log


@pytest.mark.proof
@pytest.mark.parametrize("number", range(figure(sample=1, full=30)))
def test_ctrl_c_at_any_moment(run: Run, number: int) -> None:
    """Press Ctrl-C also while the processes start."""
    run.wait_until_it_says("Serving on")
    time.sleep(number % 15 * 0.2)
    began = time.monotonic()
    press_ctrl_c(run)
    run.process.wait(30)
    assert time.monotonic() - began < 14, run.log  # graceful_timeout, which it must not cost, is 20 s
    assert run.processes == []
    assert "SIGKILL" not in run.log

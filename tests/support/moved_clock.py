"""Clocks of processes that a test moves: `python -m tests.support.moved_clock flask --app wsgi worker`.

A process reads the seconds by which its clock is ahead from the file that MOVED_CLOCK names. This module is also a
configuration of gunicorn, with the project's own settings. Time that only measures durations (monotonic) stays.
"""

import os
import runpy
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine

VARIABLE = "MOVED_CLOCK"
POLL_SECONDS = 0.02


def follow() -> None:
    """Move this process's clock as the file says, from now until it ends."""
    threading.Thread(target=_follow, args=(Path(os.environ[VARIABLE]),), daemon=True).start()


def _follow(path: Path) -> None:
    ahead, journey = "0", None
    while True:
        if (seconds := path.read_text()) != ahead:
            if journey is not None:
                journey.stop()
            ahead, journey = seconds, time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(seconds)))
            journey.start()
        time.sleep(POLL_SECONDS)


class MovedClock:
    """The clock of the processes that run with its `settings`."""

    def __init__(self, path: Path, ahead: float = 0) -> None:
        self._path = path
        self.settings = {VARIABLE: str(path)}
        self.move(ahead)

    def move(self, ahead: float) -> None:
        """Set the clock so many seconds ahead of the real time, and wait until the processes have done so."""
        unfinished = self._path.with_suffix(".new")
        unfinished.write_text(str(ahead))
        unfinished.rename(self._path)
        time.sleep(10 * POLL_SECONDS)


if __name__ == "__main__":
    follow()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
elif "gunicorn" in sys.modules and VARIABLE in os.environ:
    exec((Path(__file__).parents[2] / "gunicorn.conf.py").read_text())  # the project's settings

    _after_fork = post_fork  # noqa: F821  # gunicorn.conf.py's

    def post_fork(server: object, worker: Any) -> None:
        """Move the clock of each worker; a thread of the master would not be there."""
        _after_fork(server, worker)
        follow()

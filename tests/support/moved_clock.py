"""Clocks of processes that a test moves; `moved_program.py` and `moved_gunicorn.py` are the processes.

A process reads the seconds by which its clock is ahead from the file that MOVED_CLOCK names. Time that only measures
durations (monotonic) stays.
"""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

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

"""gunicorn's configuration with a clock that a test moves, and otherwise the project's own settings."""

from pathlib import Path
from typing import Any

from tests.support.moved_clock import follow

exec((Path(__file__).parents[2] / "gunicorn.conf.py").read_text())  # the project's settings

_after_fork = post_fork  # noqa: F821  # gunicorn.conf.py's


def post_fork(server: object, worker: Any) -> None:
    """Move the clock of each worker; a thread of the master would not be there."""
    _after_fork(server, worker)
    follow()

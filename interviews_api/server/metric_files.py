"""Files in which the workers of one gunicorn count requests together, so that one scrape sees them all.

prometheus_client maps these files into memory. A mapped page without room on the disk kills the process (SIGBUS), so
each file gets its full size before it is mapped. A worker that cannot have its files counts in memory.

Files are named by the worker's number, not by its process id. A new worker takes the number and the file of a dead
one: no file is left behind, and counters go on from where they were.
"""

import atexit
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
FILE_BYTES = 1024 * 1024
"""Room for every route, method and status; tests/test_metrics.py fills a file with all of them."""

_PREFIX = "interviews-metrics-"
_LOCK = "lock"
_KINDS = ("counter", "histogram")
_log = logging.getLogger(__name__)


def make_folder() -> None:
    """Make the folder of this master process, and remove the folders of masters that were killed.

    Sets PROMETHEUS_MULTIPROC_DIR, or removes it where no folder can be made. A second call by the same process
    changes nothing: SIGHUP makes gunicorn read its configuration again. Under systemd it lies in RuntimeDirectory.
    """
    own_prefix = f"{_PREFIX}{os.getpid()}-"
    if Path(os.environ.get(FOLDER, "")).name.startswith(own_prefix):
        return
    os.environ.pop(FOLDER, None)
    try:
        parent = Path(os.environ.get("RUNTIME_DIRECTORY") or tempfile.gettempdir())
        _remove_abandoned(parent)
        folder = Path(tempfile.mkdtemp(prefix=own_prefix, dir=parent))
        _lock(folder)
    except OSError as error:
        _log.warning("no folder for metrics, so each worker counts for itself: %s", error.strerror)
        return
    os.environ[FOLDER] = str(folder)
    atexit.register(_remove, folder, os.getpid())


def free_number(taken: Iterable[int]) -> int:
    """Return the lowest number that no running worker has."""
    numbers = set(taken)
    return next(number for number in range(len(numbers) + 1) if number not in numbers)


def count_in_files(number: int) -> None:
    """Have this process count in the files of that number; in memory where there is no room for them.

    Call it after the fork and before the first request.
    """
    from prometheus_client import values  # looks at PROMETHEUS_MULTIPROC_DIR when it is imported

    values.ValueClass = values.MutexValue
    if FOLDER not in os.environ:
        return
    try:
        folder = Path(os.environ[FOLDER])
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # programs that clean /tmp remove it
        for kind in _KINDS:
            _allocate(folder / f"{kind}_{number}.db")
    except OSError as error:
        del os.environ[FOLDER]
        _log.warning("no room for metrics, so this worker counts for itself: %s", error.strerror)
        return
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


def _allocate(path: Path) -> None:
    """Give the file its full size on the disk, under another name until it has it. Raises OSError."""
    if path.exists():
        return
    unfinished = path.with_suffix(".new")
    try:
        with unfinished.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
        unfinished.rename(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


def _lock(folder: Path) -> None:
    """Hold a lock for as long as this process lives, or a worker that it forked."""
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_abandoned(parent: Path) -> None:
    """Remove our folders that no process holds the lock of."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _remove(folder: Path, owner: int) -> None:
    """Remove the folder when the master ends, not when a worker ends that inherited this hook."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)

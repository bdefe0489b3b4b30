"""Metric files shared by the workers of one gunicorn, so that one scrape reads the counters of all.

prometheus_client maps these files into memory. A write to a mapped page without disk space kills the process (SIGBUS).
So each file is allocated in full before it is mapped. A gunicorn worker without files counts in memory.

Files are named by the gunicorn worker's number, not by its process id. A new one takes over the number and the files
of a dead one. So no file is left behind and counters continue.

Uses undocumented API of prometheus_client 0.26: `values.ValueClass`, `values.MutexValue`, `values.MultiProcessValue`
and the names of its files. tests/unit/test_internals.py fails when one of these changes.
"""

import atexit
import errno
import fcntl
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
FILE_BYTES = 1024 * 1024
"""Space for every route, method and status; tests/server/test_metrics.py fills a file with them."""

_PREFIX = "interviews-metrics-"
_LOCK = "lock"
_KINDS = ("counter", "histogram")
_log = logging.getLogger(__name__)


def make_folder() -> None:
    """Create the folder of this master process and remove the folders of killed masters.

    Sets PROMETHEUS_MULTIPROC_DIR, or unsets it if the folder cannot be created. SIGHUP makes gunicorn read its
    configuration and call this again: the folder stays, unless a cleaner of /tmp has removed it. Under systemd the
    parent is RuntimeDirectory.
    """
    own_prefix = f"{_PREFIX}{os.getpid()}-"
    present = Path(os.environ.get(FOLDER, ""))
    if present.name.startswith(own_prefix) and _is_ours(present):
        return
    os.environ.pop(FOLDER, None)
    try:
        parent = Path(os.environ.get("RUNTIME_DIRECTORY") or tempfile.gettempdir())
        _remove_abandoned(parent)
        folder = Path(tempfile.mkdtemp(prefix=own_prefix, dir=parent))
        _lock(folder)
    except OSError as error:
        _log.warning("no folder for metrics, so each gunicorn worker counts for itself: %s", error.strerror)
        return
    os.environ[FOLDER] = str(folder)
    atexit.register(_remove, folder, os.getpid())


def free_number(taken: Iterable[int]) -> int:
    """Return the lowest number that is not taken."""
    numbers = set(taken)
    return next(number for number in range(len(numbers) + 1) if number not in numbers)


def count_in_files(number: int) -> None:
    """Make this process count in the files of this number, or in memory if they cannot be allocated.

    Call it after the fork and before the first request.
    """
    from prometheus_client import values  # reads PROMETHEUS_MULTIPROC_DIR at import

    values.ValueClass = values.MutexValue
    if FOLDER not in os.environ:
        return
    try:
        folder = Path(os.environ[FOLDER])
        if not _is_ours(folder):
            raise FileNotFoundError(errno.ENOENT, "the folder is gone")
        for kind in _KINDS:
            _allocate(folder / f"{kind}_{number}.db")
    except OSError as error:
        del os.environ[FOLDER]
        _log.warning("no room for metrics, so this gunicorn worker counts for itself: %s", error.strerror)
        return
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


def _is_ours(folder: Path) -> bool:
    """Return whether it is a folder that no other user may write to: a name in /tmp may be taken by anybody."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _allocate(path: Path) -> None:
    """Allocate the file's full size under a temporary name, then rename it; raises OSError."""
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
    """Lock the folder until this process and all gunicorn workers that it forked have ended; raises OSError."""
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_abandoned(parent: Path) -> None:
    """Remove metric folders that no process has locked."""
    for folder in filter(_is_ours, parent.glob(f"{_PREFIX}*")):
        with suppress(OSError):
            descriptor = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _remove(folder: Path, master_pid: int) -> None:
    """Remove the folder at the master's exit. gunicorn workers inherit this hook, so they are skipped."""
    if os.getpid() == master_pid:
        shutil.rmtree(folder, ignore_errors=True)

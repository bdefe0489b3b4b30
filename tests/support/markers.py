"""Markers set by a test's fixtures and names: the programs it runs, and whether it waits or starts processes."""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from ctypes import CDLL
from pathlib import Path
from types import CodeType
from zlib import crc32

import pytest

from tests.support.proof_table import IS_FULL
from tests.support.settings import BACKENDS

LIBICAL = "libical.so.3"
ROOT_RIGHTS = "root's rights"
TOOLS = {
    "needs_node": ("node", "npm"),
    "needs_chromium": ("node", "npm", "chromium"),
    "needs_nginx": ("nginx",),
    "needs_postfix": ("postfix", ROOT_RIGHTS),
    "needs_systemd": ("systemd-analyze",),
    "needs_khal": ("khal",),
    "needs_libical": (LIBICAL,),
}
"""Marker to programs, C libraries and rights that pip cannot install.

Where they are missing, conftest.py drops the tests and prints a note.
"""

MATRIX_FOLDERS = {"api", "db", "worker"}
_SLOW_FOLDERS = {"server", "worker", "proofs"}
_SLOW_FIXTURES = {"gunicorn_server", "session_gunicorn_server", "server", "proxied_servers", "bulk_app", "make_limited"}
_SLOW_NAMES = {
    "working", "wait_for", "sleep", "wait", "GunicornServer", "InProcessServer", "WorkerProcesses", "ThrowawayPostgres",
    "Popen", "ThreadPoolExecutor", "write_bulk", "hold_write_lock", "assert_equal_times", "perf_counter", "monotonic",
}  # fmt: skip
"""Functions and classes that wait, measure time, or start threads, servers or thousands of rows."""


def missing_tools(marker: str) -> list[str]:
    """Return the marker's programs, libraries and rights that this machine lacks."""
    return [tool for tool in TOOLS[marker] if not _is_available(tool)]


def _is_available(tool: str) -> bool:
    if tool == ROOT_RIGHTS:
        return os.geteuid() == 0
    if ".so" not in tool:
        return shutil.which(tool) is not None
    try:
        CDLL(tool)
    except OSError:
        return False
    return True


def lacks_tools(item: pytest.Item) -> bool:
    """Return whether something that the test needs is missing."""
    return any(missing_tools(mark.name) for mark in item.iter_markers() if mark.name in TOOLS)


def runs_on_another_database(item: pytest.Item, backend: str) -> bool:
    """Return whether the test's parameters name another database than this one."""
    return isinstance(item, pytest.Function) and _backend(item) not in ("", backend)


def mark_matrices(items: Iterable[pytest.Item]) -> None:
    """Mark tests of three or more cases in MATRIX_FOLDERS as matrices.

    Their cases differ in input, not in SQL, so one database for each suffices.
    """
    cases = [
        item
        for item in items
        if isinstance(item, pytest.Function) and _backend(item) and MATRIX_FOLDERS & set(Path(item.path).parts)
    ]
    counts = Counter((item.path, item.originalname, _backend(item)) for item in cases)
    for item in cases:
        if counts[item.path, item.originalname, _backend(item)] >= 3:
            item.add_marker("matrix")


def is_left_to_proofs(item: pytest.Item) -> bool:
    """Return whether this case of a matrix runs in `make proofs` alone: in `make test` each runs on one database."""
    if IS_FULL or not isinstance(item, pytest.Function) or item.get_closest_marker("matrix") is None:
        return False
    backend = _backend(item)
    case = ascii(item.name.replace(backend, ""))
    return backend != BACKENDS[crc32(case.encode()) % len(BACKENDS)]


def _backend(item: pytest.Function) -> str:
    """Return the database among the test's parameters, or an empty string."""
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return next((name for name in BACKENDS if name in params), "")


def is_covered(item: pytest.Item) -> bool:
    """Return whether coverage is measured: not of proofs, nor of a test on Postgres that runs on SQLite as well.

    Tests in `tests/db` are measured on both databases, because their SQL differs.
    """
    folders = set(Path(item.path).parts)
    is_on_both = item.get_closest_marker("matrix") is None and runs_on_another_database(item, "sqlite")
    return not (is_on_both and {"api", "worker"} & folders) and "proofs" not in folders


def is_slow(item: pytest.Item) -> bool:
    """Return whether the test starts a process, waits or takes many turns: by folder, fixtures and names it uses."""
    if not isinstance(item, pytest.Function):
        return False
    return bool(
        getattr(item.obj, "is_hypothesis_test", False)
        or _SLOW_FOLDERS & set(Path(item.path).parts)
        or _SLOW_FIXTURES & set(item.fixturenames)
        or _SLOW_NAMES & set(_names(item.function.__code__))
    )


def _names(code: CodeType) -> Iterator[str]:
    """Yield the global names and attributes that a function and the functions in it use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)

"""Metrics of the real processes: one count over all workers. Requests succeed even without a folder."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from interviews_api.server import metric_files
from tests.support.gunicorn_server import GunicornServer, clean_environment
from tests.support.metrics import parse, requests
from tests.support.receivers import wait_for
from tests.support.settings import ROOT, SETTINGS

pytestmark = pytest.mark.matrix


def folders(server: GunicornServer, parent: Path | None = None) -> list[Path]:
    """Return the server's folders of metric files in this folder, or in that for temporary files."""
    parent = parent or Path(tempfile.gettempdir())
    return list(parent.glob(f"interviews-metrics-{server.process.pid}-*"))


def files(server: GunicornServer) -> list[Path]:
    return [path for folder in folders(server) for path in folder.glob("*.db")]


def test_scrape_counts_living_and_dead_workers(database_url: str) -> None:
    server = GunicornServer(SETTINGS | {"DATABASE_URL": database_url})
    try:

        def count() -> float:
            text = server.request("GET", "/metrics", {})[2].decode()
            return requests(parse(text), route="/openapi.json", method="GET", status="200")

        assert len(folders(server)) == 1
        for _ in range(30):
            server.request("GET", "/openapi.json", {})
        assert {count() for _ in range(10)} == {30}
        workers = set(server.workers)
        os.kill(min(workers), signal.SIGTERM)
        wait_for(lambda: len(server.workers) == 2 and set(server.workers) != workers, 60)
        for _ in range(10):
            server.request("GET", "/openapi.json", {})
        assert {count() for _ in range(10)} == {40}
        assert len(files(server)) == 4, "the new worker goes on in the file of the dead one"
        os.kill(server.process.pid, signal.SIGHUP)
        wait_for(lambda: not set(server.workers) & workers, 60)
        assert count() == 40
        assert len(folders(server)) == 1
        assert len(files(server)) <= 8, "old and new workers, with a counter and a histogram each"
    finally:
        server.stop()
    assert folders(server) == []


def counted(server: GunicornServer) -> float:
    """Scrape until each worker is likely to have answered, and return the highest count."""
    counts = []
    for _ in range(10):
        status, _, body = server.request("GET", "/metrics", {})
        assert status == 200
        counts.append(requests(parse(body.decode()), route="/health/live", method="GET", status="200"))
    return max(counts)


def assert_alive(server: GunicornServer, times: int = 20) -> None:
    assert {server.request("GET", "/health/live", {})[0] for _ in range(times)} == {200}


def test_requests_are_answered_when_the_folder_is_removed(database_url: str) -> None:
    server = GunicornServer(SETTINGS | {"DATABASE_URL": database_url})
    try:
        assert_alive(server)
        shutil.rmtree(folders(server)[0])
        assert_alive(server)
        assert counted(server) == 0
        server.renew_workers()
        assert_alive(server)
        assert counted(server) == 20, "new workers have made the folder again"
        assert "Traceback" not in server.log
    finally:
        server.stop()


def test_requests_are_answered_when_the_disk_is_full(database_url: str) -> None:
    server = GunicornServer(SETTINGS | {"DATABASE_URL": database_url})
    try:
        shutil.rmtree(folders(server)[0])
        room = metric_files.FILE_BYTES - 1
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (room, room))
        server.renew_workers()
        assert_alive(server)
        assert 0 < counted(server) <= 20, "each worker counts for itself"
        assert files(server) == []
        assert "no room for metrics" in server.log
        assert "Traceback" not in server.log
    finally:
        server.stop()


def test_requests_are_answered_where_no_folder_can_be_made(database_url: str) -> None:
    server = GunicornServer(SETTINGS | {"DATABASE_URL": database_url, "RUNTIME_DIRECTORY": "/proc"})
    try:
        assert_alive(server)
        assert 0 < counted(server) <= 21, "with the one that the start waits for"
        assert "no folder for metrics" in server.log
    finally:
        server.stop()


def test_folder_of_a_killed_master_is_removed(database_url: str, tmp_path: Path) -> None:
    """Each start removes the folders of dead masters beside its own, so no other test's server may share the place."""
    settings = SETTINGS | {"DATABASE_URL": database_url, "RUNTIME_DIRECTORY": str(tmp_path)}
    server = GunicornServer(settings)
    workers = server.workers
    left = folders(server, tmp_path)
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), 60)
    assert [folder.exists() for folder in left] == [True]
    successor = GunicornServer(settings)
    try:
        assert [folder.exists() for folder in left] == [False]
        assert_alive(successor)
    finally:
        successor.stop()


_COUNT_EVERYTHING = """
import os
from pathlib import Path
from interviews_api.server import metric_files
metric_files.make_folder()
metric_files.count_in_files(0)
from interviews_api import create_app
from interviews_api.web import metrics
app = create_app({"JWT_SECRET_KEY": "j" * 40, "SECRET_KEY": "s" * 40})
for rule in app.url_map.iter_rules():
    for method in (*rule.methods, "other"):
        for status in (200, 201, 202, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 426, 429, 500, 503):
            metrics.count(rule.rule, method, status, 0.1)
print([path.stat().st_size for path in Path(os.environ[metric_files.FOLDER]).glob("*.db")])
"""


def test_metric_file_has_room_for_all_labels() -> None:
    environment = clean_environment({})
    completed = subprocess.run(
        [sys.executable, "-c", _COUNT_EVERYTHING], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert completed.stderr == ""
    assert completed.stdout == f"{[metric_files.FILE_BYTES] * 2}\n", "a file that grows can kill its worker"

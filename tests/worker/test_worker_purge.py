"""`flask worker` purges expired rows while it delivers, and shows that it is alive."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from interviews_api.accounts.models import RateLimit
from interviews_api.accounts.purge import BATCH_SIZE
from interviews_api.db.connections import Database
from interviews_api.notifications.worker.heartbeat import FILE, beat
from tests.support.receivers import working


def test_worker_purges_expired_rows(app: Flask, database: Database) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    rows = [{"key": f"k{number}", "attempts": [], "expires_at": past} for number in range(BATCH_SIZE + 1)]
    with database.engine.begin() as connection:
        connection.execute(insert(RateLimit), rows)

    def remaining() -> int:
        with database.engine.begin() as connection:
            return int(connection.execute(select(func.count()).select_from(RateLimit)).scalar_one())

    deadline = time.monotonic() + 20
    with working(app, {}):
        while remaining() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert remaining() == 0


def test_worker_shows_that_it_is_alive(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    with working(app, {}):
        first = _next_beat(tmp_path / FILE, 0)
        assert _next_beat(tmp_path / FILE, first) > first


def test_beat_without_a_folder_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "none"))
    beat()
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    beat()
    assert list(tmp_path.iterdir()) == []


def _next_beat(path: Path, last: int) -> int:
    """Return the file's time of change (ns) once it is later."""
    deadline = time.monotonic() + 20
    while not path.exists() or path.stat().st_mtime_ns <= last:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return path.stat().st_mtime_ns

"""A Postgres that hangs with open sockets: requests fail in time and connections are replaced."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from interviews_api import create_app
from interviews_api.db.connections import Database, read_connection, transaction
from interviews_api.services import service
from tests.support.databases import fresh_database
from tests.support.postgres import ThrowawayPostgres
from tests.support.settings import SECRETS

POSTGRES = "postgresql"


def backend_of(app: Flask) -> int:
    """Return the process id of the backend of the pool's next connection."""
    with app.app_context(), read_connection() as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


@pytest.fixture(params=[POSTGRES])
def own_postgres() -> Iterator[ThrowawayPostgres]:
    """Yield a server on this machine, whose process ids can be signalled, whatever TEST_DATABASE_URL is."""
    server = ThrowawayPostgres()
    yield server
    server.stop()


def test_stopped_backend_is_a_503_and_its_connection_is_replaced(
    own_postgres: ThrowawayPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interviews_api.db.engines.SERVER_SILENCE_TIMEOUT", 1.0)
    app = create_app(SECRETS | {"DATABASE_URL": own_postgres.url, "WEB_THREADS": "1"})
    process = backend_of(app)
    os.kill(process, signal.SIGSTOP)
    try:
        start = time.monotonic()
        response = app.test_client().get("/health/ready")
        assert 0.9 < time.monotonic() - start < 15
    finally:
        os.kill(process, signal.SIGCONT)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert response.get_json()["message"] == "Service temporarily unavailable"
    assert backend_of(app) != process
    service(Database, app).dispose()


@pytest.mark.parametrize("backend", [POSTGRES])
def test_bulk_load_waits_longer_than_other_transactions(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interviews_api.db.engines.SERVER_SILENCE_TIMEOUT", 0.5)
    with fresh_database(backend, tmp_path) as url:
        app = create_app(SECRETS | {"DATABASE_URL": url})
        with app.app_context():
            with transaction(no_timeouts=True) as connection:
                connection.exec_driver_sql("SELECT pg_sleep(1)")
            with pytest.raises(OperationalError), transaction() as connection:
                connection.exec_driver_sql("SELECT pg_sleep(1)")
        service(Database, app).dispose()


@pytest.mark.parametrize("backend", [POSTGRES])
def test_statement_timeout_keeps_the_connection(backend: str, tmp_path: Path) -> None:
    with fresh_database(backend, tmp_path) as url:
        database = Database(url)
        with database.reads.connection() as connection:
            connection.exec_driver_sql("SET statement_timeout = 50")
            with pytest.raises(OperationalError) as raised:
                connection.exec_driver_sql("SELECT pg_sleep(1)")
            assert isinstance(raised.value.orig, psycopg.errors.QueryCanceled)
            assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
        database.dispose()

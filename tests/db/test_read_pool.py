"""The read pool: each connection is lent to a thread at a time, and closed after an error."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import literal_column, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.db.prepared import Prepared
from interviews_api.errors import NotFound
from interviews_api.events.models import Import
from interviews_api.services import service
from tests.support.settings import BACKENDS

SIZE = 3
_READ = Prepared(select(Import.version))
_WRONG = Prepared(select(literal_column("no_such_column")).select_from(Import))


@pytest.fixture
def own(app: Flask) -> Iterator[Database]:
    """Yield a database with unused connections."""
    database = Database(service(Settings, app).database_url, pool_size=SIZE)
    yield database
    database.dispose()


def use(database: Database, statement: Prepared = _READ) -> int:
    """Run a statement and return the id of its connection."""
    with database.reads.connection() as taken:
        statement.rows(taken, {})
        return id(taken.connection.driver_connection)


def use_all(database: Database) -> set[int]:
    """Use all connections at the same time and return their ids."""
    together = threading.Barrier(SIZE)

    def use_one(_number: int) -> int:
        with database.reads.connection() as taken:
            together.wait(10)
            _READ.rows(taken, {})
            return id(taken.connection.driver_connection)

    with ThreadPoolExecutor(SIZE) as pool:
        return set(pool.map(use_one, range(SIZE)))


def test_pooled_connections_are_kept_and_never_shared(own: Database) -> None:
    first = use_all(own)
    assert len(first) == own.engine.pool.checkedout() == SIZE  # type: ignore[attr-defined]
    assert use_all(own) == first
    assert {use(own) for _ in range(SIZE)} == first
    with own.engine.connect() as another:
        assert id(another.connection.driver_connection) not in first


def test_database_error_discards_the_connection(own: Database) -> None:
    first = use_all(own)
    for _ in range(SIZE):
        with pytest.raises(NotFound), own.reads.connection():
            raise NotFound("x")
    assert {use(own) for _ in range(SIZE)} == first
    with pytest.raises(DBAPIError):
        use(own, _WRONG)
    assert own.engine.pool.checkedout() == SIZE - 1  # type: ignore[attr-defined]
    assert len(use_all(own)) == SIZE


def test_thread_waits_for_a_free_connection(own: Database) -> None:
    def hold(seconds: float) -> None:
        with own.reads.connection():
            is_taken.release()
            time.sleep(seconds)

    is_taken = threading.Semaphore(0)
    for seconds, comes_through in ((0.5, True), (4, False)):
        with ThreadPoolExecutor(SIZE) as pool:
            for _ in range(SIZE):
                pool.submit(hold, seconds)
            for _ in range(SIZE):
                is_taken.acquire()
            if comes_through:
                use(own)
            else:
                with pytest.raises(PoolTimeout):
                    use(own)
    use_all(own)


@pytest.mark.parametrize("database_url", [BACKENDS[1]], indirect=True, scope="session")
def test_dead_connection_renews_the_pool(own: Database) -> None:
    pid = Prepared(select(literal_column("pg_backend_pid()").label("pid")))
    for _ in range(SIZE):
        with own.reads.connection() as taken:
            (backend,) = pid.rows(taken, {})
        with own.engine.connect() as another:
            another.execute(text("SELECT pg_terminate_backend(:pid)"), backend)
    with pytest.raises(DBAPIError) as raised:
        use(own)
    assert raised.value.connection_invalidated
    assert len(use_all(own)) == SIZE
    assert len({use(own) for _ in range(SIZE)}) == SIZE


def test_statements_are_prepared_again_after_deallocation(own: Database) -> None:
    """psycopg deallocates all statements after a rollback, the pool's too."""
    first = use_all(own)
    own.reads.close_idle()
    for _ in range(2 * SIZE):
        with own.engine.connect() as connection, connection.begin() as transaction:
            for _ in range(6):  # after the fifth it is psycopg that prepares
                connection.execute(text("SELECT 1"))
            transaction.rollback()
    assert use_all(own) == first


def test_statements_run_without_the_internals_of_sqlalchemy(own: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(*_arguments: object) -> None:
        raise AttributeError("positiontup")

    monkeypatch.setattr("interviews_api.db.prepared._Compiled", moved)
    with own.reads.connection() as connection:
        assert Prepared(select(Import.id, Import.version)).rows(connection, {}) == []

"""Pooled connections: settings, transactions, lock timeouts and constraints."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from interviews_api.accounts.models import User
from interviews_api.db.connections import Database, transaction
from interviews_api.ids import new_id
from interviews_api.interviews.models import Interview
from tests.support.factories import World


def test_each_pooled_connection_is_configured(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
        read = "PRAGMA"
    else:
        wanted = {
            "statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "5s",
            "TimeZone": "UTC",
        }  # fmt: skip
        read = "SHOW"
    for connect in (database.reads.connection, database.engine.connect, database.reads.connection):
        with connect() as connection:
            for name, value in wanted.items():
                assert connection.exec_driver_sql(f"{read} {name}").scalar_one() == value, name
            if database.engine.dialect.name == "sqlite":
                assert connection.connection.driver_connection.isolation_level is None  # type: ignore[union-attr]


def test_concurrent_updates_are_not_lost(app: Flask, world: World, database: Database) -> None:
    """Make 400 read-modify-writes in four threads, as WEB_THREADS; SQLite keeps all because BEGIN is IMMEDIATE."""
    world.candidate_with({})
    world.load()
    lock_row = select(Interview.revision).with_for_update()  # SQLite leaves FOR UPDATE out

    def increment(_number: int) -> None:
        with app.app_context(), transaction() as connection:
            revision = connection.execute(lock_row).scalar_one()
            connection.execute(update(Interview).values(revision=revision + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(increment, range(400)))
    with database.reads.connection() as connection:
        assert connection.execute(select(Interview.revision)).scalar_one() == 400


def test_failed_transaction_is_rolled_back(app: Flask, database: Database) -> None:
    def fail_midway() -> None:
        with transaction() as connection:
            connection.execute(text("INSERT INTO companies (id, name, time_zone) VALUES ('a', 'b', 'UTC')"))
            raise ZeroDivisionError

    with app.app_context(), pytest.raises(ZeroDivisionError):
        fail_midway()
    with database.reads.connection() as connection:
        assert connection.execute(text("SELECT count(*) FROM companies")).scalar_one() == 0


def test_only_a_bulk_load_has_no_statement_timeout(app: Flask, database: Database) -> None:
    """Postgres lifts it for one transaction; SQLite only limits the wait for a lock."""
    if database.engine.dialect.name == "sqlite":
        read, lifted, usual = "PRAGMA busy_timeout", 5000, 5000
    else:
        read, lifted, usual = "SHOW statement_timeout", "0", "5s"
    with app.app_context():
        with transaction(no_timeouts=True) as connection:
            assert connection.exec_driver_sql(read).scalar_one() == lifted
        with transaction() as connection:
            assert connection.exec_driver_sql(read).scalar_one() == usual


def test_writer_fails_after_the_lock_timeout(app: Flask, world: World, database: Database) -> None:
    world.candidate_with({})
    world.load()
    change = update(Interview).values(revision=1)
    with database.engine.begin() as holder:
        holder.execute(change)
        start = time.monotonic()
        with app.app_context(), pytest.raises(OperationalError), transaction() as connection:
            connection.execute(change)
        assert 1.5 < time.monotonic() - start < 8
        with database.reads.connection() as reader:  # a reader does not wait
            assert reader.execute(select(Interview.revision)).scalar_one() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "maybe"}, {"type": "Fax"}, {"cancelled_by": "mother"}, {"duration_minutes": 4}, {"revision": -1},
        {"candidate_id": "f" * 24}, {"application_id": "f" * 24}, {"status": None},
    ],
)  # fmt: skip
def test_database_constraints_refuse_invalid_rows(
    wrong: dict[str, object], app: Flask, world: World, database: Database
) -> None:
    world.candidate_with({})
    world.load()
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(update(Interview).values(wrong))


def test_instants_are_stored_in_utc_milliseconds(world: World, database: Database) -> None:
    world.candidate_with({})
    world.load()
    east = datetime(2025, 5, 15, 14, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values(starts_at=east))
        stored = connection.execute(select(Interview.starts_at)).scalar_one()
    assert (stored, stored.utcoffset()) == (datetime(2025, 5, 15, 9, 0, 0, 123_000, tzinfo=UTC), timedelta(0))
    with pytest.raises(Exception, match="time zone"), database.engine.begin() as connection:
        connection.execute(update(Interview).values(starts_at=datetime(2025, 5, 15)))  # noqa: DTZ001  # naive


def test_email_address_is_unique(database: Database) -> None:
    values = {"role": "candidate", "email": "A@b.c", "email_key": "a@b.c", "created_at": datetime.now(UTC)}
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(User.__table__.insert(), [values | {"id": new_id()}, values | {"id": new_id()}])  # type: ignore[attr-defined]

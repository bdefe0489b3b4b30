"""What a pooled connection is set to, that no update is lost, and that the migrations go both ways."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import CheckConstraint, Table, inspect, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from interviews_api import models
from interviews_api.accounts.models import User
from interviews_api.db.connections import SCHEMA_REVISION, Database, transaction
from interviews_api.hiring.models import Application
from interviews_api.ids import is_id, new_id
from interviews_api.interviews.models import Interview
from tests.conftest import BACKENDS, alembic_config, fresh_database
from tests.support.factories import World


def test_every_pooled_connection_is_set_up(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
        read = "PRAGMA"
    else:
        wanted = {
            "statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "5s",
            "TimeZone": "UTC",
        }  # fmt: skip
        read = "SHOW"
    for engine in (database.reader, database.engine, database.reader):
        with engine.connect() as connection:
            for name, value in wanted.items():
                assert connection.exec_driver_sql(f"{read} {name}").scalar_one() == value, name
            if database.engine.dialect.name == "sqlite":
                assert connection.connection.driver_connection.isolation_level is None  # type: ignore[union-attr]


def test_no_update_is_lost(app: Flask, world: World, database: Database) -> None:
    """400 read-modify-writes from 16 threads: 400 come through, on SQLite because BEGIN is IMMEDIATE."""
    world.candidate_with({})
    world.load()
    lock_row = select(Interview.revision).with_for_update()  # SQLite leaves FOR UPDATE out

    def increment(_number: int) -> None:
        with app.app_context(), transaction() as connection:
            revision = connection.execute(lock_row).scalar_one()
            connection.execute(update(Interview).values(revision=revision + 1))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(increment, range(400)))
    with database.reader.connect() as connection:
        assert connection.execute(select(Interview.revision)).scalar_one() == 400


def test_an_error_leaves_nothing_behind(app: Flask, database: Database) -> None:
    def fail_midway() -> None:
        with transaction() as connection:
            connection.execute(text("INSERT INTO companies (id, name, time_zone) VALUES ('a', 'b', 'UTC')"))
            raise ZeroDivisionError

    with app.app_context(), pytest.raises(ZeroDivisionError):
        fail_midway()
    with database.reader.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM companies")).scalar_one() == 0


def test_a_bulk_load_may_take_its_time_and_a_request_may_not(app: Flask, database: Database) -> None:
    """On Postgres, for that transaction alone; SQLite has no limit but that of waiting for a lock."""
    if database.engine.dialect.name == "sqlite":
        read, lifted, usual = "PRAGMA busy_timeout", 5000, 5000
    else:
        read, lifted, usual = "SHOW statement_timeout", "0", "5s"
    with app.app_context():
        with transaction(no_timeouts=True) as connection:
            assert connection.exec_driver_sql(read).scalar_one() == lifted
        with transaction() as connection:
            assert connection.exec_driver_sql(read).scalar_one() == usual


def test_a_writer_that_waits_too_long_fails_cleanly(app: Flask, world: World, database: Database) -> None:
    world.candidate_with({})
    world.load()
    change = update(Interview).values(revision=1)
    with database.engine.begin() as holder:
        holder.execute(change)
        start = time.monotonic()
        with app.app_context(), pytest.raises(OperationalError), transaction() as connection:
            connection.execute(change)
        assert 1.5 < time.monotonic() - start < 8
        with database.reader.connect() as reader:  # a reader does not wait
            assert reader.execute(select(Interview.revision)).scalar_one() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "maybe"}, {"type": "Fax"}, {"cancelled_by": "mother"}, {"duration_minutes": 4}, {"revision": -1},
        {"candidate_id": "f" * 24}, {"application_id": "f" * 24}, {"status": None},
    ],
)  # fmt: skip
def test_the_database_itself_refuses_nonsense(
    wrong: dict[str, object], app: Flask, world: World, database: Database
) -> None:
    world.candidate_with({})
    world.load()
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(update(Interview).values(wrong))


def test_an_instant_is_utc_in_whole_milliseconds(world: World, database: Database) -> None:
    world.candidate_with({})
    world.load()
    east = datetime(2025, 5, 15, 14, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values(starts_at=east))
        stored = connection.execute(select(Interview.starts_at)).scalar_one()
    assert (stored, stored.utcoffset()) == (datetime(2025, 5, 15, 9, 0, 0, 123_000, tzinfo=UTC), timedelta(0))
    with pytest.raises(Exception, match="time zone"), database.engine.begin() as connection:
        connection.execute(update(Interview).values(starts_at=datetime(2025, 5, 15)))  # noqa: DTZ001  # naive


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_migrations_go_up_down_and_up_again(backend: str, tmp_path: Path) -> None:
    with fresh_database(backend, tmp_path) as url:
        config = alembic_config(url)
        for step, target in ((command.upgrade, "head"), (command.downgrade, "base"), (command.upgrade, "head")):
            step(config, target)
        command.check(config)
        database = Database(url)
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), models.metadata) == []
        database.dispose()


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_stored_survives_every_migration(backend: str, tmp_path: Path) -> None:
    """A database of the first revision with one row of each kind goes to the newest, back, and there again."""
    rows = (
        "INSERT INTO companies (id, name, time_zone) VALUES ('c', 'Tech', 'UTC')",
        "INSERT INTO users (id, role, email, email_key, created_at) VALUES ('u', 'candidate', 'a@b.c', 'a@b.c', :at)",
        "INSERT INTO candidates (id, first_name, last_name) VALUES ('u', 'Ada', 'Okafor')",
        "INSERT INTO jobs (id, company_id, title) VALUES ('j', 'c', 'Developer')",
        "INSERT INTO applications (id, candidate_id, job_id, status, applied_at) VALUES ('a', 'u', 'j', 'vu', :at)",
        "INSERT INTO interviews (id, application_id, candidate_id, status, type, starts_at, time_zone,"
        " duration_minutes, share_feedback, revision, created_at)"
        " VALUES ('i', 'a', 'u', 'confirmed', 'Phone', :at, 'UTC', 60, true, 3, :at)",
    )
    look = text(
        "SELECT i.revision, i.status, a.status, j.title, c.name FROM interviews i"
        " JOIN applications a ON a.id = i.application_id JOIN jobs j ON j.id = a.job_id"
        " JOIN companies c ON c.id = j.company_id"
    )
    with fresh_database(backend, tmp_path) as url:
        config = alembic_config(url)
        command.upgrade(config, "0001")
        database = Database(url)
        with database.engine.begin() as connection:
            for row in rows:
                connection.execute(text(row), {"at": datetime(2025, 5, 15, tzinfo=UTC)} if ":at" in row else {})
        for step, target in ((command.upgrade, "head"), (command.downgrade, "0001"), (command.upgrade, "head")):
            step(config, target)
            with database.engine.connect() as connection:
                assert [tuple(row) for row in connection.execute(look)] == [(3, "confirmed", "vu", "Developer", "Tech")]
        with database.engine.connect() as connection:
            owners = select(Interview.company_id, Application.company_id).join(
                Application, Application.id == Interview.application_id
            )
            assert [tuple(row) for row in connection.execute(owners)] == [("c", "c")]
            if backend == "sqlite":
                assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        database.dispose()


def test_the_database_has_the_constraints_of_the_models(database: Database) -> None:
    """What `alembic check` does not compare: CHECKs, and that everything has a name."""
    inspector = inspect(database.engine)
    for table in models.metadata.sorted_tables:
        checks = {
            str(check.name): numbers_and_words(str(check.sqltext))
            for check in table.constraints
            if isinstance(check, CheckConstraint)
        }
        found = {
            str(one["name"]): numbers_and_words(one["sqltext"]) for one in inspector.get_check_constraints(table.name)
        }
        assert checks == found
        names = [one["name"] for one in inspector.get_foreign_keys(table.name)]
        assert sorted(map(str, names)) == sorted(str(one.name) for one in table.foreign_key_constraints)


def numbers_and_words(condition: str) -> list[str]:
    """What a CHECK says, whatever a database makes of its spelling."""
    noise = {"in", "any", "array", "text", "between", "and", "varying", "character"}
    return sorted(set(re.findall(r"\w+", condition.lower())) - noise)


def test_the_code_says_which_revision_it_needs() -> None:
    assert ScriptDirectory.from_config(alembic_config("")).get_current_head() == SCHEMA_REVISION


NUMBERED = {"events", "deliveries", "distribution", "imports"}


def test_every_time_and_id_column_has_our_type() -> None:
    tables: list[Table] = models.metadata.sorted_tables
    for table in tables:
        for column in table.columns:
            if column.name.endswith("_at"):
                assert type(column.type).__name__ == "UtcDateTime", column
            is_number = (column.name == "id" and table.name in NUMBERED) or column.name == "event_id"
            if column.name == "id" or column.name.endswith("_id"):
                assert (type(column.type).__name__ == "Id") != is_number, column


def test_ids_are_ordered_by_the_second() -> None:
    earlier = new_id()
    time.sleep(1.1)
    later = new_id()
    assert is_id(earlier)
    assert earlier < later
    assert abs(int(later[:8], 16) - time.time()) < 5
    assert len({new_id() for _ in range(10_000)}) == 10_000
    for wrong in ("", "a" * 23, "a" * 25, "A" * 24, "g" * 24, "a" * 24 + "\n", "\uff11" * 24, None, 5):
        assert not is_id(wrong)


def test_users_are_one_per_address(database: Database) -> None:
    values = {"role": "candidate", "email": "A@b.c", "email_key": "a@b.c", "created_at": datetime.now(UTC)}
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(User.__table__.insert(), [values | {"id": new_id()}, values | {"id": new_id()}])  # type: ignore[attr-defined]

"""`flask purge` deletes expired rows and leaves rows that a request holds."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import Connection, func, insert, select, update

from interviews_api import create_app
from interviews_api.accounts.models import IdempotentReply, RateLimit, Session
from interviews_api.accounts.purge import BATCH_SIZE, purge_batches
from interviews_api.accounts.rate_limit_repository import RateLimitRepository
from interviews_api.db.connections import Database
from interviews_api.notifications.models import Delivery
from interviews_api.notifications.worker.daily_purge import DailyPurge
from interviews_api.services import service
from tests.support.api import Caller
from tests.support.sessions import bearer, sign_in
from tests.support.settings import SECRETS
from tests.support.statements import hooked

NOW = datetime(2031, 5, 15, 9, tzinfo=UTC)


def insert_expired(connection: Connection, count: int, expired_at: datetime = NOW) -> None:
    rows = [{"key": f"k{number}", "attempts": [], "expires_at": expired_at} for number in range(count)]
    connection.execute(insert(RateLimit), rows)


def count_rows(database: Database) -> int:
    with database.engine.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(RateLimit)).scalar_one())


@contextmanager
def deleted_tables(database: Database) -> Iterator[list[str]]:
    """Yield the tables of the DELETE statements that are sent meanwhile."""
    tables: list[str] = []

    def record(statement: str, _parameters: object) -> None:
        tables.extend(re.findall(r"^DELETE FROM (\w+)", statement))

    with hooked(database.engine, record):
        yield tables


NO_MAILS = "0 password_resets, 0 account_mails, 0 invitations, 0 email_verifications\n"


def test_purge_deletes_expired_rows(ada_client: Caller, runner: FlaskCliRunner, database: Database) -> None:
    keep, drop = sign_in(ada_client), sign_in(ada_client)
    past = datetime.now(UTC) - timedelta(seconds=1)
    old = jwt.decode(drop["accessToken"], options={"verify_signature": False})["sid"]
    with database.engine.begin() as connection:
        connection.execute(update(Session).where(Session.id == old).values(expires_at=past))
        for key, expires_at in (("old", past), ("new", past + timedelta(days=1))):
            connection.execute(RateLimit.__table__.insert().values(key=key, attempts=[], expires_at=expires_at))  # type: ignore[attr-defined]
            values = {"user_id": keep["user"]["id"], "route": "r", "key": key, "body_hash": "h", "status": 201}
            connection.execute(
                IdempotentReply.__table__.insert().values(**values, reply="{}", expires_at=expires_at)  # type: ignore[attr-defined]
            )
    result = runner.invoke(args=["purge"])
    assert result.exit_code == 0
    assert result.output == f"Deleted 0 security_events, 1 sessions, 1 rate_limits, 1 idempotent_replies, {NO_MAILS}"
    output = runner.invoke(args=["purge"]).output
    assert output == f"Deleted 0 security_events, 0 sessions, 0 rate_limits, 0 idempotent_replies, {NO_MAILS}"
    bearer(ada_client, keep["accessToken"]).ok("GET", "/auth/me")


def test_purge_skips_locked_rows(runner: FlaskCliRunner, database: Database) -> None:
    """A login locks two rows, so waiting for one of them could deadlock."""
    past = datetime.now(UTC) - timedelta(days=1)
    with database.engine.begin() as connection:
        for key in ("b", "a"):
            connection.execute(insert(RateLimit).values(key=key, attempts=[], expires_at=past))
    if database.engine.dialect.name == "postgresql":
        with ThreadPoolExecutor(1) as pool, database.engine.begin() as connection:
            RateLimitRepository(connection).lock("a", past)
            deleted = pool.submit(runner.invoke, args=["purge"]).result(timeout=30).output
            assert deleted == f"Deleted 0 security_events, 0 sessions, 1 rate_limits, 0 idempotent_replies, {NO_MAILS}"
            RateLimitRepository(connection).lock("b", past)
    output = runner.invoke(args=["purge"]).output
    assert output == f"Deleted 0 security_events, 0 sessions, 2 rate_limits, 0 idempotent_replies, {NO_MAILS}"


def test_purge_without_tables_fails_in_one_line(tmp_path: Path) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"})
    result = app.test_cli_runner().invoke(args=["purge"])
    service(Database, app).dispose()
    assert (result.exit_code, result.output) == (1, "Error: the database refused: no such table: security_events\n")


def test_purge_deletes_in_small_transactions(app: Flask, runner: FlaskCliRunner, database: Database) -> None:
    with database.engine.begin() as connection:
        insert_expired(connection, 2 * BATCH_SIZE + 1)
    with app.app_context():
        batches = purge_batches(NOW)
        counts = [(next(batches), count_rows(database)) for _ in range(5)]
    assert counts == [
        (("security_events", 0), 2001), (("sessions", 0), 2001),
        (("rate_limits", 1000), 1001), (("rate_limits", 1000), 1), (("rate_limits", 1), 0),
    ]  # fmt: skip
    with database.engine.begin() as connection:
        insert_expired(connection, BATCH_SIZE, datetime.now(UTC))
    with deleted_tables(database) as tables:
        assert ", 1000 rate_limits, " in runner.invoke(args=["purge"]).output
    assert tables.count("rate_limits") == 2


def test_purge_of_deliveries_deletes_in_small_transactions(runner: FlaskCliRunner, database: Database) -> None:
    values = {"channel": "email", "target_id": "0" * 24, "recipient": "a@example.com", "attempts": 1,
              "give_up_at": NOW, "due_at": datetime.now(UTC) - timedelta(days=91)}  # fmt: skip
    statuses = ["sent", "pending", *["sent"] * (2 * BATCH_SIZE)]
    with database.engine.begin() as connection:
        rows = [values | {"key": f"d{number}", "status": status} for number, status in enumerate(statuses)]
        connection.execute(insert(Delivery), rows)
    with deleted_tables(database) as tables:
        assert runner.invoke(args=["deliveries", "purge"]).output == "Deleted 2001\n"
    assert tables == ["deliveries"] * 3
    with database.engine.begin() as connection:
        assert connection.execute(select(Delivery.status)).scalars().all() == ["pending"]


def test_workers_purge_once_a_day_among_them(app: Flask, database: Database) -> None:
    first, second = DailyPurge(), DailyPurge()
    with app.app_context():
        with database.engine.begin() as connection:
            insert_expired(connection, 1)
        assert first.work(NOW)
        assert not second.work(NOW)
        while first.work(NOW):
            pass
        assert count_rows(database) == 0
        with deleted_tables(database) as tables:
            for hours in range(24):
                assert not first.work(NOW + timedelta(hours=hours))
                assert not second.work(NOW + timedelta(hours=hours, minutes=5))
        assert tables == []
        assert second.work(NOW + timedelta(days=1, minutes=6))
        assert not first.work(NOW + timedelta(days=1, minutes=6))


def test_simultaneous_workers_purge_once(app: Flask) -> None:
    def work(_number: int) -> bool:
        with app.app_context():
            return DailyPurge().work(NOW)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(8))) == [False] * 7 + [True]


def test_clock_that_was_wrong_does_not_stop_the_purge(app: Flask) -> None:
    with app.app_context():
        assert DailyPurge().work(NOW + timedelta(days=10_000))
        assert DailyPurge().work(NOW)
        assert not DailyPurge().work(NOW)

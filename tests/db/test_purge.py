"""`flask purge` deletes expired rows and leaves rows that a request holds."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from flask.testing import FlaskCliRunner
from sqlalchemy import insert, update

from interviews_api import create_app
from interviews_api.accounts.models import IdempotentReply, RateLimit, Session
from interviews_api.accounts.rate_limit_repository import RateLimitRepository
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.api import Caller
from tests.support.sessions import bearer, sign_in
from tests.support.settings import SECRETS


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
    assert result.output == "Deleted 1 sessions, 1 rate_limits, 1 idempotent_replies, 0 password_resets\n"
    output = runner.invoke(args=["purge"]).output
    assert output == "Deleted 0 sessions, 0 rate_limits, 0 idempotent_replies, 0 password_resets\n"
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
            assert deleted == "Deleted 0 sessions, 1 rate_limits, 0 idempotent_replies, 0 password_resets\n"
            RateLimitRepository(connection).lock("b", past)
    output = runner.invoke(args=["purge"]).output
    assert output == "Deleted 0 sessions, 2 rate_limits, 0 idempotent_replies, 0 password_resets\n"


def test_purge_without_tables_fails_in_one_line(tmp_path: Path) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"})
    result = app.test_cli_runner().invoke(args=["purge"])
    service(Database, app).dispose()
    assert (result.exit_code, result.output) == (1, "Error: the database refused: no such table: sessions\n")

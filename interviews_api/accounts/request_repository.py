"""Repositories of rate limits and idempotent replies, and the removal of expired rows."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import (
    Connection,
    RowMapping,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from interviews_api.accounts.errors import RequestStillRunning
from interviews_api.accounts.models import (
    IdempotentReply,
    PasswordReset,
    RateLimit,
    Session,
)
from interviews_api.db.upsert import dialect_insert

REPLY_LIFETIME = timedelta(hours=24)


class RateLimitRepository:
    """Recent attempts under rate limits. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, key: str, expires_at: datetime) -> list[int]:
        """Return the stored attempts of the key and lock the row until the commit."""
        statement = dialect_insert(self._connection, RateLimit).values(key=key, attempts=[], expires_at=expires_at)
        upsert = statement.on_conflict_do_update(index_elements=["key"], set_={"key": key}).returning(
            RateLimit.attempts
        )
        attempts: list[int] = self._connection.execute(upsert).scalar_one()
        return attempts

    def save(self, key: str, attempts: list[int], expires_at: datetime) -> None:
        """Replace the attempts and the expiry (UTC) of the key."""
        statement = update(RateLimit).where(RateLimit.key == key)
        self._connection.execute(statement.values(attempts=attempts, expires_at=expires_at))


def purge(connection: Connection, now: datetime) -> dict[str, int]:
    """Delete expired rows and return their number by table. Rows that a request has locked are skipped."""
    counts = {}
    for model in (Session, RateLimit, IdempotentReply, PasswordReset):
        key = tuple(model.__table__.primary_key)
        expired = select(*key).where(model.expires_at <= now).with_for_update(skip_locked=True)
        counts[model.__tablename__] = connection.execute(delete(model).where(tuple_(*key).in_(expired))).rowcount
    return counts


class ReplyRepository:
    """The stored response to one user's POST to one route under one idempotency key. Never commits."""

    def __init__(self, connection: Connection, user_id: str, route: str, key: str) -> None:
        self._connection = connection
        self._keys = {"user_id": user_id, "route": route, "key": key}

    def find(self, arrived: datetime, now: datetime) -> RowMapping | None:
        """Return the stored response and body hash, or lock the key until the commit and return None.

        Raises RequestStillRunning if another request holds the key. SQLite has one writer, so that request has finished
        by now: a response that was stored since this request arrived counts as still running.
        """
        is_sqlite = self._connection.dialect.name == "sqlite"
        if not (is_sqlite or self._lock()):
            raise RequestStillRunning
        statement = select(IdempotentReply).filter_by(**self._keys).where(IdempotentReply.expires_at > now)
        stored = self._connection.execute(statement).mappings().one_or_none()
        if is_sqlite and stored is not None and arrived < stored["expires_at"] - REPLY_LIFETIME <= now:
            raise RequestStillRunning
        return stored

    def _lock(self) -> bool:
        digest = hashlib.sha256("\0".join(self._keys.values()).encode()).digest()
        number = int.from_bytes(digest[:8], signed=True)
        return bool(self._connection.execute(select(func.pg_try_advisory_xact_lock(number))).scalar_one())

    def save(self, body_hash: str, status: int, reply: str, now: datetime) -> None:
        """Store the response; it replaces an expired one."""
        self._connection.execute(delete(IdempotentReply).filter_by(**self._keys))
        values = {"body_hash": body_hash, "status": status, "reply": reply, "expires_at": now + REPLY_LIFETIME}
        self._connection.execute(insert(IdempotentReply).values(**self._keys, **values))

"""The SQL of what is remembered of requests: rate limits, replies to idempotency keys, and their expiry."""

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
from sqlalchemy.dialects import postgresql, sqlite

from interviews_api.accounts.errors import RequestStillRunning
from interviews_api.accounts.models import (
    IdempotentReply,
    PasswordReset,
    RateLimit,
    Session,
)

REPLY_LIFETIME = timedelta(hours=24)


class RateLimitRepository:
    """The attempts that limits remember. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, key: str, expires_at: datetime) -> list[int]:
        """The attempts remembered under the key, which waits for nobody else until the transaction's end."""
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(RateLimit).values(key=key, attempts=[], expires_at=expires_at)
        upsert = statement.on_conflict_do_update(index_elements=["key"], set_={"key": key}).returning(
            RateLimit.attempts
        )
        attempts: list[int] = self._connection.execute(upsert).scalar_one()
        return attempts

    def remember(self, key: str, attempts: list[int], expires_at: datetime) -> None:
        """Store the attempts."""
        statement = update(RateLimit).where(RateLimit.key == key)
        self._connection.execute(statement.values(attempts=attempts, expires_at=expires_at))


def purge(connection: Connection, now: datetime) -> dict[str, int]:
    """Delete what has expired; how many rows of each table. What a request has locked is left to the next time."""
    counts = {}
    for model in (Session, RateLimit, IdempotentReply, PasswordReset):
        key = tuple(model.__table__.primary_key)
        expired = select(*key).where(model.expires_at <= now).with_for_update(skip_locked=True)
        counts[model.__tablename__] = connection.execute(delete(model).where(tuple_(*key).in_(expired))).rowcount
    return counts


class ReplyRepository:
    """The reply kept for one user's, route's and key's POST. Never commits."""

    def __init__(self, connection: Connection, user_id: str, route: str, key: str) -> None:
        self._connection = connection
        self._keys = {"user_id": user_id, "route": route, "key": key}

    def find(self, arrived: datetime, now: datetime) -> RowMapping | None:
        """What was answered and to which body, unless that is too long ago; else one is alone with the key from now on.

        Raises Conflict when somebody else is at work under it. On SQLite, which has one writer at a time, they have
        finished by now: a reply from between the request's arrival and now was then in the making.
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

    def keep(self, body_hash: str, status: int, reply: str, now: datetime) -> None:
        """Store the answer, in the place of one that has expired."""
        self._connection.execute(delete(IdempotentReply).filter_by(**self._keys))
        values = {"body_hash": body_hash, "status": status, "reply": reply, "expires_at": now + REPLY_LIFETIME}
        self._connection.execute(insert(IdempotentReply).values(**self._keys, **values))

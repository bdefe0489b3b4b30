"""The SQL of replies: the stored responses to requests with an Idempotency-Key."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from interviews_api.accounts.errors import RequestStillRunning
from interviews_api.accounts.models import IdempotentReply

REPLY_LIFETIME = timedelta(hours=24)


class ReplyRepository:
    """The stored response to one user's POST to one route under one idempotency key. Never commits."""

    def __init__(self, connection: Connection, user_id: str, route: str, key: str) -> None:
        self._connection = connection
        self._keys = {"user_id": user_id, "route": route, "key": key}

    def find(self, arrived: datetime, now: datetime) -> RowMapping | None:
        """Return the stored response and body hash, or lock the key until the commit and return None.

        Raises RequestStillRunning if another request holds the key. On SQLite the other request has already finished.
        If its response is younger than this request's arrival, the two overlapped, so raise as well.
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

    def save(self, body_hash: str, *, status: int, reply: str, error_code: str | None, now: datetime) -> None:
        """Store the response; it replaces an expired one."""
        self._connection.execute(delete(IdempotentReply).filter_by(**self._keys))
        values = {
            "body_hash": body_hash,
            "status": status,
            "reply": reply,
            "error_code": error_code,
            "expires_at": now + REPLY_LIFETIME,
        }
        self._connection.execute(insert(IdempotentReply).values(**self._keys, **values))

"""The SQL of rate limits: the recent attempts under each key."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update

from interviews_api.accounts.models import RateLimit
from interviews_api.db.upsert import dialect_insert

Attempts = list[tuple[int, str]]
"""Attempts, oldest first: the time of each in Unix milliseconds, and its label."""


class RateLimitRepository:
    """Recent attempts under rate limits. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, key: str, expires_at: datetime) -> Attempts:
        """Return the stored attempts of the key and lock the row until the commit."""
        return self.lock_all([key], expires_at)[key]

    def lock_all(self, keys: Iterable[str], expires_at: datetime) -> dict[str, Attempts]:
        """Return the stored attempts by key, and lock the rows, in this order, until the commit; one key at least."""
        statement = dialect_insert(self._connection, RateLimit)
        upsert = statement.on_conflict_do_update(index_elements=["key"], set_={"key": statement.excluded.key})
        rows = [{"key": key, "attempts": [], "expires_at": expires_at} for key in keys]
        stored = self._connection.execute(upsert.returning(RateLimit.key, RateLimit.attempts), rows)
        return {key: [(time, label) for time, label in attempts] for key, attempts in stored}

    def save(self, key: str, attempts: Attempts, now: datetime, seconds: int) -> None:
        """Replace the attempts of the key, which expire after so many seconds."""
        values = {"attempts": attempts, "expires_at": now + timedelta(seconds=seconds)}
        self._connection.execute(update(RateLimit).where(RateLimit.key == key).values(values))

    def save_all(self, rows: Mapping[str, Attempts], now: datetime, seconds: int) -> None:
        """Replace the attempts by key, which expire after so many seconds; one key at least."""
        statement = update(RateLimit).where(RateLimit.key == bindparam("row_key"))
        statement = statement.values(attempts=bindparam("row_attempts"), expires_at=now + timedelta(seconds=seconds))
        values = [{"row_key": key, "row_attempts": attempts} for key, attempts in rows.items()]
        self._connection.execute(statement, values)

    def remove(self, key: str, attempt: tuple[int, str]) -> None:
        """Remove one such attempt of the key, if it has one."""
        stored = select(RateLimit.attempts).where(RateLimit.key == key).with_for_update()
        attempts = [(time, label) for time, label in self._connection.execute(stored).scalar_one_or_none() or []]
        if attempt in attempts:
            attempts.remove(attempt)
            self._connection.execute(update(RateLimit).where(RateLimit.key == key).values(attempts=attempts))

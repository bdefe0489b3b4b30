"""The SQL of rate limits: the recent attempts under each key."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

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
        statement = dialect_insert(self._connection, RateLimit).values(key=key, attempts=[], expires_at=expires_at)
        upsert = statement.on_conflict_do_update(index_elements=["key"], set_={"key": key}).returning(
            RateLimit.attempts
        )
        return [(time, label) for time, label in self._connection.execute(upsert).scalar_one()]

    def save(self, key: str, attempts: Attempts, now: datetime, seconds: int) -> None:
        """Replace the attempts of the key, which expire after so many seconds."""
        values = {"attempts": attempts, "expires_at": now + timedelta(seconds=seconds)}
        self._connection.execute(update(RateLimit).where(RateLimit.key == key).values(values))

    def remove(self, key: str, attempt: tuple[int, str]) -> None:
        """Remove one such attempt of the key, if it has one."""
        stored = select(RateLimit.attempts).where(RateLimit.key == key).with_for_update()
        attempts = [(time, label) for time, label in self._connection.execute(stored).scalar_one_or_none() or []]
        if attempt in attempts:
            attempts.remove(attempt)
            self._connection.execute(update(RateLimit).where(RateLimit.key == key).values(attempts=attempts))

"""The SQL of rate limits: the recent attempts under each key."""

from datetime import datetime

from sqlalchemy import Connection, update

from interviews_api.accounts.models import RateLimit
from interviews_api.db.upsert import dialect_insert


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

"""The SQL of the purge: the removal of expired rows, and the claim of the day's purge."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, delete, or_, select, tuple_

from interviews_api.accounts.models import PurgeSchedule
from interviews_api.db.types import Base
from interviews_api.db.upsert import dialect_insert

_ROW_ID = 1
_INTERVAL = timedelta(days=1)
_FAR = 2 * _INTERVAL  # so far ahead only a clock that was wrong has written


def expiring_tables() -> list[Table]:
    """Return the tables of which a row has no use after its `expires_at`."""
    return [table for table in Base.metadata.tables.values() if "expires_at" in table.c]


class PurgeRepository:
    """Deletes expired rows, once a day over all workers. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def delete_expired(self, table: Table, now: datetime, limit: int) -> int:
        """Delete at most `limit` expired rows and return how many. Rows that a request has locked are skipped."""
        key = tuple(table.primary_key)
        expired = select(*key).where(table.c.expires_at <= now).order_by(table.c.expires_at).limit(limit)
        statement = delete(table).where(tuple_(*key).in_(expired.with_for_update(skip_locked=True)))
        return self._connection.execute(statement).rowcount

    def is_due(self, now: datetime) -> bool:
        """Return whether no worker has purged for a day."""
        is_later = PurgeSchedule.due_at.between(now, now + _FAR)
        return self._connection.execute(select(PurgeSchedule.id).where(is_later)).first() is None

    def claim(self, now: datetime) -> bool:
        """Record that a worker purges now; return False if another worker did meanwhile."""
        row = dialect_insert(self._connection, PurgeSchedule).values(id=_ROW_ID, due_at=now + _INTERVAL)
        is_over = or_(PurgeSchedule.due_at < now, PurgeSchedule.due_at > now + _FAR)
        upsert = row.on_conflict_do_update(index_elements=["id"], set_={"due_at": row.excluded.due_at}, where=is_over)
        return self._connection.execute(upsert.returning(PurgeSchedule.id)).first() is not None

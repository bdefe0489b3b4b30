"""The purge of expired rows by `flask worker`, once a day over all workers of a database."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from interviews_api.accounts.purge import purge_batches
from interviews_api.accounts.purge_repository import PurgeRepository
from interviews_api.db.connections import read_connection, transaction

_CHECK_INTERVAL = timedelta(minutes=1)


class DailyPurge:
    """Deletes a batch at each turn of the worker's loop, so that deliveries go on meanwhile.

    A worker that ends during its purge leaves the rest to the next day.
    """

    def __init__(self) -> None:
        self._batches: Iterator[tuple[str, int]] = iter(())
        self._checked_at: datetime | None = None

    def work(self, present: datetime) -> bool:
        """Delete at most one batch, if the purge is due; return whether a batch was deleted. `present` is in UTC."""
        if self._checked_at is None or abs(present - self._checked_at) >= _CHECK_INTERVAL:
            self._checked_at = present
            if _claim(present):
                self._batches = purge_batches(present)
        return next(self._batches, None) is not None


def _claim(present: datetime) -> bool:
    with read_connection() as connection:
        if not PurgeRepository(connection).is_due(present):
            return False
    with transaction() as connection:
        return PurgeRepository(connection).claim(present)

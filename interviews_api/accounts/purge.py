"""The purge: expired rows are deleted in small transactions, so that no request waits for long."""

import time
from collections.abc import Iterator
from datetime import datetime

from interviews_api.accounts.purge_repository import PurgeRepository, expiring_tables
from interviews_api.db.connections import transaction

BATCH_SIZE = 1000
_PAUSE_SECONDS = 0.05


def pause_after(count: int) -> None:
    """Pause after a batch of so many rows if it was full.

    SQLite has one writer, and a request that waits for its turn tries again at intervals.
    """
    if count == BATCH_SIZE:
        time.sleep(_PAUSE_SECONDS)


def purge_batches(present: datetime) -> Iterator[tuple[str, int]]:
    """Delete the rows that have expired by then (UTC); yield the table and the number after each commit.

    Pauses before the batch that follows a full one.
    """
    for table in expiring_tables():
        count = BATCH_SIZE
        while count == BATCH_SIZE:
            with transaction() as connection:
                count = PurgeRepository(connection).delete_expired(table, present, BATCH_SIZE)
            yield table.name, count
            pause_after(count)

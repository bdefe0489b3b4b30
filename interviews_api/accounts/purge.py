"""The purge: expired rows are deleted in small transactions, so that no request waits for long."""

from collections.abc import Iterator
from datetime import datetime

from interviews_api.accounts.purge_repository import PurgeRepository, expiring_tables
from interviews_api.db.connections import transaction

BATCH_SIZE = 1000
PAUSE_SECONDS = 0.05
"""Pause after a full batch: SQLite has one writer, and a request that waits for its turn tries again at intervals."""


def purge_batches(present: datetime) -> Iterator[tuple[str, int]]:
    """Delete the rows that have expired by then (UTC); yield the table and the number after each commit."""
    for table in expiring_tables():
        count = BATCH_SIZE
        while count == BATCH_SIZE:
            with transaction() as connection:
                count = PurgeRepository(connection).delete_expired(table, present, BATCH_SIZE)
            yield table.name, count

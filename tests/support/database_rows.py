"""Rows of the tests' database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, select

from interviews_api import models
from interviews_api.db.connections import Database
from interviews_api.interviews.models import Interview
from interviews_api.notifications.models import PushSubscription


def subscriptions(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(PushSubscription.endpoint).order_by(PushSubscription.id)).scalars())


def stored(database: Database) -> list[Any]:
    columns = (Interview.status, Interview.confirmed_at, Interview.revision)
    with database.reads.connection() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(Interview.id))]


def everything(database: Database) -> dict[str, Any]:
    with database.reads.connection() as connection:
        return {
            table.name: connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in models.metadata.sorted_tables
        }


def everything_but_imports(database: Database) -> dict[str, list[Any]]:
    """Return the rows of each table but the one that counts imports."""
    with database.reads.connection() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in models.metadata.sorted_tables
            if table.name != "imports"
        }


@contextmanager
def hold_write_lock(database: Database) -> Iterator[Connection]:
    """Yield a connection in a transaction: all writers wait for it on SQLite, writers of its rows on Postgres."""
    with database.engine.begin() as connection:
        yield connection

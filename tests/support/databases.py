"""Databases of the tests: created, migrated, emptied and dropped."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from flask import Flask
from sqlalchemy import exists, literal_column, select, text, union_all

from interviews_api import models
from interviews_api.db.connections import transaction
from tests.support.postgres import create_database, drop_database, shared_url
from tests.support.settings import ROOT

_FILLED = union_all(
    *(select(literal_column(f"'{table.name}'")).where(exists(select(table))) for table in models.metadata.sorted_tables)
)
"""Reads the names of the tables with rows."""


def alembic_config(url: str) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    return config


@contextmanager
def fresh_database(backend: str, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database of this backend."""
    if backend == "sqlite":
        yield f"sqlite:///{folder / 'test.sqlite3'}"
        return
    admin_url = shared_url()
    name = f"interviews_test_{secrets.token_hex(6)}"
    yield create_database(admin_url, name, "template0")
    drop_database(admin_url, name)


@contextmanager
def migrated_database(backend: str, folder: Path) -> Iterator[str]:
    """Yield the URL of a database of this backend with all tables, and without rows."""
    with fresh_database(backend, folder) as url:
        command.upgrade(alembic_config(url), "head")
        yield url


def empty(app: Flask) -> None:
    """Delete every row of every table.

    On Postgres a DELETE checks references by plans that may be older than the rows, which can take seconds. So it drops
    the plans and raises statement_timeout. lock_timeout stays: a transaction that a test left open fails the test.
    """
    with app.app_context(), transaction() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("DISCARD PLANS"))
            connection.execute(text("SET LOCAL statement_timeout = '60s'"))
        filled = set(connection.execute(_FILLED).scalars())
        for table in reversed(models.metadata.sorted_tables):
            if table.name in filled:
                connection.execute(table.delete())

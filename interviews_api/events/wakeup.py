"""Commit listeners: LISTEN on Postgres, polling of the change counter on SQLite.

A wake-up carries no data, so the woken thread reads the event log. Wake-ups may come too often, and a lost connection
may lose them; the thread therefore reads the log at intervals anyway.
"""

import time
from contextlib import suppress
from typing import Protocol

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.db.engines import TCP_KEEPALIVE
from interviews_api.events.log import NOTIFY_CHANNEL

_POLL_SECONDS = 0.025  # SQLite sends no notifications, and PRAGMA data_version reads one page of shared memory


class CommitListener(Protocol):
    """Waits until another connection committed something; owns a database connection."""

    def wait(self, seconds: float) -> bool:
        """Return whether there may have been a commit within that time; raises the database's own errors."""

    def close(self) -> None:
        """Close the database connection; raises the database's own errors."""


class PostgresCommitListener:
    """Commit listener that waits for the NOTIFY of each event."""

    def __init__(self, engine: Engine) -> None:
        arguments = engine.dialect.create_connect_args(engine.url)[1]
        self._connection = psycopg.connect(**arguments, connect_timeout=3, autocommit=True, **TCP_KEEPALIVE)
        self._connection.execute(f"LISTEN {NOTIFY_CHANNEL}")

    def wait(self, seconds: float) -> bool:
        """Return whether a notification arrived within that time."""
        return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))

    def close(self) -> None:
        """Close the database connection, which ends LISTEN."""
        self._connection.close()


class SqliteCommitListener:
    """Commit listener that polls data_version, which changes when any other connection commits."""

    def __init__(self, engine: Engine) -> None:
        self._connection: Connection = engine.connect()
        self._connection.detach()  # held for long, so it must not count against the pool's few connections
        self._last_version = self._data_version()

    def wait(self, seconds: float) -> bool:
        """Return whether data_version changed within that time."""
        deadline = time.monotonic() + seconds
        while (version := self._data_version()) == self._last_version:
            if (remaining := deadline - time.monotonic()) <= 0:
                return False
            time.sleep(min(_POLL_SECONDS, remaining))
        self._last_version = version
        return True

    def close(self) -> None:
        """Close the database connection that was polled."""
        self._connection.close()

    def _data_version(self) -> int:
        cursor = self._connection.connection.cursor()
        return int(cursor.execute("PRAGMA data_version").fetchone()[0])


def listen_for_commits(engine: Engine) -> CommitListener:
    """Return a new commit listener for the engine's database; raises the database's own errors."""
    return PostgresCommitListener(engine) if engine.dialect.name == "postgresql" else SqliteCommitListener(engine)


def close_quietly(listener: CommitListener | None) -> None:
    """Close the listener if there is one; ignore the database's errors, because it may be away."""
    if listener is not None:
        with suppress(SQLAlchemyError, psycopg.Error):
            listener.close()

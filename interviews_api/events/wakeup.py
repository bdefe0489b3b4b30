"""Waiting until something may have happened: LISTEN on Postgres, a look at SQLite's change counter elsewhere.

A signal only wakes: who is woken reads the log. Signals may come too often, and may get lost with a connection; so
whoever waits looks at the log after a while anyway.
"""

import time
from typing import Protocol

import psycopg
from sqlalchemy import Connection, Engine

from interviews_api.db.connections import TCP_KEEPALIVE
from interviews_api.events.log import EVENTS_CHANNEL

_LOOK_EVERY = 0.025  # seconds; SQLite says nothing by itself, and PRAGMA data_version reads one page of shared memory


class CommitListener(Protocol):
    """Tells that something was committed by somebody else."""

    def wait(self, seconds: float) -> bool:
        """Whether something may have happened within that time. Raises the database's own errors when it is away."""

    def close(self) -> None:
        """Give the connection back."""


class PostgresCommitListener:
    """A connection of its own that listens."""

    def __init__(self, engine: Engine) -> None:
        arguments = engine.dialect.create_connect_args(engine.url)[1]
        self._connection = psycopg.connect(**arguments, connect_timeout=3, autocommit=True, **TCP_KEEPALIVE)
        self._connection.execute(f"LISTEN {EVENTS_CHANNEL}")

    def wait(self, seconds: float) -> bool:
        """See `Signal`."""
        return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))

    def close(self) -> None:
        """See `Signal`."""
        self._connection.close()


class SqliteCommitListener:
    """A connection of its own: its data_version changes when any other connection commits."""

    def __init__(self, engine: Engine) -> None:
        self._connection: Connection = engine.connect()
        self._connection.detach()  # not one of the pool's few
        self._seen = self._version()

    def wait(self, seconds: float) -> bool:
        """See `Signal`."""
        deadline = time.monotonic() + seconds
        while (version := self._version()) == self._seen:
            if (left := deadline - time.monotonic()) <= 0:
                return False
            time.sleep(min(_LOOK_EVERY, left))
        self._seen = version
        return True

    def close(self) -> None:
        """See `Signal`."""
        self._connection.close()

    def _version(self) -> int:
        cursor = self._connection.connection.cursor()
        return int(cursor.execute("PRAGMA data_version").fetchone()[0])


def listen_for_commits(engine: Engine) -> CommitListener:
    """The one for this database; raises the database's own errors when it is away."""
    return PostgresCommitListener(engine) if engine.dialect.name == "postgresql" else SqliteCommitListener(engine)

"""The two ways to a connection: `read_connection()` for statements that need no common snapshot, and `transaction()`.

Code with SQL is given a connection and never commits; other code opens it.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, inspect, text

from interviews_api.db.engines import WITHOUT_TRANSACTION, make_engine
from interviews_api.db.read_pool import ReadPool
from interviews_api.services import service

SCHEMA_REVISION = "0018"
"""The Alembic revision that this code works with. `/health/ready` compares it; a test holds it to the newest one."""

_open: ContextVar[Connection | None] = ContextVar("open_transaction", default=None)


class Database:
    """An engine for transactions, and a read pool: open connections in autocommit.

    `engine` begins transactions with BEGIN IMMEDIATE on SQLite, where a plain BEGIN loses updates or fails, and in READ
    COMMITTED on Postgres. `reads` serves reads, and transitions that are one statement. It sends no BEGIN: a single
    statement sees one snapshot anyway.
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.engine = make_engine(url, 2 * pool_size)  # one half for transactions, one for the read pool
        self.reads = ReadPool(self.engine.execution_options(**{WITHOUT_TRANSACTION: True}), pool_size)

    def dispose(self) -> None:
        """Close the connections that no thread uses."""
        self.reads.close_idle()
        self.engine.dispose()


def read_connection() -> AbstractContextManager[Connection]:
    """Open a connection for statements that need no common snapshot, with no transaction around them.

    Within a transaction it is the connection of that transaction.
    """
    outer = _open.get()
    return service(Database).reads.connection() if outer is None else nullcontext(outer)


@contextmanager
def transaction(*, no_timeouts: bool = False, single_statement: bool = False) -> Iterator[Connection]:
    """Open a transaction: its changes commit together at the end, or not at all when an error leaves the block.

    Within another transaction it is a savepoint of that one, which decides about the commit.
    `no_timeouts` lifts Postgres's time limits: for bulk loads, never for a request.
    `single_statement` promises that one prepared statement makes the whole change on Postgres. There it opens no
    transaction: the statement commits by itself, without the round trips of BEGIN and COMMIT (ADR 23), and an inner
    `read_connection()` or `transaction()` has another connection. On SQLite it changes nothing.
    """
    if (outer := _open.get()) is not None:
        with outer.begin_nested():
            yield outer
        return
    database = service(Database)
    if single_statement and database.engine.dialect.name == "postgresql":
        with database.reads.connection() as connection:
            yield connection
        return
    with database.engine.begin() as connection:
        if no_timeouts and connection.dialect.name == "postgresql":
            lift_time_limits(connection)
        token = _open.set(connection)
        try:
            yield connection
        finally:
            _open.reset(token)


def lift_time_limits(connection: Connection) -> None:
    """Let the rest of a Postgres transaction take its time: for bulk loads and migrations."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    driver: Any = connection.connection.driver_connection
    driver.silence_timeout = None


def is_migrated() -> bool:
    """Return whether the database has exactly the tables that this code works with."""
    with read_connection() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [SCHEMA_REVISION]

"""The database: one engine per process, and how a connection of it is had: `reading`, `pooled`, `transaction`.

Handlers, commands and the worker open these; repositories are handed the connection and never commit.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import psycopg
from flask import current_app
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection

from interviews_api.config import SettingsError
from interviews_api.db.statement_pool import Pooled, Standby

SCHEMA_REVISION = "0004"
"""The Alembic revision this code works with; `/health/ready` compares it, a test holds it to the head."""

# Milliseconds. The last is for a writer that froze or lost its network before COMMIT: what it locked is others' too.
_POSTGRES_LIMITS = (
    "-c timezone=UTC -c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=5000"
)
SERVER_SILENCE_TIMEOUT = 10.0  # seconds; longer than Postgres itself takes to end a statement by its own limits
STALE_PLAN_ERRORS = (FeatureNotSupported, InvalidSqlStatementName)
"""What Postgres says to a prepared statement that a changed table or another server no longer knows."""
TCP_KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_WITHOUT_TRANSACTION = "without_transaction"
_open: ContextVar[Connection | None] = ContextVar("open_transaction", default=None)


class Database:
    """An engine whose transactions begin the way each database needs it, and a second face for single statements.

    `engine`: BEGIN IMMEDIATE on SQLite (a plain BEGIN loses updates or fails), READ COMMITTED on Postgres.
    `reader`: no transaction around a statement; what the statement sees is one snapshot anyway.
    `standby`: the driver's connections for prepared statements, which `prepared.py` runs.
    The drivers commit by themselves (autocommit) where no BEGIN was sent.
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.engine = _create_engine(url, 2 * pool_size)  # one half stands by
        self.standby = Standby(self.engine, pool_size)
        self.reader = self.engine.execution_options(**{_WITHOUT_TRANSACTION: True})

    def dispose(self) -> None:
        """Close the connections that nobody uses."""
        self.standby.let_go()
        self.engine.dispose()


class _Connection(psycopg.Connection[Any]):
    """psycopg's, but it gives up on a server that is there and does not answer: stopped, or out of memory."""

    silence_timeout: float | None = SERVER_SILENCE_TIMEOUT

    @property
    def in_transaction(self) -> bool:
        """Whether something began that did not end; the name that sqlite3 has for it."""
        return self.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Raises OperationalError when the answer takes longer than `patience`."""
        try:
            return super().wait(gen, interval, self.silence_timeout if timeout is None else timeout)
        except psycopg.Error as error:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # the answer that is still to come must not become the next statement's
            elif isinstance(error, STALE_PLAN_ERRORS):
                self.close()  # what it prepared is of tables that have changed, and would be refused for ever
            if error.diag.message_detail is not None:  # it quotes the whole row, and errors go to the log
                error.args = (error.diag.message_primary,)
            raise


def lift_time_limits(connection: Connection) -> None:
    """For the rest of a transaction on Postgres: what it does may take its time. For bulk loads and migrations."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    driver: Any = connection.connection.driver_connection
    driver.silence_timeout = None


def _create_engine(url: str, pool_size: int) -> Engine:
    parsed = make_url(url)
    common: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": 3}
    common["pool_reset_on_return"] = None  # costs a fifth of a short statement; `_end_what_is_left` looks first
    common["hide_parameters"] = True  # errors go to the log; hashes of passwords and addresses do not
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={
                "connect_timeout": 3,
                "options": _POSTGRES_LIMITS,
                "application_name": "interviews-api",
                **TCP_KEEPALIVE,
            },
            **common,
        )
        event.listen(engine, "do_connect", lambda _dialect, _record, args, named: _Connection.connect(*args, **named))
        event.listen(engine, "connect", _prepare_postgres)
        event.listen(engine, "begin", _begin_postgres)
        event.listen(engine, "reset", _restore_silence_timeout)
        event.listen(engine, "reset", _roll_back_leftovers)
        return engine
    try:
        Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL
        raise SettingsError(f"the folder of DATABASE_URL cannot be made: {error}") from None
    engine = create_engine(parsed, **common)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "reset", _roll_back_leftovers)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # pysqlite's own BEGINs lose updates
    cursor = connection.cursor()
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_postgres(connection: Any, _record: object) -> None:
    connection.autocommit = True
    connection.silence_timeout = SERVER_SILENCE_TIMEOUT


def _begin_postgres(connection: Connection) -> None:
    if _WITHOUT_TRANSACTION not in connection.get_execution_options():
        connection.exec_driver_sql("BEGIN")


def _begin_sqlite(connection: Connection) -> None:
    if _WITHOUT_TRANSACTION not in connection.get_execution_options():
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _restore_silence_timeout(driver: Any, _record: object, _state: object) -> None:
    driver.silence_timeout = SERVER_SILENCE_TIMEOUT


def _roll_back_leftovers(driver: Any, _record: object, _state: object) -> None:
    """A COMMIT that failed has left a transaction behind, and its locks."""
    if driver.in_transaction:
        driver.rollback()


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database


def is_migrated() -> bool:
    """Whether the database has exactly the tables that this code works with."""
    with read_connection() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [SCHEMA_REVISION]


@contextmanager
def read_connection() -> Iterator[Connection]:
    """A connection for single statements that only read, with no transaction around them.

    Within a transaction it is that transaction's.
    """
    if (outer := _open.get()) is not None:
        yield outer
        return
    with _database().reader.connect() as connection:
        yield connection


def pooled() -> AbstractContextManager[Connection | Pooled]:
    """As `reading`, for prepared statements alone (`prepared.py`): without SQLAlchemy's Connection around the driver's.

    That one and the way through the pool cost more than a short statement.
    """
    outer = _open.get()
    return _database().standby.connection() if outer is None else nullcontext(outer)


def single_change(*, begins: bool) -> AbstractContextManager[Connection | Pooled]:
    """For a change that is one statement on Postgres: there it commits by itself, and no transaction is begun.

    On SQLite it may be several, and a transaction holds them; `begins` asks for one in any case.
    """
    is_single = not begins and _open.get() is None and _database().engine.dialect.name == "postgresql"
    return pooled() if is_single else transaction()


@contextmanager
def transaction(*, no_timeouts: bool = False) -> Iterator[Connection]:
    """A connection whose changes commit together at the end, or not at all when an error leaves the block.

    Within another transaction it is a savepoint of that one: what commits is decided outside.
    `unhurried` lifts Postgres's time limits within it: for bulk loads, never for a request.
    """
    if (outer := _open.get()) is not None:
        with outer.begin_nested():
            yield outer
        return
    with _database().engine.begin() as connection:
        if no_timeouts and connection.dialect.name == "postgresql":
            lift_time_limits(connection)
        token = _open.set(connection)
        try:
            yield connection
        finally:
            _open.reset(token)

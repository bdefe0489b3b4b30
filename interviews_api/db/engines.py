"""The engine of each database, and how its transactions begin and its connections are set up."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

from interviews_api.config import SettingsError
from interviews_api.db.psycopg_connection import SERVER_SILENCE_TIMEOUT, SilenceLimitedConnection

TCP_KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""libpq's settings that end a connection to a host that has vanished: seconds, and milliseconds for the last."""

WITHOUT_TRANSACTION = "without_transaction"
"""An execution option: no BEGIN is sent, and the driver commits each statement by itself."""

# Milliseconds. idle_in_transaction_session_timeout ends a writer that froze before COMMIT and blocks others.
_POSTGRES_LIMITS = (
    "-c timezone=UTC -c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=5000"
)


def make_engine(url: str, pool_size: int) -> Engine:
    """Return the engine of the database; raises SettingsError when the folder of a SQLite file cannot be made."""
    parsed = make_url(url)
    options: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": 3,  # seconds
        # A reset costs a fifth of a short statement; `_roll_back_leftovers` rolls back only an open transaction.
        "pool_reset_on_return": None,
        "hide_parameters": True,  # errors go to the log, which must not hold password hashes and addresses
    }
    if parsed.get_backend_name() == "postgresql":
        return _postgres_engine(parsed, options)
    return _sqlite_engine(parsed, options)


def _postgres_engine(url: URL, options: dict[str, Any]) -> Engine:
    arguments = {"connect_timeout": 3, "options": _POSTGRES_LIMITS, "application_name": "interviews-api"}
    url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url, connect_args=arguments | TCP_KEEPALIVE, **options)
    event.listen(engine, "do_connect", _connect_postgres)
    event.listen(engine, "connect", _prepare_postgres)
    event.listen(engine, "begin", _begin_postgres)
    event.listen(engine, "reset", _restore_silence_timeout)
    event.listen(engine, "reset", _roll_back_leftovers)
    return engine


def _sqlite_engine(url: URL, options: dict[str, Any]) -> Engine:
    try:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL
        raise SettingsError(f"the folder of DATABASE_URL cannot be made: {error}") from None
    engine = create_engine(url, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "reset", _roll_back_leftovers)
    return engine


def _connect_postgres(_dialect: object, _record: object, arguments: Any, named: Any) -> SilenceLimitedConnection:
    return SilenceLimitedConnection.connect(*arguments, **named)


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
    if WITHOUT_TRANSACTION not in connection.get_execution_options():
        connection.exec_driver_sql("BEGIN")


def _begin_sqlite(connection: Connection) -> None:
    if WITHOUT_TRANSACTION not in connection.get_execution_options():
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _restore_silence_timeout(driver: Any, _record: object, _state: object) -> None:
    driver.silence_timeout = SERVER_SILENCE_TIMEOUT


def _roll_back_leftovers(driver: Any, _record: object, _state: object) -> None:
    """Roll back a transaction that a failed COMMIT left open."""
    if driver.in_transaction:
        driver.rollback()

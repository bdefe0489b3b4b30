"""Connections that stand by for single statements (ADR 18): the way through the pool costs each a tenth more."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Dialect, Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from interviews_api.db.pg_cursor import PreparedCursor
from interviews_api.errors import ApiError

CHECKOUT_TIMEOUT = 3.0  # seconds


class Pooled(NamedTuple):
    """A connection of the driver's, out of the engine's pool, and what runs prepared statements on it."""

    connection: PoolProxiedConnection
    engine: Engine
    cursor: Any


class Standby:
    """So many connections of the engine's, made when they are first needed, each for one thread at a time."""

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[Pooled | None] = queue.SimpleQueue()
        for _ in range(size):
            self._waiting.put(None)

    @contextmanager
    def connection(self) -> Iterator[Pooled]:
        """One of them, with no transaction open. Raises what SQLAlchemy raises, also when all are taken for too long.

        After any error but a refusal (ApiError) it is closed, and another one made when it is needed.
        """
        try:
            taken = self._waiting.get(timeout=CHECKOUT_TIMEOUT)
        except queue.Empty:
            raise PoolTimeout("all connections are in use") from None
        try:
            if taken is None:
                taken = self._connect()
            yield taken
        except ApiError:
            raise
        except BaseException as error:
            if taken is not None and taken.connection.is_valid:
                taken.connection.invalidate()
            taken = None
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                self.let_go()  # they are as dead
            raise
        finally:
            self._waiting.put(taken)

    def let_go(self) -> None:
        """Give those that nobody uses back to the pool."""
        for _ in range(self._waiting.qsize()):
            with suppress(queue.Empty):
                if (one := self._waiting.get_nowait()) is not None:
                    one.connection.close()
                self._waiting.put(None)

    def _connect(self) -> Pooled:
        try:
            connection = self._engine.raw_connection()
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise in_sqlalchemys_words(error, self._engine.dialect) from error
        driver: Any = connection.driver_connection
        cursor = PreparedCursor(driver) if isinstance(driver, psycopg.Connection) else driver.cursor()
        return Pooled(connection, self._engine, cursor)


def in_sqlalchemys_words(error: Any, dialect: Dialect, sql: str | None = None, *, is_dead: bool = False) -> Exception:
    """What SQLAlchemy raises for the driver's error; of a connection that `is_dead` it says so."""
    base = dialect.loaded_dbapi.Error
    raised: Exception = DBAPIError.instance(
        sql, None, error, base, hide_parameters=True, connection_invalidated=is_dead, dialect=dialect
    )
    return raised

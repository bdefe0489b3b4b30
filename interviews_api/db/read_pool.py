"""The read pool: open connections in autocommit, for reads and for transitions that are one statement.

SQLAlchemy's pool resets a connection at each check-in and wraps it anew at each checkout, which costs more than a short
statement. These connections stay checked out, and are lent to a thread at a time (ADR 21).
"""

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from interviews_api.errors import ApiError

CHECKOUT_TIMEOUT = 3.0  # seconds


class ReadPool:
    """Up to `size` connections of the engine, each opened when it is first needed."""

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine = engine
        self._idle: queue.SimpleQueue[Connection | None] = queue.SimpleQueue()
        for _ in range(size):
            self._idle.put(None)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection; raises SQLAlchemy's TimeoutError when all are in use for too long.

        An error other than a refusal (ApiError) closes it. The next use of its place opens another.
        """
        try:
            connection = self._idle.get(timeout=CHECKOUT_TIMEOUT)
        except queue.Empty:
            raise PoolTimeout("all connections are in use") from None
        try:
            if connection is None:
                connection = self._engine.connect()
            try:
                yield connection
            finally:
                if connection.in_transaction():
                    connection.rollback()  # ends only SQLAlchemy's bookkeeping; no BEGIN was sent
        except ApiError:
            raise
        except BaseException as error:
            broken, connection = connection, None
            if broken is not None:
                _discard(broken)
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                self._discard_idle()  # a dead connection usually means that the server restarted
            raise
        finally:
            self._idle.put(connection)

    def close_idle(self) -> None:
        """Give idle connections back to the engine's pool."""
        self._replace_idle(Connection.close)

    def _discard_idle(self) -> None:
        self._replace_idle(_discard)

    def _replace_idle(self, close: Callable[[Connection], None]) -> None:
        """Close each idle connection, and leave its place for a new one."""
        for _ in range(self._idle.qsize()):
            with suppress(queue.Empty):
                connection = self._idle.get_nowait()
                self._idle.put(None)
                if connection is not None:
                    close(connection)


def _discard(connection: Connection) -> None:
    """Close the connection together with the driver's, whose state is unknown."""
    connection.invalidate()
    connection.close()

"""Statements of the hot paths: compiled once for each database and run without SQLAlchemy's execution (ADR 0018).

SQLAlchemy's execution costs three times what the driver's does; its pool, its types and its errors are kept.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import RawCursor
from sqlalchemy import Connection, Dialect, Engine, PoolProxiedConnection, Select, UpdateBase
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from interviews_api.db.statement_pool import Pooled, in_sqlalchemys_words

Statement = Select[*tuple[Any, ...]] | UpdateBase
Row = dict[str, Any]


class Prepared:
    """A statement that is always the same but for its parameters."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection | Pooled, values: Mapping[str, Any]) -> list[Row]:
        """Each row by the names of its columns. Raises what SQLAlchemy raises."""
        dialect = connection.engine.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self.statement, dialect)
        return compiled.rows(connection, compiled.parameters(values))


class _Compiled:
    """The statement in one database's SQL, and what turns values into its own and back.

    Parameters are written as each server itself has them, `?` or `$1`.
    """

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        is_postgres = dialect.name == "postgresql"
        native: Dialect = PGDialect_psycopg(paramstyle="numeric_dollar") if is_postgres else dialect  # type: ignore[no-untyped-call]
        compiled = statement.compile(dialect=native)
        self._sql = str(compiled)
        self._query = self._sql.encode() if is_postgres else self._sql
        self._defaults = dict(compiled.params)
        self._order = compiled.positiontup or ()
        processors = {
            name: one.type.dialect_impl(dialect).bind_processor(dialect) for name, one in compiled.binds.items()
        }
        self._bind = {name: process for name, process in processors.items() if process}
        columns = statement.exported_columns
        self._names = [str(column.key) for column in columns]
        found = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._results = [(name, process) for name, process in zip(self._names, found, strict=True) if process]

    def parameters(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """As the driver takes them, in order."""
        named = {**self._defaults, **values}
        for name, process in self._bind.items():
            named[name] = process(named[name])
        return tuple([named[name] for name in self._order])

    def rows(self, connection: Connection | Pooled, parameters: tuple[Any, ...]) -> list[Row]:
        """Run it."""
        engine, proxied = connection.engine, connection.connection
        cursor = connection.cursor if isinstance(connection, Pooled) else _cursor(proxied)
        try:
            for listener in engine.dispatch.before_cursor_execute:
                listener(connection, cursor, self._sql, parameters, None, False)
            cursor.execute(self._query, parameters)
            found = cursor.fetchall() if self._names else []
        except engine.dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy_would(engine, proxied, error, self._sql) from error
        names = self._names
        rows = [dict(zip(names, row, strict=False)) for row in found]
        for name, process in self._results:
            for row in rows:
                row[name] = process(row[name])
        return rows


def _cursor(proxied: PoolProxiedConnection) -> Any:
    """The driver's, for a transaction: psycopg prepares what it runs often by itself."""
    driver: Any = proxied.driver_connection
    return RawCursor(driver) if isinstance(driver, psycopg.Connection) else driver.cursor()


def _as_sqlalchemy_would(engine: Engine, proxied: PoolProxiedConnection, error: Any, sql: str) -> Exception:
    """Its word for the driver's error; where that means that the connection is dead, so are all that are as old."""
    is_dead = engine.dialect.is_disconnect(error, proxied, None)
    if is_dead:
        engine.pool._invalidate(proxied, error)
    return in_sqlalchemys_words(error, engine.dialect, sql, is_dead=is_dead)

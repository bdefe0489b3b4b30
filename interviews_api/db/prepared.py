"""Statements that are compiled once for each database and run on the driver's own cursor (ADR 20).

SQLAlchemy's execution of a statement costs three times the driver's. Its pool, its types and its errors are kept.

This file holds all that we use of SQLAlchemy's and psycopg's interface for dialects, written for SQLAlchemy 2.1 and
psycopg 3.3: `PGDialect_psycopg(paramstyle=...)`, `SQLCompiler.positiontup` and `.binds`, `TypeEngine.dialect_impl`
with its processors, `Dialect.is_disconnect` and `.loaded_dbapi`, `DBAPIError.instance` and `psycopg.RawCursor`.
tests/db/test_internals.py names the missing part when one of these changes.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import RawCursor
from sqlalchemy import Connection, Dialect, Select, UpdateBase
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError

Statement = Select[*tuple[Any, ...]] | UpdateBase
Row = dict[str, Any]

statement_hooks: list[Callable[[str, object], None]] = []
"""Called with SQL and parameters before each prepared statement: for tests that count statements or break them."""

_log = logging.getLogger(__name__)
_CURSOR = "prepared statement cursor"


class Prepared:
    """A statement that is always the same but for its parameters."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._runners: dict[str, _Compiled | _ExecutedBySqlalchemy] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """Run the statement and return each row by the names of its columns. Raises SQLAlchemy's errors."""
        dialect = connection.dialect
        runner = self._runners.get(dialect.name)
        if runner is None:
            runner = self._runners[dialect.name] = _compile(self.statement, dialect)
        return runner.rows(connection, values)


def _compile(statement: Statement, dialect: Dialect) -> "_Compiled | _ExecutedBySqlalchemy":
    """Compile the statement, or leave it to SQLAlchemy if SQLAlchemy's internals have changed."""
    try:
        return _Compiled(statement, dialect)
    except (AttributeError, TypeError):
        _log.warning("statements are executed by SQLAlchemy: its internals have changed", exc_info=True)
        return _ExecutedBySqlalchemy(statement)


class _ExecutedBySqlalchemy:
    """The statement as SQLAlchemy executes it: slower, but without private API."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """Run the statement with these values."""
        result = connection.execute(self._statement, values)
        return [dict(row) for row in result.mappings()] if result.returns_rows else []


class _Compiled:
    """The statement in the SQL of one database, and the conversions of values to it and back.

    Parameters are in the driver's own style, `?` or `$1`.
    """

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        is_postgres = dialect.name == "postgresql"
        native: Dialect = PGDialect_psycopg(paramstyle="numeric_dollar") if is_postgres else dialect  # type: ignore[no-untyped-call]
        compiled = statement.compile(dialect=native)
        self._sql = str(compiled)
        self._query = self._sql.encode() if is_postgres else self._sql
        self._defaults = dict(compiled.params)
        self._order = compiled.positiontup or ()
        binders = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()
        }
        self._bind = {name: process for name, process in binders.items() if process}
        columns = statement.exported_columns
        self._names = [str(column.key) for column in columns]
        readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._results = [(name, process) for name, process in zip(self._names, readers, strict=True) if process]

    def _parameters(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the values as the driver takes them, in order."""
        named = {**self._defaults, **values}
        for name, process in self._bind.items():
            named[name] = process(named[name])
        return tuple([named[name] for name in self._order])

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """Run the statement with these values."""
        parameters = self._parameters(values)
        for hook in statement_hooks:
            hook(self._sql, parameters)
        try:
            cursor = _cursor(connection)
            cursor.execute(self._query, parameters)
            tuples = cursor.fetchall() if self._names else []
        except connection.dialect.loaded_dbapi.Error as error:
            raise _sqlalchemy_error(connection, error, self._sql) from error
        names = self._names
        rows = [dict(zip(names, row, strict=False)) for row in tuples]
        for name, process in self._results:
            for row in rows:
                row[name] = process(row[name])
        return rows


def _cursor(connection: Connection) -> Any:
    """Return the cursor that the driver's connection keeps for prepared statements."""
    cursor = connection.info.get(_CURSOR)
    if cursor is None:
        driver: Any = connection.connection.driver_connection
        cursor = RawCursor(driver) if isinstance(driver, psycopg.Connection) else driver.cursor()
        connection.info[_CURSOR] = cursor
    return cursor


def _sqlalchemy_error(connection: Connection, error: Any, sql: str) -> Exception:
    """Return SQLAlchemy's error for the driver's; invalidate a dead connection, and all that the pool has."""
    dialect = connection.dialect
    is_dead = dialect.is_disconnect(error, connection.connection, None)
    if is_dead:
        with suppress(DBAPIError):
            connection.exec_driver_sql("SELECT 1")  # SQLAlchemy finds it dead, too, and invalidates its pool
        connection.invalidate(error)
    raised: Exception = DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error,
        hide_parameters=True, connection_invalidated=is_dead, dialect=dialect,
    )  # fmt: skip
    return raised

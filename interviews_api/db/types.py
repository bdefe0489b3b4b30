"""Base class of all tables, and the column types of instants and ids."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Dialect, MetaData, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import Label
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from interviews_api.clock import to_milliseconds


class Base(DeclarativeBase):
    """Base of all tables. Constraints get names, so that migrations can drop them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """Column of an aware UTC datetime in whole milliseconds; raises ValueError for a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; SQLite stores it without an offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return to_milliseconds(value.astimezone(UTC))

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return a function that adds UTC on SQLite; psycopg's datetimes are already aware and in UTC."""
        convert: Any = self.impl_instance.result_processor(dialect, coltype)
        if dialect.name == "postgresql":
            return convert
        return lambda value: convert(value).replace(tzinfo=UTC) if value is not None else None


class _AsText(FunctionElement[str]):
    """SQL function that formats an instant as `2025-05-15T09:00:00.000Z`."""

    type = String()
    inherit_cache = True


@compiles(_AsText, "postgresql")
def _as_text_on_postgres(element: _AsText, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


@compiles(_AsText, "sqlite")
def _as_text_on_sqlite(element: _AsText, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"(substr({column}, 1, 10) || 'T' || substr({column}, 12, 12) || 'Z')"


def as_text(column: Any) -> Label[str]:
    """Return the column formatted by the database, as `2025-05-15T09:00:00.000Z`.

    Lists use it, because parsing and formatting datetimes in Python would take a tenth of their time.
    """
    return _AsText(column).label(column.key)


class _PlusMinutes(FunctionElement[datetime]):
    """SQL function that adds minutes to an instant."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(_PlusMinutes, "postgresql")
def _plus_minutes_on_postgres(element: _PlusMinutes, compiler: SQLCompiler, **options: Any) -> str:
    instant, minutes = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({instant} + make_interval(mins => {minutes}))"


@compiles(_PlusMinutes, "sqlite")
def _plus_minutes_on_sqlite(element: _PlusMinutes, compiler: SQLCompiler, **options: Any) -> str:
    """Add to whole seconds, because SQLite rounds fractions."""
    instant, minutes = (compiler.process(clause, **options) for clause in element.clauses)
    seconds = f"strftime('%Y-%m-%d %H:%M:%S', substr({instant}, 1, 19), {minutes} || ' minutes')"
    return f"({seconds} || substr({instant}, 20))"


def plus_minutes(instant: Any, minutes: Any) -> FunctionElement[datetime]:
    """Return the instant of a column plus the minutes of another column."""
    return _PlusMinutes(instant, minutes)


class Id(TypeDecorator[str]):
    """Column of an id: 24 lower-case hex digits (see `ids.py`), compared by bytes under any collation."""

    impl = String(24)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type with collation "C" on Postgres; SQLite lacks that collation and compares by bytes."""
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(24, collation=collation))


def check_one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Return a named CHECK that the column holds one of the values or NULL."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)

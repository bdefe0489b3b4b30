"""What tables are made of: their base, and the types of instants and ids."""

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
    """Where every table is registered; constraints get names, so that migrations can drop them."""

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
    """An aware UTC datetime in whole milliseconds; refuses naive ones (ValueError)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite keeps it without the offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return to_milliseconds(value.astimezone(UTC))

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Aware again on SQLite; psycopg's are, in UTC as its session is."""
        plain: Any = self.impl_instance.result_processor(dialect, coltype)
        if dialect.name == "postgresql":
            return plain
        return lambda value: plain(value).replace(tzinfo=UTC) if value is not None else None


class _AsText(FunctionElement[str]):
    """An instant as the text that is shown."""

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
    """The column as `2025-05-15T09:00:00.000Z`: for lists, where making instants of them is a tenth of the work."""
    return _AsText(column).label(column.key)


class Id(TypeDecorator[str]):
    """24 lower-case hex digits (see `ids.py`), compared by bytes whatever the database's collation."""

    impl = String(24)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite compares by bytes anyway and does not know the collation "C"."""
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(24, collation=collation))


def is_one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """A named CHECK that the column holds one of the values (or NULL)."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)

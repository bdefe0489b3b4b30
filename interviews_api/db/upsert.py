"""INSERT ... ON CONFLICT for both databases; SQLAlchemy has one class of it for each dialect."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from interviews_api.db.types import Base

DialectInsert = postgresql.Insert | sqlite.Insert


def dialect_insert(connection: Connection, table: Table | type[Base]) -> DialectInsert:
    """Return an INSERT into the table, in the dialect of the connection.

    It offers `on_conflict_do_nothing`, `on_conflict_do_update` and `excluded` (the row that was to be inserted).
    SQLite took the syntax over from PostgreSQL, so the same calls mean the same on both.
    """
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)

"""Alembic's entry point. It uses the application's engine and needs only DATABASE_URL."""

from collections.abc import Sequence
from typing import Literal

from alembic import context
from alembic.operations.ops import MigrationScript
from sqlalchemy.exc import DBAPIError

from interviews_api import models
from interviews_api.config import SettingsError, database_url
from interviews_api.db.connections import Database, lift_time_limits
from interviews_api.db.types import Id, UtcDateTime


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Render the project's column types as plain SQLAlchemy types, so that migrations do not depend on its code."""
    if kind == "type" and isinstance(item, Id):
        return 'sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")'
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def number_revision(_context: object, _revision: object, directives: Sequence[MigrationScript]) -> None:
    """Give a new migration the number after the head's, such as 0005, instead of Alembic's random id.

    Alembic's id stays after a head that is no number, as a fork's migration may have, and without a head.
    """
    head = str(context.get_head_revision())
    if head.isdigit():
        for script in directives:
            script.rev_id = f"{int(head) + 1:04}"


# Tests pass a URL; the command line uses the environment.
try:
    database = Database(context.config.attributes.get("url") or database_url(), pool_size=1)
    connected = database.engine.connect()
except SettingsError as error:
    raise SystemExit(f"Refusing to start: {error}") from None
except DBAPIError as error:
    raise SystemExit(f"Refusing to start: the database refused: {error.orig}") from None
with connected as connection:
    # SQLite cannot alter a table in place, so Alembic copies it; foreign keys must be off for the copy.
    # The PRAGMA works only outside a transaction, so it goes directly to the driver.
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection,
        target_metadata=models.metadata,
        render_as_batch=True,
        render_item=render_item,
        process_revision_directives=number_revision,
        compare_server_default=True,
    )
    with context.begin_transaction():
        if not is_sqlite:
            lift_time_limits(connection)
        context.run_migrations()
database.dispose()

"""Column types of the models, and the schema revision that the code needs."""

from alembic.script import ScriptDirectory
from sqlalchemy import Table

from interviews_api import models
from interviews_api.db.connections import SCHEMA_REVISION
from tests.support.databases import alembic_config


def test_schema_revision_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config("")).get_current_head() == SCHEMA_REVISION


NUMBERED = {"events", "deliveries", "distribution", "imports", "purge_schedule"}


def test_time_and_id_columns_have_our_types() -> None:
    tables: list[Table] = models.metadata.sorted_tables
    for table in tables:
        for column in table.columns:
            if column.name.endswith("_at"):
                assert type(column.type).__name__ == "UtcDateTime", column
            is_number = (column.name == "id" and table.name in NUMBERED) or column.name == "event_id"
            if column.name == "id" or column.name.endswith("_id"):
                assert (type(column.type).__name__ == "Id") != is_number, column

"""Events of updates, which facts a change was about, and whether a transition was made by a mailed link."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

CHECK = "ck_events_type"
OLD_TYPES = (
    "'interview.scheduled', 'interview.rescheduled', 'interview.confirmed', 'interview.declined', "
    "'interview.reschedule_requested', 'interview.cancelled', 'interview.completed', 'interview.reminder', "
    "'interview.nudge'"
)
UPDATES = "type = 'interview.updated'"
IS_SCHEDULING = sa.text("type = 'interview.scheduled'")
HAS_OCCASION = sa.text("occasion IS NOT NULL")


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("events", sa.Column("changed_fields", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("events", sa.Column("is_by_link", sa.Boolean(), nullable=True))
    _replace_check(f"{OLD_TYPES}, 'interview.updated'")


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.execute(f"DELETE FROM deliveries WHERE event_id IN (SELECT id FROM events WHERE {UPDATES})")  # noqa: S608
    op.execute(f"DELETE FROM events WHERE {UPDATES}")  # noqa: S608  # a constant
    _replace_check(OLD_TYPES)
    op.drop_column("events", "is_by_link")
    op.drop_column("events", "changed_fields")


def _replace_check(types: str) -> None:
    """Allow these types. SQLite copies the table, so its partial indexes are created anew."""
    is_copied = op.get_bind().dialect.name == "sqlite"
    if is_copied:
        op.drop_index("ix_events_scheduled", "events")
        op.drop_index("ix_events_occasion", "events")
    with op.batch_alter_table("events", table_kwargs={"sqlite_autoincrement": True}) as events:
        events.drop_constraint(op.f(CHECK), type_="check")
        events.create_check_constraint(op.f(CHECK), f"type IN ({types})")
    if is_copied:
        occasion = ["interview_id", "revision", "type", "occasion"]
        op.create_index("ix_events_occasion", "events", occasion, unique=True, sqlite_where=HAS_OCCASION)
        op.create_index("ix_events_scheduled", "events", ["company_id", "at"], sqlite_where=IS_SCHEDULING)

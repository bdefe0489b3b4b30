"""The client address of a session, as a keyed hash, and an index that counts a company's new interviews."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

IS_SCHEDULING = sa.text("type = 'interview.scheduled'")


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("sessions", sa.Column("address_hash", sa.Text(), nullable=True))
    op.create_index("ix_sessions_user_address", "sessions", ["user_id", "address_hash"])
    op.create_index(
        "ix_events_scheduled",
        "events",
        ["company_id", "at"],
        postgresql_where=IS_SCHEDULING,
        sqlite_where=IS_SCHEDULING,
    )


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_index("ix_events_scheduled", "events")
    op.drop_index("ix_sessions_user_address", "sessions")
    op.drop_column("sessions", "address_hash")

"""Security events: the audit trail of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
HAS_COLLEAGUE = sa.text("actor_id IS NOT NULL")


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.create_table(
        "security_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("client_address", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_events")),
    )
    newest_first: list[str | sa.TextClause] = [sa.text("at DESC"), "id"]
    op.create_index("ix_security_events_user", "security_events", ["user_id", *newest_first])
    op.create_index(
        "ix_security_events_actor",
        "security_events",
        ["actor_id", *newest_first],
        postgresql_where=HAS_COLLEAGUE,
        sqlite_where=HAS_COLLEAGUE,
    )
    op.create_index("ix_security_events_newest", "security_events", newest_first)
    op.create_index("ix_security_events_expires_at", "security_events", ["expires_at"])


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_table("security_events")

"""Deliveries by originator and priority, what the limits on mails count, and since when a webhook fails."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
INDEXES = {
    "ix_deliveries_queue": (
        ["channel", "originator_id", "attempts", "priority", "due_at", "id"],
        sa.text("status = 'pending' AND priority > 0"),
    ),
    "ix_deliveries_account_queue": (
        ["channel", "originator_id", "attempts", "due_at", "id"],
        sa.text("status = 'pending' AND priority = 0"),
    ),
    "ix_deliveries_sent": (["target_id", "sent_at", "originator_id"], sa.text("sent_at IS NOT NULL AND priority > 0")),
    "ix_deliveries_claimed": (["target_id"], sa.text("lease IS NOT NULL")),
}


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("deliveries", sa.Column("originator_id", ID, server_default=sa.text("''"), nullable=False))
    op.add_column("deliveries", sa.Column("priority", sa.Integer(), server_default=sa.text("4"), nullable=False))
    op.add_column("deliveries", sa.Column("held_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deliveries", sa.Column("webhook_id", ID, nullable=True))
    op.add_column("webhooks", sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE deliveries SET originator_id = (SELECT CASE"
        " WHEN channel = 'webhook' OR channel = 'email' AND target_id = events.candidate_id THEN events.company_id"
        " ELSE events.candidate_id END FROM events WHERE events.id = deliveries.event_id)"
        " WHERE event_id IS NOT NULL"
    )
    op.execute("UPDATE deliveries SET originator_id = target_id, priority = 0 WHERE event_id IS NULL")
    op.execute(
        "UPDATE deliveries SET priority = coalesce((SELECT CASE events.type"
        " WHEN 'interview.cancelled' THEN 1 WHEN 'interview.rescheduled' THEN 2 WHEN 'interview.reminder' THEN 3 END"
        " FROM events WHERE events.id = deliveries.event_id), 4)"
        " WHERE event_id IS NOT NULL AND channel = 'email' AND status = 'pending'"
    )
    for name, (columns, condition) in INDEXES.items():
        op.create_index(name, "deliveries", columns, postgresql_where=condition, sqlite_where=condition)


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.execute("DELETE FROM deliveries WHERE webhook_id IS NOT NULL")
    with op.batch_alter_table("webhooks") as webhooks:
        webhooks.drop_column("failing_since")
    for name in INDEXES:
        op.drop_index(name, "deliveries")
    with op.batch_alter_table("deliveries", table_kwargs={"sqlite_autoincrement": True}) as deliveries:
        for name in ("webhook_id", "held_at", "priority", "originator_id"):
            deliveries.drop_column(name)

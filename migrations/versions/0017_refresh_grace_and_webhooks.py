"""The refresh token that a session used last, replaced secrets of webhooks, and the status of their responses."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0010"

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("sessions", sa.Column("used_refresh_id", ID, nullable=True))
    op.add_column("sessions", sa.Column("refreshed_at", INSTANT, nullable=True))
    op.add_column("webhooks", sa.Column("previous_secrets", sa.JSON(), nullable=True))
    op.add_column("deliveries", sa.Column("last_status_code", sa.Integer(), nullable=True))
    is_by_webhook = sa.text("channel = 'webhook'")
    op.create_index(
        "ix_deliveries_webhook",
        "deliveries",
        ["target_id", "id"],
        postgresql_where=is_by_webhook,
        sqlite_where=is_by_webhook,
    )


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_index("ix_deliveries_webhook", "deliveries")
    op.drop_column("deliveries", "last_status_code")
    op.drop_column("webhooks", "previous_secrets")
    op.drop_column("sessions", "refreshed_at")
    op.drop_column("sessions", "used_refresh_id")

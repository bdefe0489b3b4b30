"""The refresh token that a session used last."""

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


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_column("sessions", "refreshed_at")
    op.drop_column("sessions", "used_refresh_id")

"""Verified addresses of users and the last read of calendar feeds."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("users", sa.Column("email_verified_at", INSTANT, nullable=True))
    op.execute("UPDATE users SET email_verified_at = created_at")  # no address was verified before
    op.add_column("calendar_feeds", sa.Column("last_read_at", INSTANT, nullable=True))


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_column("calendar_feeds", "last_read_at")
    op.drop_column("users", "email_verified_at")

"""When jobs and companies were last changed; null for those that never were."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("jobs", sa.Column("updated_at", INSTANT, nullable=True))
    op.add_column("companies", sa.Column("updated_at", INSTANT, nullable=True))


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_column("companies", "updated_at")
    op.drop_column("jobs", "updated_at")

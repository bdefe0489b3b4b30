"""Deliveries that answer incoming mail.

An older worker takes such a delivery for a mail about an account that is gone, and suppresses it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("deliveries", sa.Column("answer", sa.Text(), nullable=True))


def downgrade() -> None:
    """Downgrade the schema to the previous revision; deliveries of answers go, because nothing could send them."""
    op.execute("DELETE FROM deliveries WHERE answer IS NOT NULL")
    op.drop_column("deliveries", "answer")

"""The Error-Code of a kept reply."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("idempotent_replies", sa.Column("error_code", sa.Text(), nullable=True))


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_column("idempotent_replies", "error_code")

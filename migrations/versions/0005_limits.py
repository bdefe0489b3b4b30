"""The client address of a session, as a keyed hash."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("sessions", sa.Column("address_hash", sa.Text(), nullable=True))
    op.create_index("ix_sessions_user_address", "sessions", ["user_id", "address_hash"])


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_index("ix_sessions_user_address", "sessions")
    op.drop_column("sessions", "address_hash")

"""Company addresses that came by a seed file or a command.

Of stored addresses that is not known, so none counts until its seed file is loaded again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.add_column("companies", sa.Column("vouched_email", sa.Text(), nullable=True))


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_column("companies", "vouched_email")

"""${message}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Towards newer."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Towards older."""
    ${downgrades if downgrades else "pass"}

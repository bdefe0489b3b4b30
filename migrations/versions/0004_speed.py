"""The import version for the validated cache, and an index that covers the history."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
IS_PAST = sa.text("status IN ('completed', 'annule')")


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    _replace_index("ix_interviews_past_newest", "ix_interviews_past", "status")


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    _replace_index("ix_interviews_past", "ix_interviews_past_newest")
    op.drop_table("imports")


def _replace_index(old: str, new: str, *more: str) -> None:
    """Create the new index before dropping the old one, which serves readers meanwhile."""
    op.create_index(
        new,
        "interviews",
        ["candidate_id", sa.text("starts_at DESC"), "id", *more],
        postgresql_where=IS_PAST,
        sqlite_where=IS_PAST,
    )
    op.drop_index(old, "interviews")

"""Links that verify addresses, and the users that account mails go to."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.create_table(
        "email_verifications",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_email_verifications_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_verifications")),
    )
    op.create_index("ix_email_verifications_user_id", "email_verifications", ["user_id"])
    op.create_index("ix_email_verifications_expires_at", "email_verifications", ["expires_at"])
    op.add_column("account_mails", sa.Column("user_id", ID, nullable=True))
    op.create_index("ix_account_mails_user_id", "account_mails", ["user_id"])


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.execute("DELETE FROM account_mails WHERE kind = 'verification'")  # the earlier worker has no words for them
    op.drop_index("ix_account_mails_user_id", "account_mails")
    op.drop_column("account_mails", "user_id")
    op.drop_table("email_verifications")

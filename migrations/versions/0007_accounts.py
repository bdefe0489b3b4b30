"""Verified addresses, mails about accounts, colleagues, approval of companies, last reads of feeds, and the purge."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
IS_SUSPENDED = sa.text("approval = 'suspended'")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    # A database that was downgraded knows already which addresses are verified.
    if "email_verified_at" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")}:
        op.add_column("users", sa.Column("email_verified_at", INSTANT, nullable=True))
        # Existing users must not be locked out, so their addresses count as verified.
        op.execute("UPDATE users SET email_verified_at = created_at")
    op.add_column("calendar_feeds", sa.Column("last_read_at", INSTANT, nullable=True))
    op.create_table(
        "account_mails",
        sa.Column("id", ID, nullable=False),
        sa.Column("originator_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("is_fanned_out", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_mails")),
    )
    op.create_index("ix_account_mails_expires_at", "account_mails", ["expires_at"])
    op.create_table(
        "invitations",
        sa.Column("id", ID, nullable=False),
        sa.Column("company_id", ID, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("invited_by_id", ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_invitations_company_id_companies")),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["users.id"], name=op.f("fk_invitations_invited_by_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("company_id", "email_key", name=op.f("uq_invitations_company_id_email_key")),
    )
    op.create_index("ix_invitations_invited_by_id", "invitations", ["invited_by_id"])
    op.create_index("ix_invitations_expires_at", "invitations", ["expires_at"])
    op.create_table(
        "purge_schedule",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purge_schedule")),
    )
    op.add_column("deliveries", sa.Column("account_mail_id", ID, nullable=True))
    op.add_column("deliveries", sa.Column("created_at", INSTANT, nullable=True))
    op.add_column("webhooks", sa.Column("created_by_id", ID, nullable=True))
    op.add_column("companies", sa.Column("approval", sa.Text(), server_default="approved", nullable=False))
    with op.batch_alter_table("companies") as companies:
        companies.create_check_constraint(
            op.f("ck_companies_approval"), "approval IN ('pending', 'approved', 'suspended')"
        )
    op.create_index(
        "ix_companies_suspended", "companies", ["id"], postgresql_where=IS_SUSPENDED, sqlite_where=IS_SUSPENDED
    )
    op.add_column("company_users", sa.Column("role", sa.Text(), server_default="owner", nullable=False))
    with op.batch_alter_table("company_users") as users:
        users.create_check_constraint(op.f("ck_company_users_role"), "role IN ('owner', 'member')")


def downgrade() -> None:
    """Downgrade the schema to the previous revision, but keep which addresses are verified.

    Without that, the next upgrade would verify the addresses of strangers who registered with somebody else's.
    """
    with op.batch_alter_table("company_users") as users:
        users.drop_constraint(op.f("ck_company_users_role"), type_="check")
        users.drop_column("role")
    op.drop_index("ix_companies_suspended", "companies")
    with op.batch_alter_table("companies") as companies:
        companies.drop_constraint(op.f("ck_companies_approval"), type_="check")
        companies.drop_column("approval")
    op.drop_column("webhooks", "created_by_id")
    op.execute("DELETE FROM deliveries WHERE account_mail_id IS NOT NULL")
    op.drop_column("deliveries", "created_at")
    op.drop_column("deliveries", "account_mail_id")
    op.drop_table("purge_schedule")
    op.drop_table("invitations")
    op.drop_table("account_mails")
    op.drop_column("calendar_feeds", "last_read_at")

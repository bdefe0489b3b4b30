"""First tables: users, companies, jobs, applications, interviews."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.create_table(
        "companies",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("logo", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companies")),
    )
    op.create_table(
        "users",
        sa.Column("id", ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("role IN ('candidate', 'company')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
    )
    op.create_table(
        "candidates",
        sa.Column("id", ID, nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["users.id"], name=op.f("fk_candidates_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidates")),
    )
    op.create_table(
        "company_users",
        sa.Column("id", ID, nullable=False),
        sa.Column("company_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_company_users_company_id_companies")),
        sa.ForeignKeyConstraint(["id"], ["users.id"], name=op.f("fk_company_users_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_users")),
    )
    with op.batch_alter_table("company_users", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_company_users_company_id"), ["company_id"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("company_id", ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_jobs_company_id_companies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_company_id"), ["company_id"], unique=False)

    op.create_table(
        "applications",
        sa.Column("id", ID, nullable=False),
        sa.Column("candidate_id", ID, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("applied_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "status IN ('en_attente', 'vu', 'entretien_programmer', 'confirme', 'présélectionné', 'rejeté', 'annule')",
            name=op.f("ck_applications_status"),
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name=op.f("fk_applications_candidate_id_candidates")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_applications_job_id_jobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
        sa.UniqueConstraint("candidate_id", "job_id", name=op.f("uq_applications_candidate_id_job_id")),
        sa.UniqueConstraint("id", "candidate_id", name=op.f("uq_applications_id_candidate_id")),
    )
    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_applications_job_id"), ["job_id"], unique=False)

    op.create_table(
        "interviews",
        sa.Column("id", ID, nullable=False),
        sa.Column("application_id", ID, nullable=False),
        sa.Column("candidate_id", ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("meeting_link", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("internal_notes", sa.Text(), nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
        sa.Column("cancellation_reason", sa.Text(), nullable=True),
        sa.Column("is_hired", sa.Boolean(), nullable=True),
        sa.Column("hiring_decision_reason", sa.Text(), nullable=True),
        sa.Column("feedback", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("share_feedback", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("cancelled_by IN ('candidate', 'company')", name=op.f("ck_interviews_cancelled_by")),
        sa.CheckConstraint(
            "status IN ('en_attente', 'confirmed', 'completed', 'annule')", name=op.f("ck_interviews_status")
        ),
        sa.CheckConstraint("type IN ('Video', 'InPerson', 'Phone')", name=op.f("ck_interviews_type")),
        sa.CheckConstraint("duration_minutes BETWEEN 5 AND 1440", name=op.f("ck_interviews_duration_minutes")),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_interviews_revision")),
        sa.ForeignKeyConstraint(
            ["application_id", "candidate_id"],
            ["applications.id", "applications.candidate_id"],
            name=op.f("fk_interviews_application_id_candidate_id_applications"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interviews")),
    )
    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_interviews_application_id"), ["application_id"], unique=False)
        batch_op.create_index(
            "ix_interviews_newest", ["candidate_id", sa.literal_column("starts_at DESC"), "id"], unique=False
        )
        batch_op.create_index(
            "ix_interviews_past_newest",
            ["candidate_id", sa.literal_column("starts_at DESC"), "id"],
            unique=False,
            postgresql_where=sa.text("status IN ('completed', 'annule')"),
            sqlite_where=sa.text("status IN ('completed', 'annule')"),
        )
        batch_op.create_index(
            "ix_interviews_status_newest",
            ["candidate_id", "status", sa.literal_column("starts_at DESC"), "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_interviews_status_soonest", ["candidate_id", "status", "starts_at", "id"], unique=False
        )


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.drop_index("ix_interviews_status_soonest")
        batch_op.drop_index("ix_interviews_status_newest")
        batch_op.drop_index(
            "ix_interviews_past_newest",
            postgresql_where=sa.text("status IN ('completed', 'annule')"),
            sqlite_where=sa.text("status IN ('completed', 'annule')"),
        )
        batch_op.drop_index("ix_interviews_newest")
        batch_op.drop_index(batch_op.f("ix_interviews_application_id"))

    op.drop_table("interviews")
    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_applications_job_id"))

    op.drop_table("applications")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_company_id"))

    op.drop_table("jobs")
    with op.batch_alter_table("company_users", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_company_users_company_id"))

    op.drop_table("company_users")
    op.drop_table("candidates")
    op.drop_table("users")
    op.drop_table("companies")

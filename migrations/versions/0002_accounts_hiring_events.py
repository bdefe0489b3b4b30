"""Sessions, rate limits, idempotent replies and events; companies and dates of applications and interviews."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
IS_PAST = sa.text("status IN ('completed', 'annule')")
EVENT_TYPES = (
    "interview.scheduled",
    "interview.rescheduled",
    "interview.confirmed",
    "interview.declined",
    "interview.reschedule_requested",
    "interview.cancelled",
    "interview.completed",
    "interview.reminder",
    "interview.nudge",
)


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.create_table(
        "sessions",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("refresh_id", ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "rate_limits",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("attempts", sa.JSON(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rate_limits"),
    )
    op.create_index("ix_rate_limits_expires_at", "rate_limits", ["expires_at"])
    op.create_table(
        "idempotent_replies",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_idempotent_replies_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name="pk_idempotent_replies"),
    )
    op.create_index("ix_idempotent_replies_expires_at", "idempotent_replies", ["expires_at"])
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("interview_id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("actor IN ('candidate', 'company', 'system')", name=op.f("ck_events_actor")),
        sa.CheckConstraint(f"type IN ({', '.join(map(repr, EVENT_TYPES))})", name=op.f("ck_events_type")),
        sa.ForeignKeyConstraint(["interview_id"], ["interviews.id"], name="fk_events_interview_id_interviews"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_interview", "events", ["interview_id", "id"])

    _drop_ordered_indexes()
    op.add_column("jobs", sa.Column("created_at", INSTANT, nullable=True))
    op.execute(
        sa.text("UPDATE jobs SET created_at = :now").bindparams(sa.bindparam("now", datetime.now(UTC), type_=INSTANT))
    )
    with op.batch_alter_table("jobs") as jobs:
        jobs.alter_column("created_at", existing_type=INSTANT, nullable=False)
        jobs.create_unique_constraint("uq_jobs_id_company_id", ["id", "company_id"])

    with op.batch_alter_table("interviews") as interviews:
        interviews.drop_constraint("fk_interviews_application_id_candidate_id_applications", type_="foreignkey")
        interviews.add_column(sa.Column("company_id", ID, nullable=True))
        interviews.add_column(sa.Column("reschedule_request", sa.JSON(none_as_null=True), nullable=True))

    for name in ("date_seen", "date_interview_scheduled", "date_confirmed", "date_cancelled"):
        op.add_column("applications", sa.Column(name, INSTANT, nullable=True))
    op.add_column("applications", sa.Column("cancellation_reason", sa.Text(), nullable=True))
    op.add_column("applications", sa.Column("company_id", ID, nullable=True))
    op.execute("UPDATE applications SET company_id = (SELECT company_id FROM jobs WHERE jobs.id = applications.job_id)")
    with op.batch_alter_table("applications") as applications:
        applications.alter_column("company_id", existing_type=ID, nullable=False)
        applications.drop_constraint("uq_applications_id_candidate_id", type_="unique")
        applications.create_unique_constraint(
            "uq_applications_id_candidate_id_company_id", ["id", "candidate_id", "company_id"]
        )
        applications.drop_constraint("fk_applications_job_id_jobs", type_="foreignkey")
        applications.create_foreign_key(
            "fk_applications_job_id_company_id_jobs",
            "jobs",
            ["job_id", "company_id"],
            ["id", "company_id"],
            onupdate="CASCADE",
        )

    op.execute(
        "UPDATE interviews SET company_id = "
        "(SELECT company_id FROM applications WHERE applications.id = interviews.application_id)"
    )
    with op.batch_alter_table("interviews") as interviews:
        interviews.alter_column("company_id", existing_type=ID, nullable=False)
        interviews.create_foreign_key(
            "fk_interviews_application",
            "applications",
            ["application_id", "candidate_id", "company_id"],
            ["id", "candidate_id", "company_id"],
            onupdate="CASCADE",
        )
    _create_ordered_indexes()
    op.create_index("ix_jobs_newest", "jobs", [sa.text("created_at DESC"), "id"])
    for whose in ("candidate", "company"):
        op.create_index(
            f"ix_applications_{whose}_newest", "applications", [f"{whose}_id", sa.text("applied_at DESC"), "id"]
        )
    op.create_index("ix_interviews_company_soonest", "interviews", ["company_id", "starts_at", "id"])


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_index("ix_interviews_company_soonest", "interviews")
    for whose in ("candidate", "company"):
        op.drop_index(f"ix_applications_{whose}_newest", "applications")
    op.drop_index("ix_jobs_newest", "jobs")
    _drop_ordered_indexes()
    op.drop_table("events")
    with op.batch_alter_table("interviews") as interviews:
        interviews.drop_constraint("fk_interviews_application", type_="foreignkey")
        interviews.drop_column("company_id")
        interviews.drop_column("reschedule_request")
    with op.batch_alter_table("applications") as applications:
        applications.drop_constraint("fk_applications_job_id_company_id_jobs", type_="foreignkey")
        applications.create_foreign_key("fk_applications_job_id_jobs", "jobs", ["job_id"], ["id"])
        applications.drop_constraint("uq_applications_id_candidate_id_company_id", type_="unique")
        applications.create_unique_constraint("uq_applications_id_candidate_id", ["id", "candidate_id"])
        for name in ("date_seen", "date_interview_scheduled", "date_confirmed", "date_cancelled"):
            applications.drop_column(name)
        applications.drop_column("cancellation_reason")
        applications.drop_column("company_id")
    with op.batch_alter_table("interviews") as interviews:
        interviews.create_foreign_key(
            "fk_interviews_application_id_candidate_id_applications",
            "applications",
            ["application_id", "candidate_id"],
            ["id", "candidate_id"],
            onupdate="CASCADE",
        )
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint("uq_jobs_id_company_id", type_="unique")
        jobs.drop_column("created_at")
    _create_ordered_indexes()
    op.drop_table("idempotent_replies")
    op.drop_table("rate_limits")
    op.drop_table("sessions")


# SQLite loses the sort direction of index columns when a table is copied, so these indexes are dropped and recreated.


def _drop_ordered_indexes() -> None:
    for name in ("newest", "status_newest", "past_newest"):
        op.drop_index(f"ix_interviews_{name}", "interviews")


def _create_ordered_indexes() -> None:
    newest_first: list[str | sa.TextClause] = [sa.text("starts_at DESC"), "id"]
    op.create_index("ix_interviews_newest", "interviews", ["candidate_id", *newest_first])
    op.create_index("ix_interviews_status_newest", "interviews", ["candidate_id", "status", *newest_first])
    op.create_index(
        "ix_interviews_past_newest",
        "interviews",
        ["candidate_id", *newest_first],
        postgresql_where=IS_PAST,
        sqlite_where=IS_PAST,
    )

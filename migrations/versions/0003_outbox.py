"""Deliveries, webhooks, push subscriptions, calendar feeds and password resets."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_PAST = sa.text("status IN ('completed', 'annule')")
IS_PENDING = sa.text("status = 'pending'")
HAS_OCCASION = sa.text("occasion IS NOT NULL")
HAS_NOTICE = sa.text("next_notice_at IS NOT NULL")


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.create_table(
        "distribution",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_distribution")),
    )
    op.create_table(
        "password_resets",
        sa.Column("id", ID, nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
    )
    with op.batch_alter_table("password_resets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_password_resets_email_key"), ["email_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_password_resets_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "webhooks",
        sa.Column("id", ID, nullable=False),
        sa.Column("company_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_webhooks_company_id_companies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhooks_company_id"), ["company_id"], unique=False)

    op.create_table(
        "calendar_feeds",
        sa.Column("candidate_id", ID, nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_calendar_feeds_candidate_id_candidates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("candidate_id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_calendar_feeds_secret_hash")),
    )
    op.create_table(
        "push_subscriptions",
        sa.Column("id", ID, nullable=False),
        sa.Column("candidate_id", ID, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.Text(), nullable=False),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_push_subscriptions_candidate_id_candidates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscriptions")),
        sa.UniqueConstraint("endpoint", name=op.f("uq_push_subscriptions_endpoint")),
    )
    with op.batch_alter_table("push_subscriptions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_push_subscriptions_candidate_id"), ["candidate_id"], unique=False)

    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("event_id", NUMBER, nullable=True),
        sa.Column("interview_id", ID, nullable=True),
        sa.Column("reset_id", ID, nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("give_up_at", INSTANT, nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("channel IN ('email', 'push', 'webhook')", name=op.f("ck_deliveries_channel")),
        sa.CheckConstraint(
            "status IN ('planned', 'pending', 'sent', 'suppressed', 'failed')", name=op.f("ck_deliveries_status")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_deliveries_event_id_events")),
        sa.ForeignKeyConstraint(
            ["interview_id"], ["interviews.id"], name=op.f("fk_deliveries_interview_id_interviews")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("key", "channel", "target_id", name=op.f("uq_deliveries_key_channel_target_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deliveries_due",
            ["channel", "due_at", "id"],
            unique=False,
            postgresql_where=IS_PENDING,
            sqlite_where=IS_PENDING,
        )
        batch_op.create_index("ix_deliveries_event", ["event_id"], unique=False)
        batch_op.create_index("ix_deliveries_interview", ["interview_id", "id"], unique=False)

    with op.batch_alter_table("events") as events:
        events.add_column(sa.Column("candidate_id", ID, nullable=True))
        events.add_column(sa.Column("company_id", ID, nullable=True))
        events.add_column(sa.Column("previous_starts_at", INSTANT, nullable=True))
        events.add_column(sa.Column("occasion", sa.Text(), nullable=True))
    for whose in ("candidate", "company"):
        op.execute(
            f"UPDATE events SET {whose}_id = "  # noqa: S608  # two constant words
            f"(SELECT {whose}_id FROM interviews WHERE interviews.id = events.interview_id)"
        )
    with op.batch_alter_table("events", table_kwargs={"sqlite_autoincrement": True}) as events:
        events.alter_column("candidate_id", existing_type=ID, nullable=False)
        events.alter_column("company_id", existing_type=ID, nullable=False)
    op.create_index("ix_events_candidate", "events", ["candidate_id", "id"])
    op.create_index(
        "ix_events_occasion",
        "events",
        ["interview_id", "revision", "type", "occasion"],
        unique=True,
        postgresql_where=HAS_OCCASION,
        sqlite_where=HAS_OCCASION,
    )
    # Events older than this revision are not delivered.
    op.execute("INSERT INTO distribution (id, event_id) SELECT 1, coalesce(max(id), 0) FROM events")

    _drop_ordered_indexes()
    for name in ("updated_at", "invited_at", "notices_after", "next_notice_at"):
        op.add_column("interviews", sa.Column(name, INSTANT, nullable=True))
    op.execute(
        "UPDATE interviews SET invited_at = coalesce((SELECT max(at) FROM events WHERE interview_id = interviews.id "
        "AND type = 'interview.rescheduled'), created_at), "
        "updated_at = coalesce((SELECT max(at) FROM events WHERE interview_id = interviews.id), completed_at, "
        "cancelled_at, confirmed_at, created_at)"
    )
    present = sa.bindparam("now", datetime.now(UTC), type_=INSTANT)
    op.execute(sa.text("UPDATE interviews SET notices_after = :now").bindparams(present))
    op.execute(
        sa.text(
            "UPDATE interviews SET next_notice_at = :now WHERE status IN ('en_attente', 'confirmed') "
            "AND starts_at > :now"
        ).bindparams(present)
    )
    with op.batch_alter_table("interviews") as interviews:
        interviews.alter_column("updated_at", existing_type=INSTANT, nullable=False)
        interviews.alter_column("invited_at", existing_type=INSTANT, nullable=False)
        interviews.alter_column("notices_after", existing_type=INSTANT, nullable=False)
    _create_ordered_indexes()
    op.create_index(
        "ix_interviews_next_notice",
        "interviews",
        ["next_notice_at"],
        postgresql_where=HAS_NOTICE,
        sqlite_where=HAS_NOTICE,
    )


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_index("ix_interviews_next_notice", "interviews")
    _drop_ordered_indexes()
    with op.batch_alter_table("interviews") as interviews:
        for name in ("updated_at", "invited_at", "notices_after", "next_notice_at"):
            interviews.drop_column(name)
    _create_ordered_indexes()
    op.execute("DELETE FROM deliveries")
    op.execute("DELETE FROM events WHERE type IN ('interview.reminder', 'interview.nudge')")
    op.drop_index("ix_events_occasion", "events")
    op.drop_index("ix_events_candidate", "events")
    with op.batch_alter_table("events", table_kwargs={"sqlite_autoincrement": True}) as events:
        for name in ("occasion", "previous_starts_at", "company_id", "candidate_id"):
            events.drop_column(name)
    for table in ("deliveries", "push_subscriptions", "calendar_feeds", "webhooks", "password_resets", "distribution"):
        op.drop_table(table)


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

"""The interview, the values its columns may hold, and the indexes that serve the candidate's lists."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, is_one_of


class InterviewStatus(StrEnum):
    """Where an interview stands; the values are the contract's."""

    PENDING = "en_attente"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "annule"


OPEN_STATUSES = (InterviewStatus.PENDING, InterviewStatus.CONFIRMED)
"""What may still be moved."""

PAST_STATUSES = (InterviewStatus.COMPLETED, InterviewStatus.CANCELLED)
"""What the history shows."""


class InterviewType(StrEnum):
    """How the two meet."""

    VIDEO = "Video"
    IN_PERSON = "InPerson"
    PHONE = "Phone"


class Actor(StrEnum):
    """Who moved an interview, or called it off."""

    CANDIDATE = "candidate"
    COMPANY = "company"


class Interview(Base):
    """One meeting about one application.

    `starts_at` is the instant it begins, `time_zone` the IANA zone whose wall clock the invitation shows.
    `revision` rises with each reschedule, cancel and decline. `candidate_id` and `company_id` repeat the
    application's (the composite foreign key keeps them true), so that each list is one index range.
    `reschedule_request` is `{reason, proposed_times, requested_at}`, instants as text, until any later move.
    `invited_at` is when the present time was proposed (scheduled or last rescheduled), `updated_at` the last change.
    Reminders and nudges (`interviews/reminders.py`): none for a moment up to `notices_after`, when the interview was
    last scheduled, moved, confirmed or loaded; the worker looks at it next at `next_notice_at`, if ever.
    """

    __tablename__ = "interviews"
    __table_args__ = (
        ForeignKeyConstraint(
            ["application_id", "candidate_id", "company_id"],
            ["applications.id", "applications.candidate_id", "applications.company_id"],
            name="fk_interviews_application",  # the convention's name would be too long for Postgres
            onupdate="CASCADE",
        ),
        is_one_of("status", InterviewStatus),
        is_one_of("type", InterviewType),
        is_one_of("cancelled_by", Actor),
        CheckConstraint("duration_minutes BETWEEN 5 AND 1440", name="duration_minutes"),
        CheckConstraint("revision >= 0", name="revision"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    application_id: Mapped[str] = mapped_column(Id, index=True)
    candidate_id: Mapped[str] = mapped_column(Id)
    company_id: Mapped[str] = mapped_column(Id)
    status: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    time_zone: Mapped[str] = mapped_column(Text)
    duration_minutes: Mapped[int]
    location: Mapped[str | None] = mapped_column(Text)
    meeting_link: Mapped[str | None] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    internal_notes: Mapped[str | None] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_by: Mapped[str | None] = mapped_column(Text)
    cancellation_reason: Mapped[str | None] = mapped_column(Text)
    is_hired: Mapped[bool | None]
    hiring_decision_reason: Mapped[str | None] = mapped_column(Text)
    feedback: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    share_feedback: Mapped[bool]
    reschedule_request: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    invited_at: Mapped[datetime] = mapped_column(UtcDateTime)
    notices_after: Mapped[datetime] = mapped_column(UtcDateTime)
    next_notice_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


_IS_PAST = text(f"status IN ({', '.join(repr(str(status)) for status in PAST_STATUSES)})")

# One index range, in the order asked for, behind each list (ADR 0004): all, one status newest first,
# one status soonest first (also the counts), the history, and the company's list.
Index("ix_interviews_newest", Interview.candidate_id, Interview.starts_at.desc(), Interview.id)
Index(
    "ix_interviews_status_newest",
    Interview.candidate_id,
    Interview.status,
    Interview.starts_at.desc(),
    Interview.id,
)
Index(
    "ix_interviews_status_soonest",
    Interview.candidate_id,
    Interview.status,
    Interview.starts_at,
    Interview.id,
)
Index(
    "ix_interviews_past",
    Interview.candidate_id,
    Interview.starts_at.desc(),
    Interview.id,
    Interview.status,  # SQLite looks at it again
    postgresql_where=_IS_PAST,
    sqlite_where=_IS_PAST,
)
Index("ix_interviews_company_soonest", Interview.company_id, Interview.starts_at, Interview.id)

_HAS_NOTICE = text("next_notice_at IS NOT NULL")
Index("ix_interviews_next_notice", Interview.next_notice_at, postgresql_where=_HAS_NOTICE, sqlite_where=_HAS_NOTICE)


class CalendarFeed(Base):
    """The one address under which a candidate's calendar may be subscribed; of the secret only its SHA-256."""

    __tablename__ = "calendar_feeds"

    candidate_id: Mapped[str] = mapped_column(Id, ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

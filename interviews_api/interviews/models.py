"""Tables of interviews and calendar feeds, the values of their columns, and the indexes of the lists."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, check_one_of


class InterviewStatus(StrEnum):
    """Status of an interview. Clients see the values."""

    PENDING = "en_attente"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "annule"


OPEN_STATUSES = (InterviewStatus.PENDING, InterviewStatus.CONFIRMED)
"""Statuses of interviews that allow transitions."""

ENDED_STATUSES = (InterviewStatus.COMPLETED, InterviewStatus.CANCELLED)
"""Statuses of the interviews in the history."""


class InterviewType(StrEnum):
    """The way in which candidate and company meet."""

    VIDEO = "Video"
    IN_PERSON = "InPerson"
    PHONE = "Phone"


class Actor(StrEnum):
    """The party that causes a transition: EventActor without SYSTEM."""

    CANDIDATE = "candidate"
    COMPANY = "company"


class Interview(Base):
    """An interview about an application.

    `starts_at` is its start in UTC, `time_zone` the IANA zone of the local time in the invitation.
    `revision` rises with each reschedule, update, cancel and decline. `candidate_id` and `company_id` repeat those of
    the application, held by the composite foreign key, so that each list is one index range.
    `reschedule_request` is `{reason, proposed_times, requested_at}`, with instants as text; the next transition but an
    update clears it. `invited_at` is when the present start was proposed, `updated_at` when the row last changed.
    `accepted_at` is when the candidate itself last confirmed it, at the present time or an earlier one.
    In the names `notices_after` and `next_notice_at`, a notice is an occasion (`interviews/reminders.py`). Occasions up
    to `notices_after`, the time of the last scheduling, change of status, reschedule or load, are left out. The worker
    looks for occasions at `next_notice_at`, or never if NULL.
    """

    __tablename__ = "interviews"
    __table_args__ = (
        ForeignKeyConstraint(
            ["application_id", "candidate_id", "company_id"],
            ["applications.id", "applications.candidate_id", "applications.company_id"],
            name="fk_interviews_application",  # the naming convention's name is too long for Postgres
            onupdate="CASCADE",
        ),
        check_one_of("status", InterviewStatus),
        check_one_of("type", InterviewType),
        check_one_of("cancelled_by", Actor),
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
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
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


_HAS_ENDED = text(f"status IN ({', '.join(repr(str(status)) for status in ENDED_STATUSES)})")

# Each list reads one index range in its own order (ADR 4): all, a status newest first, a status soonest first (also
# the counts), the history, and the company's list.
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
    Interview.status,  # SQLite tests the condition for each row, and would read the table for it
    postgresql_where=_HAS_ENDED,
    sqlite_where=_HAS_ENDED,
)
Index("ix_interviews_company_soonest", Interview.company_id, Interview.starts_at, Interview.id)

_HAS_OCCASION = text("next_notice_at IS NOT NULL")
Index("ix_interviews_next_notice", Interview.next_notice_at, postgresql_where=_HAS_OCCASION, sqlite_where=_HAS_OCCASION)


class CalendarFeed(Base):
    """Address of a candidate's calendar feed, at most one each. Stores only the SHA-256 of its secret.

    `last_read_at` is exact to a minute.
    """

    __tablename__ = "calendar_feeds"

    candidate_id: Mapped[str] = mapped_column(Id, ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

"""The event: one row for each move of an interview, in the move's own transaction."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, is_one_of


class EventType(StrEnum):
    """What may happen to an interview; the values are the contract's."""

    SCHEDULED = "interview.scheduled"
    RESCHEDULED = "interview.rescheduled"
    CONFIRMED = "interview.confirmed"
    DECLINED = "interview.declined"
    RESCHEDULE_REQUESTED = "interview.reschedule_requested"
    CANCELLED = "interview.cancelled"
    COMPLETED = "interview.completed"
    REMINDER = "interview.reminder"
    NUDGE = "interview.nudge"


class EventActor(StrEnum):
    """Whose doing it was."""

    CANDIDATE = "candidate"
    COMPANY = "company"
    SYSTEM = "system"


class Event(Base):
    """One thing that happened. Ids rise in commit order (ADR 0009); `revision` is the interview's after it.

    `previous_starts_at` is where a rescheduled interview was before; `occasion` tells reminders and nudges apart, of
    which each happens once for a revision.
    """

    __tablename__ = "events"
    __table_args__ = (
        is_one_of("type", EventType),
        is_one_of("actor", EventActor),
        {"sqlite_autoincrement": True},  # an id is never given out twice
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    interview_id: Mapped[str] = mapped_column(Id, ForeignKey("interviews.id"))
    type: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    candidate_id: Mapped[str] = mapped_column(Id)
    company_id: Mapped[str] = mapped_column(Id)
    previous_starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    occasion: Mapped[str | None] = mapped_column(Text)


Index("ix_events_interview", Event.interview_id, Event.id)
Index("ix_events_candidate", Event.candidate_id, Event.id)


class Import(Base):
    """One row: `version` is another one after each seed file, which changes what people see without an event."""

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[str] = mapped_column(Id)


_HAS_OCCASION = text("occasion IS NOT NULL")
Index(
    "ix_events_occasion",
    Event.interview_id,
    Event.revision,
    Event.type,
    Event.occasion,
    unique=True,
    postgresql_where=_HAS_OCCASION,
    sqlite_where=_HAS_OCCASION,
)


CHANGES = frozenset(EventType) - {EventType.REMINDER, EventType.NUDGE}
"""What webhooks and sockets are told."""

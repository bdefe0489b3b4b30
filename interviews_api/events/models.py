"""Tables of the event log: a row for each transition, reminder and nudge, and the import version."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, check_one_of


class EventType(StrEnum):
    """Types of events. Clients see the values."""

    SCHEDULED = "interview.scheduled"
    RESCHEDULED = "interview.rescheduled"
    UPDATED = "interview.updated"
    CONFIRMED = "interview.confirmed"
    DECLINED = "interview.declined"
    RESCHEDULE_REQUESTED = "interview.reschedule_requested"
    CANCELLED = "interview.cancelled"
    COMPLETED = "interview.completed"
    REMINDER = "interview.reminder"
    NUDGE = "interview.nudge"


class EventActor(StrEnum):
    """The party that caused an event."""

    CANDIDATE = "candidate"
    COMPANY = "company"
    SYSTEM = "system"


class Event(Base):
    """An event of an interview. Ids rise in commit order (ADR 9).

    `revision` is the interview's revision after the event. `previous_starts_at` is the earlier start of a rescheduled
    interview. `changed_fields` names the columns that a reschedule or update changed, without those that the candidate
    may not see. `is_by_link` is true of a transition by the link in a mail. `occasion` holds the name of a reminder's
    or nudge's occasion, which occurs at most once per revision.
    """

    __tablename__ = "events"
    __table_args__ = (
        check_one_of("type", EventType),
        check_one_of("actor", EventActor),
        {"sqlite_autoincrement": True},  # SQLite must not reuse ids
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
    changed_fields: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    is_by_link: Mapped[bool | None]


Index("ix_events_interview", Event.interview_id, Event.id)
Index("ix_events_candidate", Event.candidate_id, Event.id)

_IS_SCHEDULING = text(f"type = '{EventType.SCHEDULED}'")
Index(
    "ix_events_scheduled",
    Event.company_id,
    Event.at,
    postgresql_where=_IS_SCHEDULING,
    sqlite_where=_IS_SCHEDULING,
)


class Import(Base):
    """Table of one row: `version` changes with each loaded seed file, because a load appends no events."""

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


PUBLISHED_TYPES = frozenset(EventType) - {EventType.REMINDER, EventType.NUDGE}
"""Types of events that webhooks and live sockets receive: those of transitions."""

"""Tables of deliveries, webhooks, push subscriptions and muted companies."""

from datetime import datetime
from enum import IntEnum, StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    case,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, check_one_of

_Number = BigInteger().with_variant(Integer, "sqlite")


class Channel(StrEnum):
    """Channel of a delivery. Clients see the values."""

    EMAIL = "email"
    PUSH = "push"
    WEBHOOK = "webhook"


class DeliveryStatus(StrEnum):
    """Status of a delivery. Clients see the values. A PLANNED delivery has no row yet."""

    PLANNED = "planned"
    PENDING = "pending"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


ENDED = (DeliveryStatus.SENT, DeliveryStatus.SUPPRESSED, DeliveryStatus.FAILED)
"""The statuses of deliveries of which no further attempt is made."""


class DeliveryKind(StrEnum):
    """Kind of a delivery, as its columns tell it. Each account mail is also of a `MailKind`."""

    EVENT = "event"
    WEBHOOK_TEST = "webhook_test"
    PASSWORD_RESET = "password_reset"  # noqa: S105  # no password
    WEBHOOK_DISABLED = "webhook_disabled"
    ACCOUNT_MAIL = "account_mail"
    ANSWER = "answer"


class Answer(StrEnum):
    """Answer to an incoming mail, and the name of its template after `answer_`."""

    TENTATIVE = "tentative"
    OUTDATED = "outdated"
    PLAIN = "plain"


WEBHOOK_TEST_TYPE = "webhook.test"
"""The type of a test message. No event of the log has it."""


class Priority(IntEnum):
    """Order of an originator's mails.

    Mails about accounts have a channel worker of their own, so they wait for no other. Push
    messages and webhooks are all OTHER, so that they keep the order of the events.
    """

    ACCOUNT = 0
    CANCELLED = 1
    RESCHEDULED = 2
    REMINDER = 3
    OTHER = 4


class FanOutPosition(Base):
    """The fan-out's position, in one row: the last event that was fanned out.

    Event ids rise in commit order, so none is skipped. The table keeps the name that the fan-out once had.
    """

    __tablename__ = "distribution"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(_Number)


class Delivery(Base):
    """One event, password reset, account mail, disabled webhook, test or answer, for one recipient, by one channel.

    `target_id` is the id of the user, account mail, push subscription or webhook, and `recipient` its label for people.
    `originator_id` is the other party of a mail about an interview, the candidate of a push message, the company of a
    webhook. Of other mails it is the user or company that causes them.
    `key` is the idempotency key that receivers see. A pending delivery may be attempted from `due_at` on. A claim moves
    `due_at` to the end of its lease, and only the holder of `lease` may write the outcome. A failed attempt makes it a
    dead letter when the next one would come after `give_up_at`. `held_at` is when a limit on mails first held it back.
    `last_status_code` is the status of the webhook's response to the last attempt, None without a response.
    `created_at` is None for deliveries written before migration 0007. All times are in UTC.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        check_one_of("channel", Channel),
        check_one_of("status", DeliveryStatus),
        UniqueConstraint("key", "channel", "target_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    event_id: Mapped[int | None] = mapped_column(_Number, ForeignKey("events.id"))
    interview_id: Mapped[str | None] = mapped_column(Id, ForeignKey("interviews.id"))
    reset_id: Mapped[str | None] = mapped_column(Id)
    webhook_id: Mapped[str | None] = mapped_column(Id)
    account_mail_id: Mapped[str | None] = mapped_column(Id)
    answer: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    target_id: Mapped[str] = mapped_column(Id)
    originator_id: Mapped[str] = mapped_column(Id, server_default=text("''"))
    priority: Mapped[int] = mapped_column(server_default=text("4"))
    recipient: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    give_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int]
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)
    last_status_code: Mapped[int | None]


# Literals, because bound parameters would keep Postgres from using the partial indexes.
_ACCOUNT = literal_column(f"{Priority.ACCOUNT:d}", Delivery.priority.type)


def is_about_interview(delivery: type[Delivery]) -> ColumnElement[bool]:
    """Return the condition that a delivery (or one of an alias) is about an interview, not about an account."""
    return delivery.priority > _ACCOUNT


IS_BY_WEBHOOK = Delivery.channel == literal_column(f"'{Channel.WEBHOOK}'", Delivery.channel.type)
KIND = case(
    (Delivery.event_id.is_not(None), DeliveryKind.EVENT),
    (Delivery.reset_id.is_not(None), DeliveryKind.PASSWORD_RESET),
    (Delivery.webhook_id.is_not(None), DeliveryKind.WEBHOOK_DISABLED),
    (IS_BY_WEBHOOK, DeliveryKind.WEBHOOK_TEST),
    (Delivery.answer.is_not(None), DeliveryKind.ANSWER),
    else_=DeliveryKind.ACCOUNT_MAIL,
)
IS_PENDING = Delivery.status == literal_column(f"'{DeliveryStatus.PENDING}'", Delivery.status.type)
IS_ABOUT_ACCOUNT = Delivery.priority == _ACCOUNT
IS_ABOUT_INTERVIEW = is_about_interview(Delivery)


class Webhook(Base):
    """A company's URL for events; `events` None means all, `secret` signs the requests.

    `previous_secrets` are secrets that were replaced, newest first, each with the Unix time until which it signs as
    well; None before the first rotation.

    `created_by_id` is the user that set its address or secret last, and may be gone; None for webhooks written before
    migration 0007.
    `failing_since` is the time of the first failed attempt since the last successful one.
    """

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    company_id: Mapped[str] = mapped_column(Id, ForeignKey("companies.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    secret: Mapped[str] = mapped_column(Text)
    previous_secrets: Mapped[list[tuple[str, int]] | None] = mapped_column(JSON(none_as_null=True))
    created_by_id: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PushSubscription(Base):
    """A candidate's browser for Web Push; keys in base64url (RFC 8291). An endpoint has one owner."""

    __tablename__ = "push_subscriptions"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    candidate_id: Mapped[str] = mapped_column(Id, ForeignKey("candidates.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(Text, unique=True)
    p256dh: Mapped[str] = mapped_column(Text)
    auth: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MutedCompany(Base):
    """A company that a candidate has muted; `obsolescence.py` says which of its messages still go out."""

    __tablename__ = "muted_companies"

    candidate_id: Mapped[str] = mapped_column(Id, ForeignKey("candidates.id", ondelete="CASCADE"), primary_key=True)
    company_id: Mapped[str] = mapped_column(
        Id, ForeignKey("companies.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


Index(
    "ix_deliveries_due",
    Delivery.channel,
    Delivery.due_at,
    Delivery.id,
    postgresql_where=IS_PENDING,
    sqlite_where=IS_PENDING,
)
_IS_QUEUED = IS_PENDING & IS_ABOUT_INTERVIEW
Index(
    "ix_deliveries_queue",
    Delivery.channel,
    Delivery.originator_id,
    Delivery.attempts,
    Delivery.priority,
    Delivery.due_at,
    Delivery.id,
    postgresql_where=_IS_QUEUED,
    sqlite_where=_IS_QUEUED,
)
_IS_ACCOUNT_QUEUED = IS_PENDING & IS_ABOUT_ACCOUNT
Index(
    "ix_deliveries_account_queue",
    Delivery.channel,
    Delivery.originator_id,
    Delivery.attempts,
    Delivery.due_at,
    Delivery.id,
    postgresql_where=_IS_ACCOUNT_QUEUED,
    sqlite_where=_IS_ACCOUNT_QUEUED,
)
_IS_SENT = Delivery.sent_at.is_not(None) & IS_ABOUT_INTERVIEW
Index(
    "ix_deliveries_sent",
    Delivery.target_id,
    Delivery.sent_at,
    Delivery.originator_id,
    postgresql_where=_IS_SENT,
    sqlite_where=_IS_SENT,
)
_IS_CLAIMED = Delivery.lease.is_not(None)
Index("ix_deliveries_claimed", Delivery.target_id, postgresql_where=_IS_CLAIMED, sqlite_where=_IS_CLAIMED)
Index(
    "ix_deliveries_webhook",
    Delivery.target_id,
    Delivery.id,
    postgresql_where=IS_BY_WEBHOOK,
    sqlite_where=IS_BY_WEBHOOK,
)
Index("ix_deliveries_interview", Delivery.interview_id, Delivery.id)
Index("ix_deliveries_event", Delivery.event_id)

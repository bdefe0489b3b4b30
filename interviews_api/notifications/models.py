"""What is to be delivered, to whom and how far it has come; and the addresses that people and companies gave us."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, is_one_of

_Number = BigInteger().with_variant(Integer, "sqlite")


class Channel(StrEnum):
    """By what something is delivered."""

    EMAIL = "email"
    PUSH = "push"
    WEBHOOK = "webhook"


class DeliveryStatus(StrEnum):
    """How far a delivery has come; the values are the contract's. PLANNED ones have no row yet."""

    PLANNED = "planned"
    PENDING = "pending"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class Distribution(Base):
    """One row: the last event whose deliveries are written. Event ids rise in commit order, so none is missed."""

    __tablename__ = "distribution"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(_Number)


class Delivery(Base):
    """One event (or one request for a new password), for one recipient, by one channel.

    `target_id` is the user, the push subscription or the webhook; `recipient` is how a person reads that. `key` is the
    idempotency key, which receivers see. Pending: it may be tried from `due_at` on, which a claim moves a minute on;
    only who holds the `lease` of the last claim may say what came of it. After `give_up_at` it is a dead letter.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        is_one_of("channel", Channel),
        is_one_of("status", DeliveryStatus),
        UniqueConstraint("key", "channel", "target_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    event_id: Mapped[int | None] = mapped_column(_Number, ForeignKey("events.id"))
    interview_id: Mapped[str | None] = mapped_column(Id, ForeignKey("interviews.id"))
    reset_id: Mapped[str | None] = mapped_column(Id)
    channel: Mapped[str] = mapped_column(Text)
    target_id: Mapped[str] = mapped_column(Id)
    recipient: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    give_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int]
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)


class Webhook(Base):
    """Where a company wants to hear of its interviews. `events` None: of all. `secret` as the company was given it."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    company_id: Mapped[str] = mapped_column(Id, ForeignKey("companies.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    secret: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PushSubscription(Base):
    """A browser that a candidate allowed to be notified (RFC 8291): keys in base64url. One owner for an endpoint."""

    __tablename__ = "push_subscriptions"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    candidate_id: Mapped[str] = mapped_column(Id, ForeignKey("candidates.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(Text, unique=True)
    p256dh: Mapped[str] = mapped_column(Text)
    auth: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


_IS_PENDING = text("status = 'pending'")
Index(
    "ix_deliveries_due",
    Delivery.channel,
    Delivery.due_at,
    Delivery.id,
    postgresql_where=_IS_PENDING,
    sqlite_where=_IS_PENDING,
)
Index("ix_deliveries_interview", Delivery.interview_id, Delivery.id)
Index("ix_deliveries_event", Delivery.event_id)

"""The table of security events: the audit trail of accounts."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime

RETENTION = timedelta(days=180)
"""How long a security event is kept."""


class SecurityEventType(StrEnum):
    """Everything that the audit trail records."""

    SIGNED_IN = "sign_in.succeeded"
    SIGN_IN_FAILED = "sign_in.failed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105  # no password
    PASSWORD_RESET = "password.reset"  # noqa: S105  # no password
    ACCOUNT_CLAIMED = "account.claimed"
    COLLEAGUE_INVITED = "colleague.invited"
    COLLEAGUE_JOINED = "colleague.joined"
    COLLEAGUE_ADDED = "colleague.added"
    COLLEAGUE_ROLE_CHANGED = "colleague.role_changed"
    COLLEAGUE_REMOVED = "colleague.removed"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_UPDATED = "webhook.updated"
    WEBHOOK_SECRET_ROTATED = "webhook.secret_rotated"  # noqa: S105  # no password
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_DISABLED = "webhook.disabled"


class SecurityActor(StrEnum):
    """The cause of a security event, seen from the account. The worker is `system`; a failed sign-in is `unknown`."""

    USER = "user"
    COLLEAGUE = "colleague"
    OPERATOR = "operator"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class SecurityEvent(Base):
    """A row of the audit trail. It refers to no other table, because it outlives users, webhooks and invitations.

    `user_id` is the account concerned; `actor_id` is the colleague that caused the event, and never `user_id`.
    `client_address` is an IPv4 /24 or IPv6 /48 network. `detail` is the id of the webhook or invitation, or the new
    role. `occurrences` is 1, or the number of sign-ins, or of failed ones, that the last row of a day counts.
    """

    __tablename__ = "security_events"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id)
    type: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str | None] = mapped_column(Id)
    client_address: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[str | None] = mapped_column(Text)
    occurrences: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


_HAS_COLLEAGUE = SecurityEvent.actor_id.is_not(None)
Index("ix_security_events_user", SecurityEvent.user_id, SecurityEvent.at.desc(), SecurityEvent.id)
Index(
    "ix_security_events_actor",
    SecurityEvent.actor_id,
    SecurityEvent.at.desc(),
    SecurityEvent.id,
    postgresql_where=_HAS_COLLEAGUE,
    sqlite_where=_HAS_COLLEAGUE,
)
Index("ix_security_events_newest", SecurityEvent.at.desc(), SecurityEvent.id)

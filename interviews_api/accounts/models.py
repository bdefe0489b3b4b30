"""Tables of accounts: users, companies, sessions, their links and mails, and what requests have counted and stored.

A user is a candidate or a company user; e-mail addresses are unique.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, check_one_of


class Role(StrEnum):
    """The role of a user: candidate or company user."""

    CANDIDATE = "candidate"
    COMPANY = "company"


NO_SESSION = ""
"""The session id of a viewer from the operator's identity provider, which keeps its own sessions."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The signed-in user that a request's token names. `session_id` may be NO_SESSION.

    `is_verified` is whether the token says that the address was verified. A verification is for good, so such
    a token stays true. A token without it may be older than the verification.
    """

    user_id: str
    role: Role
    session_id: str
    is_verified: bool = False

    @property
    def keys(self) -> dict[str, str]:
        """The parameters of every statement that starts at the viewer's row."""
        return {"viewer_id": self.user_id, "session_id": self.session_id}


class User(Base):
    """The credentials of a user. `password_hash` is None if the user cannot sign in with a password.

    `email_verified_at` is when the address was verified as the user's, or None: anybody may have registered it.
    """

    __tablename__ = "users"
    __table_args__ = (check_one_of("role", Role),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    email_verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Candidate(Base):
    """A candidate. Its id is the user's id."""

    __tablename__ = "candidates"

    id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    first_name: Mapped[str] = mapped_column(Text)
    last_name: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)


class CompanyRole(StrEnum):
    """The role of a user within its company. Only owners manage colleagues and webhooks."""

    OWNER = "owner"
    MEMBER = "member"


class CompanyUser(Base):
    """A user that acts for a company. Its id is the user's id."""

    __tablename__ = "company_users"
    __table_args__ = (check_one_of("role", CompanyRole),)

    id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    company_id: Mapped[str] = mapped_column(Id, ForeignKey("companies.id"), index=True)
    role: Mapped[str] = mapped_column(Text, server_default=CompanyRole.OWNER.value)


class Session(Base):
    """A session, begun by a sign-in. Its access tokens are valid only while the row exists.

    `refresh_id` is the `jti` of the only refresh token that is still unused. `used_refresh_id` is the `jti` of the
    token used last, which was exchanged for that one at `refreshed_at`. Both are None before the first refresh, and
    once the grace of the used token was ended. `address_hash` is a keyed hash of the client address that signed in:
    others' failures do not lock that address out of the account.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    refresh_id: Mapped[str] = mapped_column(Id)
    used_refresh_id: Mapped[str | None] = mapped_column(Id)
    refreshed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    address_hash: Mapped[str | None] = mapped_column(Text)


Index("ix_sessions_user_address", Session.user_id, Session.address_hash)


class RateLimit(Base):
    """The recent attempts of one account or client address, oldest first: Unix milliseconds and a label of each.

    A label is a keyed hash of the account that the attempt was about, or empty.
    """

    __tablename__ = "rate_limits"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    attempts: Mapped[list[tuple[int, str]]] = mapped_column(JSON)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class PurgeSchedule(Base):
    """A single row, with id 1: when the next purge of expired rows is due."""

    __tablename__ = "purge_schedule"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IdempotentReply(Base):
    """The response to a POST with an `Idempotency-Key`, committed together with the changes of that POST."""

    __tablename__ = "idempotent_replies"

    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    route: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    body_hash: Mapped[str] = mapped_column(Text)
    status: Mapped[int]
    reply: Mapped[str] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class PasswordReset(Base):
    """A request for a new password of an account.

    `is_fanned_out` is true once the fan-out has written its delivery, or has found the user gone. Its column keeps the
    name that it once had. Use of the reset deletes the row.
    """

    __tablename__ = "password_resets"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    email_key: Mapped[str] = mapped_column(Text, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    is_fanned_out: Mapped[bool] = mapped_column("mailed", key="is_fanned_out")


class MailKind(StrEnum):
    """The kind of a mail about an account, and the name of its template after `account_`."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # no password
    COLLEAGUE_CHANGED = "colleague_changed"
    INVITATION = "invitation"
    VERIFICATION = "verification"


class AccountMail(Base):
    """A mail about an account, to the e-mail address that it had when the mail was written.

    `id` is the id of the invitation or verification that the link names, else its own. `details` are the texts of
    its template. `originator_id` is the user or company that causes the mail. `user_id` is the user that it goes to, or
    None for an address that may have no user.
    `is_fanned_out` is true once the fan-out has written its delivery. After `expires_at` the mail is not sent any more.
    """

    __tablename__ = "account_mails"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    originator_id: Mapped[str] = mapped_column(Id)
    user_id: Mapped[str | None] = mapped_column(Id, index=True)
    kind: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    is_fanned_out: Mapped[bool]


class Invitation(Base):
    """An invitation of an e-mail address to join a company. Use of the invitation deletes the row."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("company_id", "email_key"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    company_id: Mapped[str] = mapped_column(Id, ForeignKey("companies.id"))
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text)
    invited_by_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class EmailVerification(Base):
    """A mailed link that verifies a user's e-mail address.

    A verification, or a later registration of the address, deletes the row.
    """

    __tablename__ = "email_verifications"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Approval(StrEnum):
    """The operator's decision about a company."""

    PENDING = "pending"
    APPROVED = "approved"
    SUSPENDED = "suspended"


class Company(Base):
    """An employer. `time_zone` is an IANA name, the default for its interviews.

    `vouched_email` is the `email` that a seed file or a command gave. Any other `email` came by a registration,
    unchecked. `updated_at` is when its row last changed, but for the approval, which no interview shows; None while it
    never did.
    """

    __tablename__ = "companies"
    __table_args__ = (check_one_of("approval", Approval),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    logo: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text)
    approval: Mapped[str] = mapped_column(Text, server_default=Approval.APPROVED.value)
    vouched_email: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


_IS_SUSPENDED = text(f"approval = '{Approval.SUSPENDED}'")
Index("ix_companies_suspended", Company.id, postgresql_where=_IS_SUSPENDED, sqlite_where=_IS_SUSPENDED)

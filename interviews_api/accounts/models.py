"""Who signs in: a user is a candidate or belongs to a company; one user per e-mail address, whatever the role."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, is_one_of


class Role(StrEnum):
    """What a user may be."""

    CANDIDATE = "candidate"
    COMPANY = "company"


NO_SESSION = ""
"""The session id of a viewer from the operator's identity provider, which keeps its own sessions."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The signed-in user that a request's token names. `session_id` may be NO_SESSION."""

    user_id: str
    role: Role
    session_id: str

    @property
    def keys(self) -> dict[str, str]:
        """The parameters of every statement that starts from the viewer's own row."""
        return {"viewer_id": self.user_id, "session_id": self.session_id}


def email_key(email: str) -> str:
    """By what addresses are compared: trimmed, without regard to letter case."""
    return email.strip().lower()  # casefold() would make one address of straße@ and strasse@


class User(Base):
    """The credentials. `password_hash` is None where nobody can sign in with a password."""

    __tablename__ = "users"
    __table_args__ = (is_one_of("role", Role),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Candidate(Base):
    """A user who is invited to interviews; shares the user's id."""

    __tablename__ = "candidates"

    id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    first_name: Mapped[str] = mapped_column(Text)
    last_name: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)


class CompanyUser(Base):
    """A user who acts for a company; shares the user's id."""

    __tablename__ = "company_users"

    id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    company_id: Mapped[str] = mapped_column(Id, ForeignKey("companies.id"), index=True)


class Session(Base):
    """What one sign-in began: while the row is there, its access tokens are good and `refresh_id` may refresh.

    `refresh_id` is the jti of the one refresh token that has not been used.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    refresh_id: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class RateLimit(Base):
    """The attempts that one limit remembers of one account or address: Unix milliseconds, oldest first."""

    __tablename__ = "rate_limits"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    attempts: Mapped[list[int]] = mapped_column(JSON)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class IdempotentReply(Base):
    """What a POST with an `Idempotency-Key` was answered, committed together with what it did."""

    __tablename__ = "idempotent_replies"

    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    route: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    body_hash: Mapped[str] = mapped_column(Text)
    status: Mapped[int]
    reply: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class PasswordReset(Base):
    """A request for a new password, whether or not a user has that address: both cost the same (section 2).

    `mailed` says that its mail was handed to the deliveries. The row is deleted when it is used.
    """

    __tablename__ = "password_resets"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    email_key: Mapped[str] = mapped_column(Text, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    mailed: Mapped[bool]


class Company(Base):
    """An employer. `time_zone` is an IANA name, the default for its interviews."""

    __tablename__ = "companies"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    logo: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text)

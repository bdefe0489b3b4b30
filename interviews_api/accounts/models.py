"""Who signs in: a user is a candidate or belongs to a company; one user per e-mail address, whatever the role."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db import Base, Id, Instant, is_one_of


class Role(StrEnum):
    """What a user may be."""

    CANDIDATE = "candidate"
    COMPANY = "company"


def email_key(email: str) -> str:
    """By what addresses are compared: trimmed, without regard to letter case."""
    return email.strip().casefold()


class User(Base):
    """The credentials. `password_hash` is None where nobody can sign in with a password."""

    __tablename__ = "users"
    __table_args__ = (is_one_of("role", Role),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)


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

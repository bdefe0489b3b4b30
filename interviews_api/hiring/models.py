"""Who hires and for what: companies, their jobs, and the candidates' applications."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db import Base, Id, Instant, is_one_of


class ApplicationStatus(StrEnum):
    """How far an application has come; the values are the contract's."""

    PENDING = "en_attente"
    SEEN = "vu"
    INTERVIEW_SCHEDULED = "entretien_programmer"
    CONFIRMED = "confirme"
    SHORTLISTED = "présélectionné"
    REJECTED = "rejeté"
    CANCELLED = "annule"


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


class Job(Base):
    """A position that a company wants to fill."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    company_id: Mapped[str] = mapped_column(Id, ForeignKey("companies.id"), index=True)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)


class Application(Base):
    """A candidate's application for a job; one for each pair."""

    __tablename__ = "applications"
    __table_args__ = (
        is_one_of("status", ApplicationStatus),
        UniqueConstraint("candidate_id", "job_id"),
        UniqueConstraint("id", "candidate_id"),  # what an interview's own candidate_id refers to
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    candidate_id: Mapped[str] = mapped_column(Id, ForeignKey("candidates.id"))
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id"), index=True)
    status: Mapped[str] = mapped_column(Text)
    applied_at: Mapped[datetime] = mapped_column(Instant)

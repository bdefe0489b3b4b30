"""Who hires and for what: companies, their jobs, and the candidates' applications."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, is_one_of


class ApplicationStatus(StrEnum):
    """How far an application has come; the values are the contract's."""

    PENDING = "en_attente"
    SEEN = "vu"
    INTERVIEW_SCHEDULED = "entretien_programmer"
    CONFIRMED = "confirme"
    SHORTLISTED = "présélectionné"
    REJECTED = "rejeté"
    CANCELLED = "annule"


class Job(Base):
    """A position that a company wants to fill."""

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("id", "company_id"),)  # what an application's own company_id refers to

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    company_id: Mapped[str] = mapped_column(Id, ForeignKey("companies.id"), index=True)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Application(Base):
    """A candidate's application for a job; one for each pair.

    Status and dates follow the last move of any of its interviews (`interviews/moves.py`). `company_id` repeats the
    job's (the composite foreign key keeps it true), so that a company's list is one index range.
    """

    __tablename__ = "applications"
    __table_args__ = (
        ForeignKeyConstraint(["job_id", "company_id"], ["jobs.id", "jobs.company_id"], onupdate="CASCADE"),
        is_one_of("status", ApplicationStatus),
        UniqueConstraint("candidate_id", "job_id"),
        UniqueConstraint("id", "candidate_id", "company_id"),  # what an interview's own copies refer to
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    candidate_id: Mapped[str] = mapped_column(Id, ForeignKey("candidates.id"))
    job_id: Mapped[str] = mapped_column(Id, index=True)
    company_id: Mapped[str] = mapped_column(Id)
    status: Mapped[str] = mapped_column(Text)
    applied_at: Mapped[datetime] = mapped_column(UtcDateTime)
    date_seen: Mapped[datetime | None] = mapped_column(UtcDateTime)
    date_interview_scheduled: Mapped[datetime | None] = mapped_column(UtcDateTime)
    date_confirmed: Mapped[datetime | None] = mapped_column(UtcDateTime)
    date_cancelled: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancellation_reason: Mapped[str | None] = mapped_column(Text)


# Each list newest first is one index range: all jobs, a candidate's applications, a company's.
Index("ix_jobs_newest", Job.created_at.desc(), Job.id)
Index("ix_applications_candidate_newest", Application.candidate_id, Application.applied_at.desc(), Application.id)
Index("ix_applications_company_newest", Application.company_id, Application.applied_at.desc(), Application.id)

"""Tables of jobs and applications."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from interviews_api.db.types import Base, Id, UtcDateTime, check_one_of


class ApplicationStatus(StrEnum):
    """Status of an application. Clients see the values."""

    PENDING = "en_attente"
    SEEN = "vu"
    INTERVIEW_SCHEDULED = "entretien_programmer"
    CONFIRMED = "confirme"
    SHORTLISTED = "présélectionné"
    REJECTED = "rejeté"
    CANCELLED = "annule"


class Job(Base):
    """A job that a company advertises. `updated_at` is when its row last changed, None while it never did."""

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("id", "company_id"),)  # target of the composite key of applications

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    company_id: Mapped[str] = mapped_column(Id, ForeignKey("companies.id"), index=True)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Application(Base):
    """An application of a candidate for a job, at most one per candidate and job.

    Status and dates follow the latest transition of any of its interviews (`interviews/state_machine.py`).
    `company_id` copies the job's, so that a company's list is one index range; a composite foreign key keeps it equal.
    """

    __tablename__ = "applications"
    __table_args__ = (
        ForeignKeyConstraint(["job_id", "company_id"], ["jobs.id", "jobs.company_id"], onupdate="CASCADE"),
        check_one_of("status", ApplicationStatus),
        UniqueConstraint("candidate_id", "job_id"),
        UniqueConstraint("id", "candidate_id", "company_id"),  # target of the composite key of interviews
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


# Each list, newest first, is one index range: all jobs, a candidate's applications, a company's applications.
Index("ix_jobs_newest", Job.created_at.desc(), Job.id)
Index("ix_applications_candidate_newest", Application.candidate_id, Application.applied_at.desc(), Application.id)
Index("ix_applications_company_newest", Application.company_id, Application.applied_at.desc(), Application.id)

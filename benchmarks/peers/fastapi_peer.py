"""FastAPI peer: async SQLAlchemy on asyncpg, ORM models with joined eager loading, Pydantic responses."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel
from sqlalchemy import JSON, DateTime, ForeignKey, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, contains_eager, mapped_column, relationship

Data = TypeVar("Data")
KEY = os.environ["JWT_SECRET_KEY"]
engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=8)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI(openapi_url=None)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSON}


class CompanyRow(Base):
    __tablename__ = "companies"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    logo: Mapped[str | None]
    address: Mapped[str | None]
    phone: Mapped[str | None]
    email: Mapped[str | None]


class JobRow(Base):
    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    title: Mapped[str]
    description: Mapped[str | None]
    company: Mapped[CompanyRow] = relationship()


class ApplicationRow(Base):
    __tablename__ = "applications"
    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    status: Mapped[str]
    applied_at: Mapped[datetime]
    date_confirmed: Mapped[datetime | None]
    date_cancelled: Mapped[datetime | None]
    cancellation_reason: Mapped[str | None]
    job: Mapped[JobRow] = relationship()


class InterviewRow(Base):
    __tablename__ = "interviews"
    id: Mapped[str] = mapped_column(primary_key=True)
    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id"))
    candidate_id: Mapped[str]
    company_id: Mapped[str]
    status: Mapped[str]
    type: Mapped[str]
    starts_at: Mapped[datetime]
    time_zone: Mapped[str]
    location: Mapped[str | None]
    meeting_link: Mapped[str | None]
    notes: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str | None]
    is_hired: Mapped[bool | None]
    feedback: Mapped[dict[str, Any] | None]
    share_feedback: Mapped[bool]
    reschedule_request: Mapped[dict[str, Any] | None]
    revision: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    notices_after: Mapped[datetime]
    next_notice_at: Mapped[datetime | None]
    application: Mapped[ApplicationRow] = relationship()


class EventRow(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[str]
    type: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    revision: Mapped[int]
    candidate_id: Mapped[str]
    company_id: Mapped[str]


def iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"


Instant = Annotated[datetime, PlainSerializer(iso)]


class Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class Company(Model):
    id: str
    name: str
    logo: str | None


class CompanyContact(Company):
    address: str | None
    phone: str | None
    email: str | None


class Job(Model):
    id: str
    title: str


class JobDescribed(Job):
    description: str | None


class Interview(Model):
    interview_id: str
    application_id: str
    company: Company
    job: Job
    status: str
    type: str
    scheduled_date: Instant
    scheduled_time: str
    location: str | None
    meeting_link: str | None
    notes: str | None
    confirmed_at: Instant | None
    completed_at: Instant | None
    cancelled_at: Instant | None
    cancellation_reason: str | None
    is_hired: bool | None
    applied_at: Instant
    scheduled_at: Instant


class Details(Interview):
    company: CompanyContact
    job: JobDescribed
    feedback: dict[str, Any] | None


class Listed(Model):
    interviews: list[Interview]
    total: int
    pending_count: int
    upcoming_count: int
    completed_count: int


class Name(Model):
    name: str


class Title(Model):
    title: str


class Meeting(Model):
    date: Instant
    time: str
    type: str
    location: str | None
    meeting_link: str | None
    company: Name
    job: Title


class Confirmation(Model):
    interview_id: str
    status: str
    confirmed_at: Instant
    interview: Meeting


class Answer(Model, Generic[Data]):
    message: str
    data: Data


def viewer(authorization: Annotated[str, Header()] = "") -> str:
    try:
        token = authorization.removeprefix("Bearer ")
        claims = jwt.decode(token, KEY, algorithms=["HS256"], audience="interviews-api", issuer="interviews-api")
    except jwt.PyJWTError:
        raise HTTPException(401, "Unauthorized") from None
    return str(claims["sub"])


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as database_session:
        yield database_session


Viewer = Annotated[str, Depends(viewer)]
Session = Annotated[AsyncSession, Depends(session)]
INTERVIEW = (
    select(InterviewRow)
    .join(InterviewRow.application)
    .join(ApplicationRow.job)
    .join(JobRow.company)
    .options(contains_eager(InterviewRow.application).contains_eager(ApplicationRow.job).contains_eager(JobRow.company))
)


def common(row: InterviewRow) -> dict[str, Any]:
    return {
        "interview_id": row.id, "application_id": row.application_id, "company": row.application.job.company,
        "job": row.application.job, "status": row.status, "type": row.type, "scheduled_date": row.starts_at,
        "scheduled_time": wall_time(row), "location": row.location, "meeting_link": row.meeting_link,
        "notes": row.notes, "confirmed_at": row.confirmed_at, "completed_at": row.completed_at,
        "cancelled_at": row.cancelled_at, "cancellation_reason": row.cancellation_reason, "is_hired": row.is_hired,
        "applied_at": row.application.applied_at, "scheduled_at": row.created_at,
    }  # fmt: skip


def wall_time(row: InterviewRow) -> str:
    return row.starts_at.astimezone(ZoneInfo(row.time_zone)).strftime("%H:%M")


@app.get("/candidate/interviews")
async def list_interviews(
    me: Viewer, db: Session, limit: Annotated[int, Query(ge=1, le=100)] = 10, skip: Annotated[int, Query(ge=0)] = 0
) -> Answer[Listed]:
    mine = InterviewRow.candidate_id == me
    rows = await db.scalars(
        INTERVIEW.where(mine).order_by(InterviewRow.starts_at.desc(), InterviewRow.id).limit(limit).offset(skip)
    )
    counted = select(
        func.count(),
        func.count().filter(InterviewRow.status == "en_attente"),
        func.count().filter(InterviewRow.status == "confirmed", InterviewRow.starts_at >= datetime.now(UTC)),
        func.count().filter(InterviewRow.status == "completed"),
    ).where(mine)
    total, pending, upcoming, completed = (await db.execute(counted)).one()
    listed = Listed(
        interviews=[Interview(**common(row)) for row in rows], total=total, pending_count=pending,
        upcoming_count=upcoming, completed_count=completed,
    )  # fmt: skip
    return Answer(message="Candidate interviews retrieved successfully", data=listed)


async def get(db: AsyncSession, me: str, interview_id: str) -> InterviewRow:
    row = await db.scalar(INTERVIEW.where(InterviewRow.id == interview_id))
    if row is None:
        raise HTTPException(404, "Interview not found")
    if row.candidate_id != me:
        raise HTTPException(403, "This interview does not belong to you")
    return row


@app.get("/candidate/interviews/{interview_id}")
async def show_interview(me: Viewer, db: Session, interview_id: str) -> Answer[Details]:
    row = await get(db, me, interview_id)
    details = Details(**common(row), feedback=row.feedback if row.share_feedback else None)
    return Answer(message="Interview details retrieved successfully", data=details)


@app.put("/candidate/interviews/{interview_id}/confirm")
async def confirm_interview(me: Viewer, db: Session, interview_id: str) -> Answer[Confirmation]:
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    async with db.begin():
        updated = await db.execute(
            update(InterviewRow)
            .where(InterviewRow.id == interview_id, InterviewRow.candidate_id == me)
            .where(InterviewRow.status == "en_attente")
            .values(status="confirmed", confirmed_at=now, updated_at=now, reschedule_request=None, notices_after=now,
                    next_notice_at=now)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        row = await get(db, me, interview_id)
        if not updated.rowcount:
            raise HTTPException(400, "Interview is no longer pending confirmation")
        row.application.status = "confirme"
        row.application.date_confirmed = now
        row.application.date_cancelled = None
        row.application.cancellation_reason = None
        db.add(
            EventRow(interview_id=row.id, type="interview.confirmed", at=now, actor="candidate", revision=row.revision,
                     candidate_id=me, company_id=row.company_id)
        )  # fmt: skip
    meeting = Meeting(
        date=row.starts_at, time=wall_time(row), type=row.type, location=row.location, meeting_link=row.meeting_link,
        company=Name(name=row.application.job.company.name), job=Title(title=row.application.job.title),
    )  # fmt: skip
    confirmation = Confirmation(interview_id=row.id, status=row.status, confirmed_at=now, interview=meeting)
    return Answer(message="Interview confirmed successfully", data=confirmation)

"""The SQL of jobs and applications. Each list is one statement; those of a viewer start at the viewer's row."""

from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, case, insert, literal_column, select, true, update

from interviews_api.accounts.models import Approval, Candidate, Company, CompanyUser, User, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, OUR_COMPANY, VIEWER, UserRepository
from interviews_api.db.pagination import Page, build_page, count_subquery, page_subquery, read_page
from interviews_api.db.upsert import dialect_insert
from interviews_api.errors import require_own
from interviews_api.hiring.errors import (
    AlreadyApplied,
    ApplicationNotFound,
    CompanyNotFound,
    JobNotFound,
    NotYourApplication,
    NotYourCompany,
)
from interviews_api.hiring.models import Application, ApplicationStatus, Job
from interviews_api.ids import new_id

_JOB = bindparam("job_id", type_=Job.id.type)
_APPLICATION = bindparam("application_id", type_=Application.id.type)
_JOB_COLUMNS = (
    Job.id.label("job_id"),
    Job.title.label("job_title"),
    Job.description.label("job_description"),
    Job.company_id,
    Job.created_at,
)
_COMPANY_COLUMNS = (Company.name.label("company_name"), Company.logo.label("company_logo"))
_APPLICATION_COLUMNS = (
    Application.id.label("application_id"),
    *(column for column in Application.__table__.c if column.name != "id"),
)

_ONE_JOB = select(*_JOB_COLUMNS, *_COMPANY_COLUMNS).join(Company, Company.id == Job.company_id).where(Job.id == _JOB)
# A literal, because a bound parameter would keep Postgres from using the partial index.
_SUSPENDED = select(Company.id).where(
    Company.approval == literal_column(f"'{Approval.SUSPENDED}'", Company.approval.type)
)
_IS_LISTED = Job.company_id.not_in(_SUSPENDED)
_jobs_count = count_subquery(select(Job.id).where(_IS_LISTED))
_jobs_page = page_subquery(select(*_JOB_COLUMNS).where(_IS_LISTED), (Job.created_at.desc(), Job.id))
_JOBS = (
    select(_jobs_count, _jobs_page, *_COMPANY_COLUMNS)
    .select_from(_jobs_count)
    .outerjoin(_jobs_page, true())
    .outerjoin(Company, Company.id == _jobs_page.c.company_id)
)

_NEWEST_APPLICATION_FIRST = (Application.applied_at.desc(), Application.id)
_mine = select(*_APPLICATION_COLUMNS).where(Application.candidate_id == VIEWER)
_my_page, _my_count = page_subquery(_mine, _NEWEST_APPLICATION_FIRST), count_subquery(_mine)
_MINE = (
    select(_my_count, _my_page, Job.title.label("job_title"), *_COMPANY_COLUMNS)
    .select_from(Candidate)
    .join(_my_count, true())
    .outerjoin(_my_page, true())
    .outerjoin(Job, Job.id == _my_page.c.job_id)
    .outerjoin(Company, Company.id == _my_page.c.company_id)
    .where(Candidate.id == VIEWER, IS_SIGNED_IN)
)

_CANDIDATE_COLUMNS = (
    Candidate.first_name,
    Candidate.last_name,
    Candidate.phone.label("candidate_phone"),
    User.email.label("candidate_email"),
)
_ours = select(*_APPLICATION_COLUMNS).where(Application.company_id == OUR_COMPANY)
_our_page, _our_count = page_subquery(_ours, _NEWEST_APPLICATION_FIRST), count_subquery(_ours)
_OURS = (
    select(_our_count, _our_page, Job.title.label("job_title"), *_CANDIDATE_COLUMNS)
    .select_from(CompanyUser)
    .join(_our_count, true())
    .outerjoin(_our_page, true())
    .outerjoin(Job, Job.id == _our_page.c.job_id)
    .outerjoin(Candidate, Candidate.id == _our_page.c.candidate_id)
    .outerjoin(User, User.id == Candidate.id)
    .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
)
_COMPANY = (
    select(CompanyUser.company_id.label("viewer_company_id"), Company.id.label("company_id"))
    .select_from(CompanyUser)
    .outerjoin(Company, Company.id == bindparam("company_id", type_=Company.id.type))
    .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
)
_OUR_APPLICATION = (
    select(
        CompanyUser.company_id.label("viewer_company_id"),
        *_APPLICATION_COLUMNS,
        Job.title.label("job_title"),
        *_CANDIDATE_COLUMNS,
        Company.time_zone,
    )
    .select_from(CompanyUser)
    .join(Company, Company.id == CompanyUser.company_id)
    .outerjoin(Application, Application.id == _APPLICATION)
    .outerjoin(Job, Job.id == Application.job_id)
    .outerjoin(Candidate, Candidate.id == Application.candidate_id)
    .outerjoin(User, User.id == Candidate.id)
    .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
)


class JobRepository:
    """Jobs, readable without a token. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, *, limit: int, skip: int) -> Page:
        """Return a page of the jobs of all companies that are not suspended, newest first."""
        sort = (itemgetter("created_at"), True)
        rows = self._connection.execute(_JOBS, {"limit": limit, "skip": skip}).mappings().all()
        return build_page(rows, id_column="job_id", sort=sort)

    def get(self, job_id: str, *, is_listed: bool = False) -> RowMapping:
        """Return a job with its company, with `is_listed` only if the list has it; raises JobNotFound."""
        statement = _ONE_JOB.where(_IS_LISTED) if is_listed else _ONE_JOB
        row = self._connection.execute(statement, {"job_id": job_id}).mappings().one_or_none()
        if row is None:
            raise JobNotFound
        return row

    def create(self, viewer: Viewer, *, now: datetime, **values: str | None) -> RowMapping:
        """Insert a job of the viewer's company and return it; raises Unauthorized."""
        job_id = new_id()
        company_id = UserRepository(self._connection).get(viewer)["company_id"]
        self._connection.execute(insert(Job).values(id=job_id, company_id=company_id, created_at=now, **values))
        return self.get(job_id)


class ApplicationRepository:
    """Applications as candidates and companies see and change them. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page_of_candidate(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Return a page of the candidate's applications, newest first; raises Unauthorized."""
        return self._read_page(_MINE, viewer, limit=limit, skip=skip)

    def page_of_company(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Return a page of the applications for the company's jobs, newest first; raises Unauthorized."""
        return self._read_page(_OURS, viewer, limit=limit, skip=skip)

    def check_company(self, viewer: Viewer, company_id: str) -> None:
        """Check that the viewer acts for the company; raises Unauthorized, CompanyNotFound or NotYourCompany."""
        row = self._connection.execute(_COMPANY, viewer.keys | {"company_id": company_id}).mappings().one_or_none()
        require_own(
            row, id_key="company_id", owner_key="company_id", not_found=CompanyNotFound, not_yours=NotYourCompany
        )

    def check_job(self, viewer: Viewer, job_id: str) -> RowMapping:
        """Return the job to apply for; raises Unauthorized, or JobNotFound also for a job of a suspended company."""
        UserRepository(self._connection).get(viewer)
        return JobRepository(self._connection).get(job_id, is_listed=True)

    def submit(self, viewer: Viewer, job: RowMapping, *, now: datetime) -> dict[str, Any]:
        """Insert the viewer's application for a job of `check_job` and return it; raises AlreadyApplied."""
        values = {
            "id": new_id(),
            "candidate_id": viewer.user_id,
            "job_id": job["job_id"],
            "company_id": job["company_id"],
            "status": ApplicationStatus.PENDING.value,
            "applied_at": now,
        }
        statement = dialect_insert(self._connection, Application).values(values)
        statement = statement.on_conflict_do_nothing(index_elements=["candidate_id", "job_id"])
        if self._connection.execute(statement.returning(Application.id)).first() is None:
            raise AlreadyApplied
        return values | {"application_id": values["id"]}

    def get_of_company(self, viewer: Viewer, application_id: str) -> RowMapping:
        """Return an application with the company's `time_zone`.

        Raises Unauthorized, ApplicationNotFound or NotYourApplication.
        """
        keys = viewer.keys | {"application_id": application_id}
        row = self._connection.execute(_OUR_APPLICATION, keys).mappings().one_or_none()
        return require_own(
            row,
            id_key="application_id",
            owner_key="company_id",
            not_found=ApplicationNotFound,
            not_yours=NotYourApplication,
        )

    def mark_seen(self, viewer: Viewer, application_id: str, *, now: datetime) -> RowMapping:
        """Set `date_seen` unless it is set, and return the application; raises as `get_of_company` does."""
        self.get_of_company(viewer, application_id)
        is_pending = Application.status == ApplicationStatus.PENDING
        self._connection.execute(
            update(Application)
            .where(Application.id == application_id, Application.date_seen.is_(None))
            .values(date_seen=now, status=case((is_pending, ApplicationStatus.SEEN), else_=Application.status))
        )
        return self.get_of_company(viewer, application_id)

    def _read_page(self, statement: Select[Any], viewer: Viewer, **values: int) -> Page:
        sort = (itemgetter("applied_at"), True)
        return read_page(self._connection, statement, viewer.keys | values, id_column="application_id", sort=sort)

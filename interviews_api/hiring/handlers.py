"""Blueprint `hiring`: jobs and applications, for candidates and companies."""

from typing import Any

from flask import Blueprint
from sqlalchemy import RowMapping

from interviews_api.accounts.approval import approval_required
from interviews_api.accounts.authentication import candidate_required, company_required
from interviews_api.accounts.idempotency import idempotent
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.rate_limits import count_attempt_of
from interviews_api.clock import now
from interviews_api.config.limits import APPLICATIONS, JOBS
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.pagination import Page
from interviews_api.hiring.errors import (
    AlreadyApplied,
    ApplicationNotFound,
    CompanyNotFound,
    JobNotFound,
    NotYourApplication,
    NotYourCompany,
)
from interviews_api.hiring.repository import ApplicationRepository, JobRepository
from interviews_api.hiring.schemas import (
    CandidateApplications,
    CompanyApplication,
    CompanyApplications,
    JobQuery,
    Jobs,
    ListedJob,
    NewJob,
    SubmittedApplication,
)
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery
from interviews_api.web.security_headers import PUBLIC

blueprint = Blueprint("hiring", __name__)


@blueprint.get("/jobs")
@operation("Jobs retrieved successfully", Jobs, query=JobQuery, headers=PUBLIC)
def list_jobs(*, limit: int, skip: int) -> Page:
    """List the jobs of all companies that are not suspended, newest first."""
    with read_connection() as connection:
        return JobRepository(connection).page(limit=limit, skip=skip)


@blueprint.post("/jobs")
@company_required
@approval_required
@idempotent
@operation("Job created successfully", ListedJob, status=201, body=NewJob, limits=(JOBS,))
def create_job(viewer: Viewer, **values: str | None) -> RowMapping:
    """Publish a job of the viewer's company."""
    with transaction() as connection:
        count_attempt_of(viewer, JOBS, owner="company_id")
        return JobRepository(connection).create(viewer, now=now(), **values)


@blueprint.post("/jobs/<id:job_id>/applications")
@candidate_required
@authorize_before_validation(
    lambda connection, viewer, job_id: ApplicationRepository(connection).check_job(viewer, job_id)
)
@idempotent
@operation(
    "Application submitted successfully",
    SubmittedApplication,
    status=201,
    body=Nothing,
    errors=(JobNotFound, AlreadyApplied),
    limits=(APPLICATIONS,),
)
def submit_application(viewer: Viewer, *, job_id: str) -> dict[str, Any]:
    """Apply for a job. A second application for the same job is a conflict."""
    with transaction() as connection:
        applications = ApplicationRepository(connection)
        job = applications.check_job(viewer, job_id)
        count_attempt_of(viewer, APPLICATIONS)
        return applications.submit(viewer, job, now=now())


@blueprint.get("/application-status/candidate")
@candidate_required
@operation("Candidate applications retrieved successfully", CandidateApplications, query=PageQuery, has_etag=True)
def list_own_applications(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """List the viewer's applications with their status, newest first."""
    with read_connection() as connection:
        return ApplicationRepository(connection).page_of_candidate(viewer, limit=limit, skip=skip)


@blueprint.put("/application-status/<id:application_id>/mark-seen")
@company_required
@authorize_before_validation(
    lambda connection, viewer, application_id: ApplicationRepository(connection).get_of_company(viewer, application_id)
)
@operation(
    "Application marked as seen successfully",
    CompanyApplication,
    body=Nothing,
    errors=(NotYourApplication, ApplicationNotFound),
)
def mark_application_seen(viewer: Viewer, *, application_id: str) -> RowMapping:
    """Mark an application as seen. Later calls keep the first date."""
    with transaction() as connection:
        return ApplicationRepository(connection).mark_seen(viewer, application_id, now=now())


@blueprint.get("/interviews/company/<id:company_id>/candidates")
@company_required
@authorize_before_validation(
    lambda connection, viewer, company_id: ApplicationRepository(connection).check_company(viewer, company_id)
)
@operation(
    "Company candidates retrieved successfully",
    CompanyApplications,
    query=PageQuery,
    errors=(NotYourCompany, CompanyNotFound),
)
def list_company_candidates(viewer: Viewer, *, company_id: str, limit: int, skip: int) -> Page:
    """List the applications for the jobs of the viewer's company, newest first."""
    with read_connection() as connection:
        applications = ApplicationRepository(connection)
        applications.check_company(viewer, company_id)
        return applications.page_of_company(viewer, limit=limit, skip=skip)

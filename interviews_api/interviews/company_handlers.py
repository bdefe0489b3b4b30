"""Blueprint `company-interviews`: a company schedules, confirms, reschedules, cancels and completes its interviews."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from sqlalchemy import Connection

from interviews_api.accounts.approval import approval_required
from interviews_api.accounts.authentication import company_required
from interviews_api.accounts.idempotency import idempotent
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.rate_limits import active_limits
from interviews_api.clock import now
from interviews_api.config.limits import INTERVIEWS, TRANSITIONS_OF_INTERVIEW
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.pagination import Page
from interviews_api.hiring.errors import ApplicationNotFound, NotYourApplication, NotYourCompany
from interviews_api.hiring.repository import ApplicationRepository
from interviews_api.ids import is_id
from interviews_api.interviews.company_repository import CompanyInterviewRepository
from interviews_api.interviews.company_schemas import (
    Cancellation,
    CompanyInterview,
    CompanyInterviews,
    CompanyListQuery,
    Completion,
    Reschedule,
    Schedule,
)
from interviews_api.interviews.errors import (
    InterviewNotFound,
    NotYourInterview,
    OverlappingInterview,
    TooManyOpenInterviews,
)
from interviews_api.interviews.state_machine import CANCEL, COMPLETE, CONFIRM, RESCHEDULE
from interviews_api.interviews.transition_repository import Precondition
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.http import peek_body_field
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery

blueprint = Blueprint("company-interviews", __name__, url_prefix="/interviews")

_ACCESS_ERRORS = (NotYourInterview, InterviewNotFound)
_APPLICATION_ACCESS_ERRORS = (NotYourApplication, ApplicationNotFound)


def _check_interview(connection: Connection, viewer: Viewer, interview_id: str) -> None:
    CompanyInterviewRepository(connection).get(viewer, interview_id)


check_interview_access = authorize_before_validation(_check_interview)
check_application_access = authorize_before_validation(
    lambda connection, viewer, application_id: ApplicationRepository(connection).get_of_company(viewer, application_id)
)
check_company_access = authorize_before_validation(
    lambda connection, viewer: CompanyInterviewRepository(connection).check_company(
        viewer, request.args.get("companyId")
    )
)


def _check_application_in_body(connection: Connection, viewer: Viewer) -> None:
    """Raise ApplicationNotFound or NotYourApplication for the application in the refused body, if there is any."""
    if is_id(application_id := peek_body_field("applicationId")):
        ApplicationRepository(connection).get_of_company(viewer, application_id)


@blueprint.post("/schedule")
@company_required
@approval_required
@authorize_before_validation(_check_application_in_body)
@idempotent
@operation(
    "Interview scheduled successfully",
    CompanyInterview,
    status=201,
    body=Schedule,
    errors=(*_APPLICATION_ACCESS_ERRORS, OverlappingInterview, TooManyOpenInterviews),
    limits=(INTERVIEWS,),
)
def schedule_interview(viewer: Viewer, *, application_id: str, **invitation: Any) -> Mapping[Any, Any]:
    """Invite the candidate of an application to an interview."""
    with transaction() as connection:
        interviews = CompanyInterviewRepository(connection)
        return interviews.schedule(viewer, application_id, now=now(), limits=active_limits(), **invitation)


@blueprint.get("/by-status")
@company_required
@check_company_access
@operation(
    "Interviews retrieved successfully",
    CompanyInterviews,
    query=CompanyListQuery,
    errors=(NotYourCompany,),
)
def list_by_status(viewer: Viewer, *, company_id: str | None, **query: Any) -> Page:
    """List the company's interviews, soonest first."""
    with read_connection() as connection:
        interviews = CompanyInterviewRepository(connection)
        interviews.check_company(viewer, company_id)
        return interviews.page(viewer, **query)


@blueprint.get("/application/<id:application_id>")
@company_required
@check_application_access
@operation("Interviews retrieved successfully", CompanyInterviews, query=PageQuery, errors=_APPLICATION_ACCESS_ERRORS)
def list_of_application(viewer: Viewer, *, application_id: str, limit: int, skip: int) -> Page:
    """List the interviews of an application, soonest first."""
    with read_connection() as connection:
        return CompanyInterviewRepository(connection).page_of_application(
            viewer, application_id, limit=limit, skip=skip
        )


@blueprint.get('/<id(besides="schedule"):interview_id>')
@company_required
@operation("Interview details retrieved successfully", CompanyInterview, errors=_ACCESS_ERRORS, has_etag=True)
def show_company_interview(viewer: Viewer, *, interview_id: str) -> Mapping[Any, Any]:
    """Show an interview of the company, with everything that the company knows."""
    with read_connection() as connection:
        return CompanyInterviewRepository(connection).get(viewer, interview_id)


@blueprint.put("/<id:interview_id>/confirm")
@company_required
@check_interview_access
@operation(
    "Interview confirmed successfully",
    CompanyInterview,
    body=Nothing,
    errors=(*_ACCESS_ERRORS, CONFIRM.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW,),
    if_match_read=show_company_interview,
)
def confirm_for_candidate(viewer: Viewer, *, interview_id: str, precondition: Precondition | None) -> Mapping[Any, Any]:
    """Confirm a pending interview for a candidate that has confirmed by phone."""
    with transaction() as connection:
        interviews = CompanyInterviewRepository(connection)
        return interviews.apply(CONFIRM, viewer, interview_id, precondition, limits=active_limits())


@blueprint.put("/<id:interview_id>/reschedule")
@company_required
@approval_required
@check_interview_access
@operation(
    "Interview rescheduled successfully",
    CompanyInterview,
    body=Reschedule,
    errors=(*_ACCESS_ERRORS, RESCHEDULE.refusal, OverlappingInterview),
    limits=(TRANSITIONS_OF_INTERVIEW,),
    if_match_read=show_company_interview,
)
def reschedule_interview(
    viewer: Viewer, *, interview_id: str, precondition: Precondition | None, **changes: Any
) -> Mapping[Any, Any]:
    """Give the interview another time; omitted fields stay. The candidate has to confirm it again.

    Where only link, notes or internal notes change, a confirmation stays.
    """
    with transaction() as connection:
        return CompanyInterviewRepository(connection).reschedule(
            viewer, interview_id, precondition, now=now(), limits=active_limits(), **changes
        )


@blueprint.put("/<id:interview_id>/cancel")
@company_required
@check_interview_access
@operation(
    "Interview cancelled successfully",
    CompanyInterview,
    body=Cancellation,
    errors=(*_ACCESS_ERRORS, CANCEL.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW,),
    if_match_read=show_company_interview,
)
def cancel_interview(
    viewer: Viewer, *, interview_id: str, precondition: Precondition | None, cancellation_reason: str
) -> Mapping[Any, Any]:
    """Cancel the interview with a reason."""
    with transaction() as connection:
        interviews = CompanyInterviewRepository(connection)
        changes = {"cancellation_reason": cancellation_reason}
        return interviews.apply(CANCEL, viewer, interview_id, precondition, limits=active_limits(), **changes)


@blueprint.put("/<id:interview_id>/complete")
@company_required
@check_interview_access
@operation(
    "Interview completed successfully",
    CompanyInterview,
    body=Completion,
    errors=(*_ACCESS_ERRORS, COMPLETE.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW,),
    if_match_read=show_company_interview,
)
def complete_interview(
    viewer: Viewer, *, interview_id: str, precondition: Precondition | None, **outcome: Any
) -> Mapping[Any, Any]:
    """Complete the interview with feedback; a hiring decision shortlists or rejects the application."""
    with transaction() as connection:
        interviews = CompanyInterviewRepository(connection)
        return interviews.apply(COMPLETE, viewer, interview_id, precondition, limits=active_limits(), **outcome)

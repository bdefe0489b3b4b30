"""The blueprint `company-interviews`: how a company schedules, moves and ends its interviews."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from sqlalchemy import Connection

from interviews_api.accounts.idempotency import idempotent
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.tokens import company_required
from interviews_api.clock import now
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.pagination import Page
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
from interviews_api.interviews.state_machine import CANCEL, COMPLETE, CONFIRM, RESCHEDULE, Transition
from interviews_api.interviews.transition_repository import Check
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.http import peek_body_field
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery

blueprint = Blueprint("company-interviews", __name__, url_prefix="/interviews")

_OVERLAP = "The candidate already has an interview with you at this time"
_OWN = {403: "This interview does not belong to you", 404: "Interview not found"}
_OWN_APPLICATION = {403: "This application does not belong to you", 404: "Application not found"}


def _refusals(move: Transition) -> dict[int, str]:
    return _OWN | {400: move.refusal}


check_interview_access = authorize_before_validation(
    lambda connection, viewer, interview_id: CompanyInterviewRepository(connection).get(viewer, interview_id)
)
check_application_access = authorize_before_validation(
    lambda connection, viewer, application_id: ApplicationRepository(connection).get_of_company(viewer, application_id)
)
check_company_access = authorize_before_validation(
    lambda connection, viewer: CompanyInterviewRepository(connection).check_company(
        viewer, request.args.get("companyId")
    )
)


def _check_application(connection: Connection, viewer: Viewer) -> None:
    """Whose the application in the body is, if the body names one."""
    if is_id(application_id := peek_body_field("applicationId")):
        ApplicationRepository(connection).get_of_company(viewer, application_id)


@blueprint.post("/schedule")
@company_required
@idempotent
@authorize_before_validation(_check_application)
@operation(
    "Interview scheduled successfully",
    CompanyInterview,
    status=201,
    body=Schedule,
    errors=_OWN_APPLICATION | {409: _OVERLAP},
)
def schedule_interview(viewer: Viewer, *, application_id: str, **invitation: Any) -> Mapping[Any, Any]:
    """Invite the candidate of an application."""
    with transaction() as connection:
        return CompanyInterviewRepository(connection).schedule(viewer, application_id, now=now(), **invitation)


@blueprint.get("/by-status")
@company_required
@check_company_access
@operation(
    "Interviews retrieved successfully",
    CompanyInterviews,
    query=CompanyListQuery,
    errors={403: "This company is not yours"},
)
def list_by_status(viewer: Viewer, *, company_id: str | None, **query: Any) -> Page:
    """The company's interviews, soonest first."""
    with read_connection() as connection:
        interviews = CompanyInterviewRepository(connection)
        interviews.check_company(viewer, company_id)
        return interviews.page(viewer, **query)


@blueprint.get("/application/<id:application_id>")
@company_required
@check_application_access
@operation("Interviews retrieved successfully", CompanyInterviews, query=PageQuery, errors=_OWN_APPLICATION)
def list_of_application(viewer: Viewer, *, application_id: str, limit: int, skip: int) -> Page:
    """The interviews about one application, soonest first."""
    with read_connection() as connection:
        return CompanyInterviewRepository(connection).page_of_application(
            viewer, application_id, limit=limit, skip=skip
        )


@blueprint.get('/<id(besides="schedule"):interview_id>')
@company_required
@operation("Interview details retrieved successfully", CompanyInterview, errors=_OWN, has_etag=True)
def show_company_interview(viewer: Viewer, *, interview_id: str) -> Mapping[Any, Any]:
    """One of the company's interviews, with all that the company knows."""
    with read_connection() as connection:
        return CompanyInterviewRepository(connection).get(viewer, interview_id)


@blueprint.put("/<id:interview_id>/confirm")
@company_required
@check_interview_access
@operation(
    "Interview confirmed successfully",
    CompanyInterview,
    body=Nothing,
    errors=_refusals(CONFIRM),
    if_match=show_company_interview,
)
def confirm_for_candidate(viewer: Viewer, *, interview_id: str, check: Check | None) -> Mapping[Any, Any]:
    """Say yes on the candidate's behalf, who did so by phone."""
    with transaction() as connection:
        return CompanyInterviewRepository(connection).move(CONFIRM, viewer, interview_id, check)


@blueprint.put("/<id:interview_id>/reschedule")
@company_required
@check_interview_access
@operation(
    "Interview rescheduled successfully",
    CompanyInterview,
    body=Reschedule,
    errors=_refusals(RESCHEDULE) | {409: _OVERLAP},
    if_match=show_company_interview,
)
def reschedule_interview(viewer: Viewer, *, interview_id: str, check: Check | None, **given: Any) -> Mapping[Any, Any]:
    """Move the interview to another time; what is left out stays as it was. The candidate has to confirm anew."""
    with transaction() as connection:
        return CompanyInterviewRepository(connection).reschedule(viewer, interview_id, check, now=now(), **given)


@blueprint.put("/<id:interview_id>/cancel")
@company_required
@check_interview_access
@operation(
    "Interview cancelled successfully",
    CompanyInterview,
    body=Cancellation,
    errors=_refusals(CANCEL),
    if_match=show_company_interview,
)
def cancel_interview(
    viewer: Viewer, *, interview_id: str, check: Check | None, cancellation_reason: str
) -> Mapping[Any, Any]:
    """Call the interview off, and say why."""
    with transaction() as connection:
        interviews = CompanyInterviewRepository(connection)
        return interviews.move(CANCEL, viewer, interview_id, check, cancellation_reason=cancellation_reason)


@blueprint.put("/<id:interview_id>/complete")
@company_required
@check_interview_access
@operation(
    "Interview completed successfully",
    CompanyInterview,
    body=Completion,
    errors=_refusals(COMPLETE),
    if_match=show_company_interview,
)
def complete_interview(viewer: Viewer, *, interview_id: str, check: Check | None, **outcome: Any) -> Mapping[Any, Any]:
    """Say how it went; with a decision, the application is shortlisted or rejected."""
    with transaction() as connection:
        return CompanyInterviewRepository(connection).move(COMPLETE, viewer, interview_id, check, **outcome)

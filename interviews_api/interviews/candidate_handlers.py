"""Blueprint `candidate-interviews`: a signed-in candidate reads and answers interviews."""

from datetime import datetime
from typing import Any

from flask import Blueprint

from interviews_api.accounts.authentication import candidate_required
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.rate_limits import active_limits
from interviews_api.cache import Version, Versioned
from interviews_api.clock import now
from interviews_api.config.limits import RESCHEDULE_REQUESTS, TRANSITIONS_OF_INTERVIEW
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.pagination import Page
from interviews_api.db.prepared import Row
from interviews_api.events.log import EventLog
from interviews_api.interviews.briefing_repository import BriefingRepository
from interviews_api.interviews.briefing_schemas import InterviewBriefing
from interviews_api.interviews.candidate_repository import CandidateInterviewRepository
from interviews_api.interviews.candidate_schemas import (
    CandidateInterviews,
    Confirmation,
    InterviewDetails,
    InterviewHistory,
    ListQuery,
    PendingInterviews,
    Reason,
    RescheduleWish,
    Timeline,
    UpcomingInterviews,
    UpcomingQuery,
)
from interviews_api.interviews.errors import InterviewNotFound, NotYourInterview
from interviews_api.interviews.reschedule_requests import new_request
from interviews_api.interviews.state_machine import CONFIRM, DECLINE, REQUEST_RESCHEDULE
from interviews_api.interviews.transition_repository import Precondition, is_single_statement
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery, UnlimitedPageQuery
from interviews_api.web.route_contract import CachePolicy

blueprint = Blueprint("candidate-interviews", __name__, url_prefix="/candidate/interviews")

_ACCESS_ERRORS = (NotYourInterview, InterviewNotFound)


def _current_version(viewer: Viewer, **_query: object) -> Version:
    with read_connection() as connection:
        return CandidateInterviewRepository(connection).version(viewer)


_CACHE = CachePolicy(_current_version)

check_interview_access = authorize_before_validation(
    lambda connection, viewer, interview_id: CandidateInterviewRepository(connection).get(viewer, interview_id)
)


@blueprint.get("")
@candidate_required
@operation(
    "Candidate interviews retrieved successfully",
    CandidateInterviews,
    query=ListQuery,
    has_etag=True,
    cache=_CACHE,
)
def list_interviews(viewer: Viewer, *, status: str | None, limit: int, skip: int) -> Versioned[Page]:
    """List the candidate's interviews, newest first, with counts over all of them."""
    with read_connection() as connection:
        interviews = CandidateInterviewRepository(connection)
        return interviews.page(viewer, now=now(), status=status, limit=limit, skip=skip)


@blueprint.get("/pending")
@candidate_required
@operation(
    "Pending interviews retrieved successfully",
    PendingInterviews,
    query=UnlimitedPageQuery,
    has_etag=True,
    cache=_CACHE,
)
def list_pending(viewer: Viewer, *, limit: int, skip: int) -> Versioned[Page]:
    """List the interviews that the candidate has yet to confirm, soonest first."""
    with read_connection() as connection:
        return CandidateInterviewRepository(connection).pending(viewer, limit=limit, skip=skip)


@blueprint.get("/upcoming")
@candidate_required
@operation(
    "Upcoming interviews retrieved successfully",
    UpcomingInterviews,
    query=UpcomingQuery,
    has_etag=True,
    cache=_CACHE,
)
def list_upcoming(viewer: Viewer, *, ongoing: bool, limit: int, skip: int) -> Versioned[Page]:
    """List the confirmed interviews that have not begun, soonest first; with `ongoing`, those that have not ended."""
    with read_connection() as connection:
        interviews = CandidateInterviewRepository(connection)
        return interviews.upcoming(viewer, now=now(), includes_ongoing=ongoing, limit=limit, skip=skip)


@blueprint.get("/history")
@candidate_required
@operation("Interview history retrieved successfully", InterviewHistory, query=PageQuery, has_etag=True, cache=_CACHE)
def list_history(viewer: Viewer, *, limit: int, skip: int) -> Versioned[Page]:
    """List the completed and cancelled interviews, newest first."""
    with read_connection() as connection:
        return CandidateInterviewRepository(connection).history(viewer, limit=limit, skip=skip)


@blueprint.get("/<id:interview_id>")
@candidate_required
@operation(
    "Interview details retrieved successfully", InterviewDetails, errors=_ACCESS_ERRORS, has_etag=True, cache=_CACHE
)
def show_interview(viewer: Viewer, *, interview_id: str) -> Versioned[Row]:
    """Show an interview with the company's contact and any shared feedback."""
    with read_connection() as connection:
        return CandidateInterviewRepository(connection).get_versioned(viewer, interview_id)


@blueprint.get("/<id:interview_id>/briefing")
@candidate_required
@operation(
    "Interview briefing retrieved successfully", InterviewBriefing, errors=_ACCESS_ERRORS, has_etag=True, cache=_CACHE
)
def show_briefing(viewer: Viewer, *, interview_id: str) -> Versioned[dict[str, Any]]:
    """Show what the candidate may do with an interview now, its end, its contact and its reschedule request."""
    with read_connection() as connection:
        return BriefingRepository(connection).get(viewer, interview_id, now=now())


@blueprint.get("/<id:interview_id>/timeline")
@candidate_required
@operation("Interview timeline retrieved successfully", Timeline, errors=_ACCESS_ERRORS, has_etag=True)
def show_timeline(viewer: Viewer, *, interview_id: str) -> Page:
    """List the events of an interview, oldest first; of more than 1,000 the newest."""
    with read_connection() as connection:
        CandidateInterviewRepository(connection).get(viewer, interview_id)
        return EventLog(connection).timeline(interview_id)


@blueprint.put("/<id:interview_id>/confirm")
@candidate_required
@check_interview_access
@operation(
    "Interview confirmed successfully",
    Confirmation,
    body=Nothing,
    errors=(*_ACCESS_ERRORS, CONFIRM.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW,),
    if_match_read=show_interview,
)
def confirm_interview(viewer: Viewer, *, interview_id: str, precondition: Precondition | None) -> Row:
    """Confirm a pending interview. Of several requests at once, exactly one gets a 200."""
    limits = active_limits()
    with transaction(single_statement=is_single_statement(CONFIRM, precondition, limits)) as connection:
        interviews = CandidateInterviewRepository(connection)
        return interviews.apply(CONFIRM, viewer, interview_id, precondition, limits=limits)


@blueprint.put("/<id:interview_id>/decline")
@candidate_required
@check_interview_access
@operation(
    "Interview declined successfully",
    InterviewDetails,
    body=Reason,
    errors=(*_ACCESS_ERRORS, DECLINE.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW,),
    if_match_read=show_interview,
)
def decline_interview(
    viewer: Viewer, *, interview_id: str, precondition: Precondition | None, reason: str | None
) -> Row:
    """Decline an interview that is still open."""
    limits, changes = active_limits(), {"cancellation_reason": reason}
    with transaction(single_statement=is_single_statement(DECLINE, precondition, limits)) as connection:
        interviews = CandidateInterviewRepository(connection)
        return interviews.apply(DECLINE, viewer, interview_id, precondition, limits=limits, **changes)


@blueprint.put("/<id:interview_id>/request-reschedule")
@candidate_required
@check_interview_access
@operation(
    "Reschedule requested successfully",
    InterviewDetails,
    body=RescheduleWish,
    errors=(*_ACCESS_ERRORS, REQUEST_RESCHEDULE.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW, RESCHEDULE_REQUESTS),
    if_match_read=show_interview,
)
def request_reschedule(
    viewer: Viewer,
    *,
    interview_id: str,
    precondition: Precondition | None,
    reason: str | None,
    proposed_times: list[datetime],
) -> Row:
    """Ask the company for another time. A second request replaces the first."""
    limits, changes = active_limits(), {"reschedule_request": new_request(reason, proposed_times)}
    with transaction(single_statement=is_single_statement(REQUEST_RESCHEDULE, precondition, limits)) as connection:
        interviews = CandidateInterviewRepository(connection)
        return interviews.apply(REQUEST_RESCHEDULE, viewer, interview_id, precondition, limits=limits, **changes)

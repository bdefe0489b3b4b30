"""The blueprint `candidate-interviews`: what a signed-in candidate sees of the own interviews, and how one answers."""

from datetime import datetime
from typing import Any

from flask import Blueprint

from interviews_api.accounts.models import Viewer
from interviews_api.accounts.tokens import candidate_required
from interviews_api.cache import Version
from interviews_api.clock import format_instant, now
from interviews_api.db.connections import pooled, read_connection, single_change
from interviews_api.db.pagination import Page
from interviews_api.db.prepared import Row
from interviews_api.events.log import EventLog
from interviews_api.interviews.candidate_repository import CandidateInterviewRepository, freshness
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
)
from interviews_api.interviews.state_machine import CONFIRM, DECLINE, REQUEST_RESCHEDULE
from interviews_api.interviews.transition_repository import Check
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.operation import CachePolicy, operation
from interviews_api.web.page_query import AnyPage, PageQuery

blueprint = Blueprint("candidate-interviews", __name__, url_prefix="/candidate/interviews")

_OWN = {403: "This interview does not belong to you", 404: "Interview not found"}


def _version(viewer: Viewer) -> Version:
    with pooled() as connection:
        return CandidateInterviewRepository(connection).version(viewer)


_CACHE = CachePolicy(_version, freshness)

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
def list_interviews(viewer: Viewer, *, status: str | None, limit: int, skip: int) -> Page:
    """All of one's interviews, newest first, with counts over all of them."""
    with pooled() as connection:
        interviews = CandidateInterviewRepository(connection)
        return interviews.page(viewer, now=now(), status=status, limit=limit, skip=skip)


@blueprint.get("/pending")
@candidate_required
@operation("Pending interviews retrieved successfully", PendingInterviews, query=AnyPage, has_etag=True, cache=_CACHE)
def list_pending(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """Interviews that wait for one's confirmation, soonest first."""
    with pooled() as connection:
        return CandidateInterviewRepository(connection).pending(viewer, limit=limit, skip=skip)


@blueprint.get("/upcoming")
@candidate_required
@operation("Upcoming interviews retrieved successfully", UpcomingInterviews, query=AnyPage, has_etag=True, cache=_CACHE)
def list_upcoming(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """Confirmed interviews that have not begun, soonest first."""
    with pooled() as connection:
        return CandidateInterviewRepository(connection).upcoming(viewer, now=now(), limit=limit, skip=skip)


@blueprint.get("/history")
@candidate_required
@operation("Interview history retrieved successfully", InterviewHistory, query=PageQuery, has_etag=True, cache=_CACHE)
def list_history(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """Completed and cancelled interviews, newest first."""
    with pooled() as connection:
        return CandidateInterviewRepository(connection).history(viewer, limit=limit, skip=skip)


@blueprint.get("/<id:interview_id>")
@candidate_required
@operation("Interview details retrieved successfully", InterviewDetails, errors=_OWN, has_etag=True, cache=_CACHE)
def show_interview(viewer: Viewer, *, interview_id: str) -> Row:
    """One of one's interviews, with how to reach the company and any shared feedback."""
    with pooled() as connection:
        return CandidateInterviewRepository(connection).get(viewer, interview_id)


@blueprint.get("/<id:interview_id>/timeline")
@candidate_required
@operation("Interview timeline retrieved successfully", Timeline, errors=_OWN, has_etag=True)
def show_timeline(viewer: Viewer, *, interview_id: str) -> dict[str, Any]:
    """Everything that ever happened to one of one's interviews, oldest first."""
    with read_connection() as connection:
        CandidateInterviewRepository(connection).get(viewer, interview_id)
        events = EventLog(connection).timeline(interview_id)
    return {"events": events, "total": len(events)}


@blueprint.put("/<id:interview_id>/confirm")
@candidate_required
@check_interview_access
@operation(
    "Interview confirmed successfully",
    Confirmation,
    body=Nothing,
    errors=_OWN | {400: CONFIRM.refusal},
    if_match=show_interview,
)
def confirm_interview(viewer: Viewer, *, interview_id: str, check: Check | None) -> Row:
    """Say yes to a pending interview; of many at once, one is answered with 200."""
    with single_change(begins=check is not None) as connection:
        return CandidateInterviewRepository(connection).move(CONFIRM, viewer, interview_id, check)


@blueprint.put("/<id:interview_id>/decline")
@candidate_required
@check_interview_access
@operation(
    "Interview declined successfully",
    InterviewDetails,
    body=Reason,
    errors=_OWN | {400: DECLINE.refusal},
    if_match=show_interview,
)
def decline_interview(viewer: Viewer, *, interview_id: str, check: Check | None, reason: str | None) -> Row:
    """Say no to an interview that is still open."""
    with single_change(begins=check is not None) as connection:
        interviews = CandidateInterviewRepository(connection)
        return interviews.move(DECLINE, viewer, interview_id, check, cancellation_reason=reason)


@blueprint.put("/<id:interview_id>/request-reschedule")
@candidate_required
@check_interview_access
@operation(
    "Reschedule requested successfully",
    InterviewDetails,
    body=RescheduleWish,
    errors=_OWN | {400: REQUEST_RESCHEDULE.refusal},
    if_match=show_interview,
)
def request_reschedule(
    viewer: Viewer, *, interview_id: str, check: Check | None, reason: str | None, proposed_times: list[datetime]
) -> Row:
    """Ask for another time; the company sees it until it moves the interview. A second request replaces the first."""
    request = {
        "reason": reason,
        "proposed_times": [format_instant(one) for one in proposed_times],
        "requested_at": format_instant(now()),
    }
    with single_change(begins=check is not None) as connection:
        interviews = CandidateInterviewRepository(connection)
        return interviews.move(REQUEST_RESCHEDULE, viewer, interview_id, check, reschedule_request=request)

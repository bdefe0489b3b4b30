"""The blueprint `candidate-interviews`: what a signed-in candidate sees of the own interviews, and the yes."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint
from sqlalchemy import RowMapping

from interviews_api.accounts.models import Viewer
from interviews_api.accounts.tokens import candidate_required
from interviews_api.clock import now
from interviews_api.db import reading, transaction
from interviews_api.errors import InputRefused
from interviews_api.fields import Nothing
from interviews_api.interviews.repository import InterviewRepository, Page
from interviews_api.interviews.schemas import (
    AnyPage,
    CandidateInterviews,
    Confirmation,
    InterviewDetails,
    InterviewHistory,
    ListQuery,
    PageQuery,
    PendingInterviews,
    UpcomingInterviews,
)
from interviews_api.operation import operation

blueprint = Blueprint("candidate-interviews", __name__, url_prefix="/candidate/interviews")


def own_interview_first(view: Callable[..., Any]) -> Callable[..., Any]:
    """Whether the interview exists (404) and is one's own (403) is said before what is wrong with the body."""

    @wraps(view)
    def guarded(viewer: Viewer, interview_id: str) -> Any:
        try:
            return view(viewer, interview_id=interview_id)
        except InputRefused:
            with reading() as connection:
                InterviewRepository(connection).get(viewer, interview_id)
            raise

    return guarded


@blueprint.get("")
@candidate_required
@operation("Candidate interviews retrieved successfully", CandidateInterviews, query=ListQuery)
def list_interviews(viewer: Viewer, *, status: str | None, limit: int, skip: int) -> Page:
    """All of one's interviews, newest first, with counts over all of them."""
    with reading() as connection:
        interviews = InterviewRepository(connection)
        return interviews.page(viewer, now=now(), status=status, limit=limit, skip=skip)


@blueprint.get("/pending")
@candidate_required
@operation("Pending interviews retrieved successfully", PendingInterviews, query=AnyPage)
def list_pending(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """Interviews that wait for one's confirmation, soonest first."""
    with reading() as connection:
        return InterviewRepository(connection).pending(viewer, limit=limit, skip=skip)


@blueprint.get("/upcoming")
@candidate_required
@operation("Upcoming interviews retrieved successfully", UpcomingInterviews, query=AnyPage)
def list_upcoming(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """Confirmed interviews that have not begun, soonest first."""
    with reading() as connection:
        return InterviewRepository(connection).upcoming(viewer, now=now(), limit=limit, skip=skip)


@blueprint.get("/history")
@candidate_required
@operation("Interview history retrieved successfully", InterviewHistory, query=PageQuery)
def list_history(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """Completed and cancelled interviews, newest first."""
    with reading() as connection:
        return InterviewRepository(connection).history(viewer, limit=limit, skip=skip)


@blueprint.get("/<id:interview_id>")
@candidate_required
@operation(
    "Interview details retrieved successfully",
    InterviewDetails,
    errors={403: "This interview does not belong to you", 404: "Interview not found"},
)
def show_interview(viewer: Viewer, *, interview_id: str) -> RowMapping:
    """One of one's interviews, with how to reach the company and any shared feedback."""
    with reading() as connection:
        return InterviewRepository(connection).get(viewer, interview_id)


@blueprint.put("/<id:interview_id>/confirm")
@candidate_required
@own_interview_first
@operation(
    "Interview confirmed successfully",
    Confirmation,
    body=Nothing,
    errors={
        400: "Interview is no longer pending confirmation",
        403: "This interview does not belong to you",
        404: "Interview not found",
    },
)
def confirm_interview(viewer: Viewer, *, interview_id: str) -> RowMapping:
    """Say yes to a pending interview; of many at once, one is answered with 200."""
    with transaction() as connection:
        return InterviewRepository(connection).confirm(viewer, interview_id, now=now())

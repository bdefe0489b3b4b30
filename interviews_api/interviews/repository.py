"""What a candidate reads of the own interviews: one statement behind each read, built once.

Every statement starts from the candidate's own row, so that it also says whether the candidate still exists.
"""

from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, bindparam, case, select, true

from interviews_api.accounts.models import Candidate, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, VIEWER
from interviews_api.errors import Forbidden, IllegalMove, NotFound, Unauthorized
from interviews_api.hiring.models import Application, Company, Job
from interviews_api.interviews.models import PAST_STATUSES, Actor, Interview, InterviewStatus
from interviews_api.interviews.move_repository import Check, MoveRepository, status_is
from interviews_api.interviews.moves import Move
from interviews_api.pages import Page, count_where, cut, read_page, tally

_INTERVIEW = bindparam("interview_id", type_=Interview.id.type)
_NOW = bindparam("now", type_=Interview.starts_at.type)
_STATUS = bindparam("status", type_=Interview.status.type)

_IS_MINE = Interview.candidate_id == VIEWER
_IS_PENDING = status_is(InterviewStatus.PENDING)
_IS_UPCOMING = status_is(InterviewStatus.CONFIRMED) & (Interview.starts_at >= _NOW)
_IS_COMPLETED = status_is(InterviewStatus.COMPLETED)
_IS_PAST = status_is(*PAST_STATUSES)

SHOWN = (
    Interview.id.label("interview_id"),
    Interview.application_id,
    Interview.status,
    Interview.type,
    Interview.starts_at,
    Interview.time_zone,
    Interview.location,
    Interview.meeting_link,
    Interview.notes,
    Interview.confirmed_at,
    Interview.completed_at,
    Interview.cancelled_at,
    Interview.cancellation_reason,
    Interview.is_hired,
    Interview.created_at,
)
BRIEF = (
    Company.id.label("company_id"),
    Company.name.label("company_name"),
    Company.logo.label("company_logo"),
    Job.id.label("job_id"),
    Job.title.label("job_title"),
)

_NEWEST_FIRST = (Interview.starts_at.desc(), Interview.id)
_SOONEST_FIRST = (Interview.starts_at, Interview.id)


_OVERVIEW = (
    count_where(_IS_PENDING, "pending_count"),
    count_where(_IS_UPCOMING, "upcoming_count"),
    count_where(_IS_COMPLETED, "completed_count"),
)


def _page(condition: ColumnElement[bool], order: tuple[Any, ...], *, has_overview: bool = False) -> Select[Any]:
    """One statement for a page and its counts: at least one row as long as the candidate is signed in."""
    mine = select(*SHOWN).where(_IS_MINE)
    page = cut(mine.where(condition), order)
    counts = tally(mine, count_where(condition, "total"), *_OVERVIEW) if has_overview else tally(mine.where(condition))
    return (
        select(counts, page, Application.applied_at, *BRIEF)
        .select_from(Candidate)
        .join(counts, true())
        .outerjoin(page, true())
        .outerjoin(Application, Application.id == page.c.application_id)
        .outerjoin(Job, Job.id == Application.job_id)
        .outerjoin(Company, Company.id == Job.company_id)
        .where(Candidate.id == VIEWER, IS_SIGNED_IN)
    )


_ALL = _page(true(), _NEWEST_FIRST, has_overview=True)
_OF_STATUS = _page(Interview.status == _STATUS, _NEWEST_FIRST, has_overview=True)
_PENDING = _page(_IS_PENDING, _SOONEST_FIRST)
_UPCOMING = _page(_IS_UPCOMING, _SOONEST_FIRST)
_HISTORY = _page(_IS_PAST, _NEWEST_FIRST)

_DETAILS = (
    select(
        *SHOWN,
        Interview.candidate_id,
        Interview.duration_minutes,
        Interview.revision,
        Interview.updated_at,
        case((Interview.share_feedback, Interview.feedback)).label("feedback"),
        Application.applied_at,
        *BRIEF,
        Company.address.label("company_address"),
        Company.phone.label("company_phone"),
        Company.email.label("company_email"),
        Job.description.label("job_description"),
    )
    .select_from(Candidate)
    .outerjoin(Interview, Interview.id == _INTERVIEW)
    .outerjoin(Application, Application.id == Interview.application_id)
    .outerjoin(Job, Job.id == Application.job_id)
    .outerjoin(Company, Company.id == Job.company_id)
    .where(Candidate.id == VIEWER, IS_SIGNED_IN)
)


class InterviewRepository:
    """Interviews as one candidate may see and move them. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, viewer: Viewer, *, now: datetime, status: str | None, limit: int, skip: int) -> Page:
        """All interviews, or those of one status, newest first; raises Unauthorized, as each read does."""
        statement = _ALL if status is None else _OF_STATUS
        return self._page(statement, True, viewer, now=now, status=status, limit=limit, skip=skip)

    def pending(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Those that wait for the candidate's yes, soonest first; raises Unauthorized."""
        return self._page(_PENDING, False, viewer, limit=limit, skip=skip)

    def upcoming(self, viewer: Viewer, *, now: datetime, limit: int, skip: int) -> Page:
        """Confirmed ones that begin now or later, soonest first; raises Unauthorized."""
        return self._page(_UPCOMING, False, viewer, now=now, limit=limit, skip=skip)

    def history(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Completed and cancelled ones, newest first; raises Unauthorized."""
        return self._page(_HISTORY, True, viewer, limit=limit, skip=skip)

    def get(self, viewer: Viewer, interview_id: str) -> RowMapping:
        """One interview with company and job; raises Unauthorized, NotFound, or Forbidden when it is another's."""
        keys = viewer.keys | {"interview_id": interview_id}
        row = self._connection.execute(_DETAILS, keys).mappings().one_or_none()
        if row is None:
            raise Unauthorized
        if row["interview_id"] is None:
            raise NotFound("Interview not found")
        if row["candidate_id"] != viewer.user_id:
            raise Forbidden("This interview does not belong to you")
        return row

    def lock(self, viewer: Viewer, interview_id: str) -> RowMapping:
        """As `get`, and no other move of the interview gets in between until the transaction's end."""
        MoveRepository(self._connection).lock(interview_id)
        return self.get(viewer, interview_id)

    def move(
        self, move: Move, viewer: Viewer, interview_id: str, check: Check | None = None, **changes: Any
    ) -> RowMapping:
        """The interview after the candidate's move; `check` may refuse what is about to be moved.

        Raises what `get` and `check` raise, and IllegalMove when it is too late.
        """
        if check:
            check(self.lock(viewer, interview_id))
        is_mine = Interview.candidate_id == viewer.user_id
        has_moved = MoveRepository(self._connection).move(move, interview_id, is_mine, actor=Actor.CANDIDATE, **changes)
        interview = self.get(viewer, interview_id)
        if not has_moved:
            raise IllegalMove(move.refusal)
        return interview

    def _page(self, statement: Select[Any], is_newest_first: bool, viewer: Viewer, **values: object) -> Page:
        order = (itemgetter("starts_at"), is_newest_first)
        page = read_page(self._connection, statement, viewer.keys | values, key="interview_id", order=order)
        if page is None:
            raise Unauthorized
        return page

"""What a candidate reads of the own interviews: one statement behind each read, built once.

Every statement starts from the candidate's own row or session, so that it also says whether that user is signed in.
"""

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from sys import intern
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, select, true

from interviews_api.accounts.models import Candidate, Company, Session, Viewer
from interviews_api.accounts.repository import HAS_SESSION, IS_SIGNED_IN, VIEWER
from interviews_api.cache import Freshness, Version
from interviews_api.clock import LATEST
from interviews_api.db.pagination import Page, SelectStatement, build_page, count_subquery, count_where, page_subquery
from interviews_api.db.prepared import Prepared, Row
from interviews_api.db.statement_pool import Pooled
from interviews_api.db.types import UtcDateTime, as_text
from interviews_api.errors import Forbidden, IllegalTransition, NotFound, Unauthorized
from interviews_api.events.log import version_of
from interviews_api.hiring.models import Application, Job
from interviews_api.ids import MALFORMED_ID
from interviews_api.interviews.models import PAST_STATUSES, Actor, Interview, InterviewStatus
from interviews_api.interviews.state_machine import Transition
from interviews_api.interviews.transition_repository import INTERVIEW_ID, Check, TransitionRepository, status_is

_NOW = bindparam("now", type_=Interview.starts_at.type)
_STATUS = bindparam("status", type_=Interview.status.type)

_VERSION = version_of(VIEWER)
_IS_MINE = Interview.candidate_id == VIEWER
_MAY_MOVE = _IS_MINE & IS_SIGNED_IN
_IS_PENDING = status_is(InterviewStatus.PENDING)
_IS_UPCOMING = status_is(InterviewStatus.CONFIRMED) & (Interview.starts_at >= _NOW)
_IS_COMPLETED = status_is(InterviewStatus.COMPLETED)
_IS_PAST = status_is(*PAST_STATUSES)


def candidate_columns(interview: type[Interview]) -> tuple[Any, ...]:
    """The columns of an interview that a candidate may see."""
    return (
        interview.id.label("interview_id"),
        interview.application_id,
        interview.status,
        interview.type,
        interview.starts_at,
        interview.time_zone,
        interview.location,
        interview.meeting_link,
        interview.notes,
        interview.confirmed_at,
        interview.completed_at,
        interview.cancelled_at,
        interview.cancellation_reason,
        interview.is_hired,
        interview.created_at,
    )


CANDIDATE_COLUMNS = candidate_columns(Interview)
_LISTED = tuple(
    as_text(column) if isinstance(column.type, UtcDateTime) and column is not Interview.starts_at else column
    for column in CANDIDATE_COLUMNS
)
COMPANY_AND_JOB_COLUMNS = (
    Company.id.label("company_id"),
    Company.name.label("company_name"),
    Company.logo.label("company_logo"),
    Job.id.label("job_id"),
    Job.title.label("job_title"),
)

_NEWEST_FIRST = (Interview.starts_at.desc(), Interview.id)
_SOONEST_FIRST = (Interview.starts_at, Interview.id)


# A session's row says that its user is there, too; who comes from an identity provider has none.
_VERSION_FOR_SESSION = Prepared(select(*_VERSION).select_from(Session).where(HAS_SESSION))
_VERSION_FOR_PROVIDER = Prepared(select(*_VERSION).select_from(Candidate).where(Candidate.id == VIEWER))
_TURNS_AT = func.min(Interview.starts_at).filter(_IS_UPCOMING).label("turns_at")
"""The moment after which, if nothing else happens, there is one less upcoming."""

_OVERVIEW = (
    count_where(_IS_PENDING, "pending_count"),
    count_where(_IS_UPCOMING, "upcoming_count"),
    count_where(_IS_COMPLETED, "completed_count"),
    _TURNS_AT,
)


def _page(
    condition: ColumnElement[bool],
    order: tuple[Any, ...],
    *,
    of_all: tuple[ColumnElement[Any], ...] = (),
    of_these: tuple[ColumnElement[Any], ...] = (),
) -> Prepared:
    """One statement for a page and its counts: at least one row as long as the candidate is signed in.

    Besides how many there are: figures `of_all` of the candidate's interviews, or `of_these` that match.
    What is skipped is skipped in the index: the page is cut of ids, and only what is shown is looked up.
    """
    mine = select(Interview.id).where(_IS_MINE)
    page = page_subquery(mine.where(condition), order)
    if of_all:
        counts = count_subquery(mine, count_where(condition, "total"), *of_all)
    else:
        counts = count_subquery(mine.where(condition), func.count().label("total"), *of_these)
    return Prepared(
        select(counts, *_LISTED, as_text(Application.applied_at), *COMPANY_AND_JOB_COLUMNS, *_VERSION)
        .select_from(Candidate)
        .join(counts, true())
        .outerjoin(page, true())
        .outerjoin(Interview, Interview.id == page.c.id)
        .outerjoin(Application, Application.id == Interview.application_id)
        .outerjoin(Job, Job.id == Application.job_id)
        .outerjoin(Company, Company.id == Job.company_id)
        .where(Candidate.id == VIEWER, IS_SIGNED_IN)
    )


_ALL = _page(true(), _NEWEST_FIRST, of_all=_OVERVIEW)
_OF_STATUS = _page(Interview.status == _STATUS, _NEWEST_FIRST, of_all=_OVERVIEW)
_PENDING = _page(_IS_PENDING, _SOONEST_FIRST)
_UPCOMING = _page(_IS_UPCOMING, _SOONEST_FIRST, of_these=(_TURNS_AT,))
_HISTORY = _page(_IS_PAST, _NEWEST_FIRST)


def _details(interview: type[Interview]) -> SelectStatement:
    return (
        select(
            *candidate_columns(interview),
            interview.candidate_id,
            interview.duration_minutes,
            interview.revision,
            interview.updated_at,
            case((interview.share_feedback, interview.feedback)).label("feedback"),
            Application.applied_at,
            *COMPANY_AND_JOB_COLUMNS,
            Company.address.label("company_address"),
            Company.phone.label("company_phone"),
            Company.email.label("company_email"),
            Job.description.label("job_description"),
        )
        .select_from(Candidate)
        .outerjoin(interview, interview.id == INTERVIEW_ID)
        .outerjoin(Application, Application.id == interview.application_id)
        .outerjoin(Job, Job.id == Application.job_id)
        .outerjoin(Company, Company.id == Job.company_id)
        .where(Candidate.id == VIEWER, IS_SIGNED_IN)
    )


_DETAILS = Prepared(_details(Interview).add_columns(*_VERSION))


def _version_in(read: Mapping[str, Any]) -> Version:
    """The version in what was read; the import, which thousands of kept answers share, as one object."""
    return read["last_event"], read["last_import"] and intern(read["last_import"])


def freshness(read: Mapping[str, Any]) -> Freshness:
    """How long a page or an interview stands; where upcoming ones are counted, only until the next one begins."""
    if "now" not in read:
        return Freshness(_version_in(read))
    return Freshness(_version_in(read), since=read["now"], until=read["turns_at"] or LATEST)


class CandidateInterviewRepository:
    """Interviews as one candidate may see and move them. Never commits."""

    def __init__(self, connection: Connection | Pooled) -> None:
        self._connection = connection

    def version(self, viewer: Viewer) -> Version:
        """Of all that the other reads may find, which have it in their own statements too; raises Unauthorized."""
        statement = _VERSION_FOR_PROVIDER if viewer.session_id == MALFORMED_ID else _VERSION_FOR_SESSION
        rows = statement.rows(self._connection, viewer.keys)
        if not rows:
            raise Unauthorized
        return _version_in(rows[0])

    def page(self, viewer: Viewer, *, now: datetime, status: str | None, limit: int, skip: int) -> Page:
        """All interviews, or those of one status, newest first; raises Unauthorized, as each read does."""
        statement = _ALL if status is None else _OF_STATUS
        page = self._page(statement, True, viewer, now=now, status=status, limit=limit, skip=skip)
        return page | {"now": now}

    def pending(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Those that wait for the candidate's yes, soonest first; raises Unauthorized."""
        return self._page(_PENDING, False, viewer, limit=limit, skip=skip)

    def upcoming(self, viewer: Viewer, *, now: datetime, limit: int, skip: int) -> Page:
        """Confirmed ones that begin now or later, soonest first; raises Unauthorized."""
        return self._page(_UPCOMING, False, viewer, now=now, limit=limit, skip=skip) | {"now": now}

    def history(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Completed and cancelled ones, newest first; raises Unauthorized."""
        return self._page(_HISTORY, True, viewer, limit=limit, skip=skip)

    def get(self, viewer: Viewer, interview_id: str) -> Row:
        """One interview with company and job; raises Unauthorized, NotFound, or Forbidden when it is another's."""
        keys = viewer.keys | {"interview_id": interview_id}
        rows = _DETAILS.rows(self._connection, keys)
        if not rows:
            raise Unauthorized
        row = rows[0]
        if row["interview_id"] is None:
            raise NotFound("Interview not found")
        if row["candidate_id"] != viewer.user_id:
            raise Forbidden("This interview does not belong to you")
        return row

    def lock(self, viewer: Viewer, interview_id: str) -> Row:
        """As `get`, and no other move of the interview gets in between until the transaction's end."""
        TransitionRepository(self._connection).lock(interview_id)
        return self.get(viewer, interview_id)

    def move(
        self, move: Transition, viewer: Viewer, interview_id: str, check: Check | None = None, **changes: Any
    ) -> Row:
        """The interview after the candidate's move; `check` may refuse what is about to be moved.

        Raises what `get` and `check` raise, and IllegalMove when it is too late.
        """
        if check:
            check(self.lock(viewer, interview_id))
        moves = TransitionRepository(self._connection)
        keys = viewer.keys | {"interview_id": interview_id}
        interview = moves.move(move, keys, scope=_MAY_MOVE, view=_details, actor=Actor.CANDIDATE, **changes)
        if interview is None:
            self.get(viewer, interview_id)
            raise IllegalTransition(move.refusal)
        return interview

    def _page(self, statement: Prepared, is_newest_first: bool, viewer: Viewer, **values: object) -> Page:
        rows = statement.rows(self._connection, viewer.keys | values)
        if not rows:
            raise Unauthorized
        return build_page(rows, key="interview_id", order=(itemgetter("starts_at"), is_newest_first))

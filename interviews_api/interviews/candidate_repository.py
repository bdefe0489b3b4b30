"""The SQL of a candidate's own interviews: one statement behind each read, built once.

Every read starts from the candidate's own row or session, so that it also proves that the viewer is signed in. A
transition's UPDATE has the same condition as its scope. `TransitionRepository.lock` proves nothing, so a read must
follow it.
"""

from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, select, true

from interviews_api.accounts.answerable_addresses import ANSWERABLE_EMAIL
from interviews_api.accounts.models import NO_SESSION, Candidate, Company, Session, Viewer
from interviews_api.accounts.repository import HAS_SESSION, IS_SIGNED_IN, VIEWER
from interviews_api.cache import Freshness, Version, Versioned
from interviews_api.clock import LATEST, last_instant_before
from interviews_api.db.pagination import Page, SelectStatement, build_page, count_subquery, count_where, page_subquery
from interviews_api.db.prepared import Prepared, Row
from interviews_api.db.row_limits import ActiveLimits
from interviews_api.db.types import as_text, plus_minutes
from interviews_api.errors import Unauthorized, require_own
from interviews_api.events.log import version_columns, version_in
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.candidate_columns import (
    COMPANY_AND_JOB_COLUMNS,
    COMPANY_CONTACT_COLUMNS,
    LISTED_COLUMNS,
    candidate_columns,
)
from interviews_api.interviews.errors import InterviewNotFound, NotYourInterview
from interviews_api.interviews.models import ENDED_STATUSES, Actor, Interview, InterviewStatus
from interviews_api.interviews.schedule_repository import MAX_DURATION
from interviews_api.interviews.state_machine import Transition
from interviews_api.interviews.transition_repository import (
    INTERVIEW_ID,
    Precondition,
    Side,
    TransitionRepository,
    status_is,
)

_NOW = bindparam("now", type_=Interview.starts_at.type)
_STATUS = bindparam("status", type_=Interview.status.type)

_VERSION = version_columns(VIEWER)
_IS_MINE = Interview.candidate_id == VIEWER
_IS_PENDING = status_is(InterviewStatus.PENDING)
_IS_UPCOMING = status_is(InterviewStatus.CONFIRMED) & (Interview.starts_at >= _NOW)
_ENDS_AT = plus_minutes(Interview.starts_at, Interview.duration_minutes)
# The second condition is a range of the index: no interview that began before it can be ongoing.
_HAS_NOT_ENDED = (
    status_is(InterviewStatus.CONFIRMED)
    & (Interview.starts_at > bindparam("earliest", type_=Interview.starts_at.type))
    & (_ENDS_AT > _NOW)
)
_IS_COMPLETED = status_is(InterviewStatus.COMPLETED)
_HAS_ENDED = status_is(*ENDED_STATUSES)

Order = tuple[Any, ...]
_NEWEST_FIRST: Order = (Interview.starts_at.desc(), Interview.id)
_SOONEST_FIRST: Order = (Interview.starts_at, Interview.id)

# A session row implies its user exists. Identity-provider viewers have no session, so theirs reads `candidates`.
_VERSION_FOR_SESSION = Prepared(select(*_VERSION).select_from(Session).where(HAS_SESSION))
_VERSION_FOR_PROVIDER = Prepared(select(*_VERSION).select_from(Candidate).where(Candidate.id == VIEWER))
_NEXT_START = func.min(Interview.starts_at).filter(_IS_UPCOMING).label("next_change")
"""The start of the next upcoming interview: after it, without any event, the count of upcoming ones is lower."""

_COUNTS = ("pending_count", "upcoming_count", "completed_count")
_OVERVIEW = (
    count_where(_IS_PENDING, "pending_count"),
    count_where(_IS_UPCOMING, "upcoming_count"),
    count_where(_IS_COMPLETED, "completed_count"),
    _NEXT_START,
)


def _page_statement(
    condition: ColumnElement[bool],
    order: Order,
    *,
    aggregates_of_all: tuple[ColumnElement[Any], ...] = (),
    aggregates_of_matching: tuple[ColumnElement[Any], ...] = (),
) -> Prepared:
    """Return the statement of a page and its counts: at least one row as long as the candidate is signed in.

    Beside the total it computes aggregates over all of the candidate's interviews, or over those that match.
    The subquery of the page reads ids from an index only; other columns are looked up for the page's rows alone.
    """
    mine = select(Interview.id).where(_IS_MINE)
    page = page_subquery(mine.where(condition), order)
    if aggregates_of_all:
        counts = count_subquery(mine, count_where(condition, "total"), *aggregates_of_all)
    else:
        counts = count_subquery(mine.where(condition), func.count().label("total"), *aggregates_of_matching)
    return Prepared(
        select(counts, *LISTED_COLUMNS, as_text(Application.applied_at), *COMPANY_AND_JOB_COLUMNS, *_VERSION)
        .select_from(Candidate)
        .join(counts, true())
        .outerjoin(page, true())
        .outerjoin(Interview, Interview.id == page.c.id)
        .outerjoin(Application, Application.id == Interview.application_id)
        .outerjoin(Job, Job.id == Application.job_id)
        .outerjoin(Company, Company.id == Job.company_id)
        .where(Candidate.id == VIEWER, IS_SIGNED_IN)
    )


_ALL = _page_statement(true(), _NEWEST_FIRST, aggregates_of_all=_OVERVIEW)
_OF_STATUS = _page_statement(Interview.status == _STATUS, _NEWEST_FIRST, aggregates_of_all=_OVERVIEW)
_PENDING = _page_statement(_IS_PENDING, _SOONEST_FIRST)
_UPCOMING = _page_statement(_IS_UPCOMING, _SOONEST_FIRST, aggregates_of_matching=(_NEXT_START,))
_NEXT_END = func.min(_ENDS_AT).label("next_change")
_NOT_ENDED = _page_statement(_HAS_NOT_ENDED, _SOONEST_FIRST, aggregates_of_matching=(_NEXT_END,))
_HISTORY = _page_statement(_HAS_ENDED, _NEWEST_FIRST)


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
            *COMPANY_CONTACT_COLUMNS,
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
_FOR_CALENDAR = Prepared(
    _details(Interview).add_columns(
        Candidate.phone.label("candidate_phone"),
        Job.updated_at.label("job_updated_at"),
        Company.updated_at.label("company_updated_at"),
        ANSWERABLE_EMAIL,
    )
)
_CANDIDATE_SIDE = Side(Actor.CANDIDATE, _IS_MINE & IS_SIGNED_IN, _details)


class CandidateInterviewRepository:
    """Interviews as their candidate sees and changes them. Never commits.

    Every read raises Unauthorized unless the viewer is signed in.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def version(self, viewer: Viewer) -> Version:
        """Return the viewer's present version. The other reads return theirs from their own statement."""
        statement = _VERSION_FOR_PROVIDER if viewer.session_id == NO_SESSION else _VERSION_FOR_SESSION
        rows = statement.rows(self._connection, viewer.keys)
        if not rows:
            raise Unauthorized
        return version_in(rows[0])

    def page(self, viewer: Viewer, *, now: datetime, status: str | None, limit: int, skip: int) -> Versioned[Page]:
        """Return all interviews, or those of a status, newest first, with counts over all interviews.

        Fresh until the next upcoming interview begins, because a count then falls.
        """
        statement = _ALL if status is None else _OF_STATUS
        return self._read_page(
            statement, viewer, is_newest_first=True, counted_at=now, status=status, limit=limit, skip=skip
        )

    def pending(self, viewer: Viewer, *, limit: int, skip: int) -> Versioned[Page]:
        """Return the interviews that the candidate has yet to confirm, soonest first."""
        return self._read_page(_PENDING, viewer, is_newest_first=False, limit=limit, skip=skip)

    def upcoming(
        self, viewer: Viewer, *, now: datetime, limit: int, skip: int, includes_ongoing: bool = False
    ) -> Versioned[Page]:
        """Return the confirmed interviews that begin at `now` or later, soonest first.

        With `includes_ongoing`, those that end after `now`: fresh until just before the first of them ends.
        """
        values: dict[str, Any] = {"is_newest_first": False, "counted_at": now, "limit": limit, "skip": skip}
        if not includes_ongoing:
            return self._read_page(_UPCOMING, viewer, **values)
        page, freshness = self._read_page(_NOT_ENDED, viewer, **values, earliest=now - MAX_DURATION)
        return Versioned(page, replace(freshness, until=last_instant_before(freshness.until)))

    def history(self, viewer: Viewer, *, limit: int, skip: int) -> Versioned[Page]:
        """Return the completed and cancelled interviews, newest first."""
        return self._read_page(_HISTORY, viewer, is_newest_first=True, limit=limit, skip=skip)

    def get_versioned(self, viewer: Viewer, interview_id: str) -> Versioned[Row]:
        """Return an interview with company and job; raises InterviewNotFound or NotYourInterview."""
        row = self._own(_DETAILS, viewer, interview_id)
        return Versioned(row, Freshness(version_in(row)))

    def get(self, viewer: Viewer, interview_id: str) -> Row:
        """Return the interview as `get_versioned` does, without its version."""
        return self.get_versioned(viewer, interview_id).value

    def get_for_calendar(self, viewer: Viewer, interview_id: str) -> Row:
        """Return the interview as `get` does, with all that a calendar entry shows."""
        return self._own(_FOR_CALENDAR, viewer, interview_id)

    def _own(self, statement: Prepared, viewer: Viewer, interview_id: str) -> Row:
        rows = statement.rows(self._connection, viewer.keys | {"interview_id": interview_id})
        return require_own(
            rows[0] if rows else None,
            id_key="interview_id",
            owner_key="candidate_id",
            owner=viewer.user_id,
            not_found=InterviewNotFound,
            not_yours=NotYourInterview,
        )

    def apply(
        self,
        transition: Transition,
        viewer: Viewer,
        interview_id: str,
        precondition: Precondition | None = None,
        *,
        limits: ActiveLimits = None,
        **changes: Any,
    ) -> Row:
        """Apply the candidate's transition and return the interview.

        Raises as `get` does, TooManyRequests, PreconditionFailed, and the transition's `refusal`.
        """
        return TransitionRepository(self._connection).apply(
            transition,
            _CANDIDATE_SIDE,
            viewer.keys | {"interview_id": interview_id},
            read=lambda: self.get(viewer, interview_id),
            precondition=precondition,
            limits=limits,
            **changes,
        )

    def _read_page(
        self,
        statement: Prepared,
        viewer: Viewer,
        *,
        is_newest_first: bool,
        counted_at: datetime | None = None,
        **values: object,
    ) -> Versioned[Page]:
        """Return the page; `counted_at` is the moment by which it counts upcoming interviews."""
        if counted_at is not None:
            values["now"] = counted_at
        rows = statement.rows(self._connection, viewer.keys | values)
        if not rows:
            raise Unauthorized
        first = rows[0]
        counts = [name for name in _COUNTS if name in first]
        sort = (itemgetter("starts_at"), is_newest_first)
        page = build_page(rows, id_column="interview_id", sort=sort, counts=counts)
        if counted_at is None:
            return Versioned(page, Freshness(version_in(first)))
        return Versioned(page, Freshness(version_in(first), since=counted_at, until=first["next_change"] or LATEST))

"""All SQL about interviews: one statement behind each read, built once; one conditional UPDATE behind each move.

Every statement starts from the candidate's own row, so that it also says whether the candidate still exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    select,
    true,
    update,
)

from interviews_api.accounts.models import Candidate, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, VIEWER
from interviews_api.errors import Forbidden, IllegalMove, NotFound, Unauthorized
from interviews_api.hiring.models import Application, Company, Job
from interviews_api.interviews.models import PAST_STATUSES, Interview, InterviewStatus

_INTERVIEW = bindparam("interview_id", type_=Interview.id.type)
_NOW = bindparam("now", type_=Interview.starts_at.type)
_STATUS = bindparam("status", type_=Interview.status.type)

_IS_MINE = Interview.candidate_id == VIEWER


def _is(*statuses: InterviewStatus) -> ColumnElement[bool]:
    """One of these statuses, written into the SQL: a partial index and a kept plan need to see them."""
    constants = [literal_column(f"'{status}'", Interview.status.type) for status in statuses]
    return Interview.status.in_(constants) if len(constants) > 1 else Interview.status == constants[0]


_IS_PENDING = _is(InterviewStatus.PENDING)
_IS_UPCOMING = _is(InterviewStatus.CONFIRMED) & (Interview.starts_at >= _NOW)
_IS_COMPLETED = _is(InterviewStatus.COMPLETED)
_IS_PAST = _is(*PAST_STATUSES)

_SHOWN = (
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
_BRIEF = (
    Company.id.label("company_id"),
    Company.name.label("company_name"),
    Company.logo.label("company_logo"),
    Job.id.label("job_id"),
    Job.title.label("job_title"),
)

_NEWEST_FIRST = (Interview.starts_at.desc(), Interview.id)
_SOONEST_FIRST = (Interview.starts_at, Interview.id)


@dataclass(frozen=True)
class Page:
    """Some of a candidate's interviews in the order asked for, and how many there are before paging."""

    interviews: list[RowMapping]
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many match the filter."""
        return self.counts["total"]


def _count(condition: ColumnElement[bool], name: str) -> ColumnElement[int]:
    return func.count().filter(condition).label(name)


_OVERVIEW = (
    _count(_IS_PENDING, "pending_count"),
    _count(_IS_UPCOMING, "upcoming_count"),
    _count(_IS_COMPLETED, "completed_count"),
)


def _page(condition: ColumnElement[bool], order: tuple[Any, ...], *, has_overview: bool = False) -> Select[Any]:
    """One statement for a page and its counts: at least one row as long as the candidate exists."""
    if has_overview:
        tally = select(_count(condition, "total"), *_OVERVIEW).where(_IS_MINE).subquery("tally")
    else:
        tally = select(func.count().label("total")).where(_IS_MINE, condition).subquery("tally")
    page = (
        select(*_SHOWN)
        .where(_IS_MINE, condition)
        .order_by(*order)
        .limit(bindparam("limit"))
        .offset(bindparam("skip"))
        .subquery("page")
    )
    return (
        select(tally, page, Application.applied_at, *_BRIEF)
        .select_from(Candidate)
        .join(tally, true())
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
        *_SHOWN,
        Interview.candidate_id,
        case((Interview.share_feedback, Interview.feedback)).label("feedback"),
        Application.applied_at,
        *_BRIEF,
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
_CONFIRM = (
    update(Interview)
    .where(Interview.id == _INTERVIEW, Interview.candidate_id == VIEWER, _IS_PENDING)
    .values(status=InterviewStatus.CONFIRMED, confirmed_at=_NOW)
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

    def confirm(self, viewer: Viewer, interview_id: str, *, now: datetime) -> RowMapping:
        """The candidate's yes; raises what `get` raises, and IllegalMove unless it was pending."""
        keys = viewer.keys | {"interview_id": interview_id}
        is_confirmed = self._connection.execute(_CONFIRM, keys | {"now": now}).rowcount == 1
        interview = self.get(viewer, interview_id)
        if not is_confirmed:
            raise IllegalMove("Interview is no longer pending confirmation")
        return interview

    def _page(self, statement: Select[Any], is_newest_first: bool, viewer: Viewer, **values: object) -> Page:
        rows = self._connection.execute(statement, viewer.keys | values).mappings().all()
        if not rows:
            raise Unauthorized
        # The page was cut in order; the joins after it usually keep that order, but SQL does not promise it.
        interviews = sorted((row for row in rows if row["interview_id"] is not None), key=itemgetter("interview_id"))
        interviews.sort(key=itemgetter("starts_at"), reverse=is_newest_first)
        counts = {name: row for name, row in rows[0].items() if name == "total" or name.endswith("_count")}
        return Page(interviews, counts)

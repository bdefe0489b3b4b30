"""What a company reads and moves of its interviews. Every statement starts from the company user's own row."""

from collections.abc import Mapping
from datetime import date, datetime, time
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, ScalarSelect, Select, bindparam, select, true

from interviews_api.accounts.models import Candidate, CompanyUser, User, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, VIEWER, UserRepository
from interviews_api.db.pagination import Page, SelectStatement, count_subquery, page_subquery, read_page
from interviews_api.errors import Forbidden, IllegalTransition, NotFound, Unauthorized
from interviews_api.hiring.models import Application, Job
from interviews_api.hiring.repository import ApplicationRepository
from interviews_api.interviews.models import Actor, Interview
from interviews_api.interviews.schedule_repository import ScheduleRepository
from interviews_api.interviews.scheduling import check_meeting, start_of
from interviews_api.interviews.state_machine import RESCHEDULE, Transition
from interviews_api.interviews.transition_repository import INTERVIEW_ID, Check, TransitionRepository


def _company_of(user_id: ColumnElement[str] | str) -> ScalarSelect[str]:
    return select(CompanyUser.company_id).where(CompanyUser.id == user_id).scalar_subquery()


_IS_OURS = Interview.company_id == _company_of(VIEWER)
_STATUS = bindparam("status", type_=Interview.status.type)
_APPLICATION = bindparam("application_id", type_=Interview.application_id.type)

_MAY_MOVE = _IS_OURS & IS_SIGNED_IN
_MEETING = ("time_zone", "duration_minutes", "type", "location", "meeting_link", "notes", "internal_notes")


def _shown(interview: type[Interview]) -> tuple[Any, ...]:
    return tuple(getattr(interview, column.key) for column in Interview.__table__.c if column.key != "id")


INTERVIEW_COLUMNS = _shown(Interview)
CONTEXT_COLUMNS = (
    Candidate.first_name,
    Candidate.last_name,
    Candidate.phone.label("candidate_phone"),
    User.email.label("candidate_email"),
    Job.id.label("job_id"),
    Job.title.label("job_title"),
)


def _page(condition: ColumnElement[bool]) -> Select[Any]:
    """One statement for a page and its count, soonest first: at least one row as long as the user is signed in."""
    ours = select(Interview.id.label("interview_id"), *INTERVIEW_COLUMNS).where(_IS_OURS, condition)
    counts, page = count_subquery(ours), page_subquery(ours, (Interview.starts_at, Interview.id))
    return (
        select(counts, page, *CONTEXT_COLUMNS)
        .select_from(CompanyUser)
        .join(counts, true())
        .outerjoin(page, true())
        .outerjoin(Application, Application.id == page.c.application_id)
        .outerjoin(Job, Job.id == Application.job_id)
        .outerjoin(Candidate, Candidate.id == page.c.candidate_id)
        .outerjoin(User, User.id == Candidate.id)
        .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
    )


_ALL = _page(true())
_OF_STATUS = _page(Interview.status == _STATUS)
_OF_APPLICATION = _page(Interview.application_id == _APPLICATION)


def _details(interview: type[Interview]) -> SelectStatement:
    return (
        select(
            interview.id.label("interview_id"),
            *_shown(interview),
            CompanyUser.company_id.label("viewer_company_id"),
            *CONTEXT_COLUMNS,
        )
        .select_from(CompanyUser)
        .outerjoin(interview, interview.id == INTERVIEW_ID)
        .outerjoin(Application, Application.id == interview.application_id)
        .outerjoin(Job, Job.id == Application.job_id)
        .outerjoin(Candidate, Candidate.id == interview.candidate_id)
        .outerjoin(User, User.id == Candidate.id)
        .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
    )


_DETAILS = _details(Interview)


class CompanyInterviewRepository:
    """Interviews as one company may see and move them. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, viewer: Viewer, *, status: str | None, limit: int, skip: int) -> Page:
        """All of the company's interviews, or those of one status, soonest first; raises Unauthorized."""
        statement = _ALL if status is None else _OF_STATUS
        return self._page(statement, viewer, status=status, limit=limit, skip=skip)

    def page_of_application(self, viewer: Viewer, application_id: str, *, limit: int, skip: int) -> Page:
        """Those about one application, soonest first; raises what `ApplicationRepository.get_of_company` does."""
        ApplicationRepository(self._connection).get_of_company(viewer, application_id)
        return self._page(_OF_APPLICATION, viewer, application_id=application_id, limit=limit, skip=skip)

    def check_company(self, viewer: Viewer, company_id: str | None) -> None:
        """Raise Forbidden when a company is named that is not the viewer's; Unauthorized."""
        if company_id is not None and UserRepository(self._connection).get(viewer)["company_id"] != company_id:
            raise Forbidden("This company is not yours")

    def get(self, viewer: Viewer, interview_id: str) -> RowMapping:
        """One interview with all that the company knows; raises Unauthorized, NotFound or Forbidden."""
        keys = viewer.keys | {"interview_id": interview_id}
        row = self._connection.execute(_DETAILS, keys).mappings().one_or_none()
        if row is None:
            raise Unauthorized
        if row["interview_id"] is None:
            raise NotFound("Interview not found")
        if row["company_id"] != row["viewer_company_id"]:
            raise Forbidden("This interview does not belong to you")
        return row

    def lock(self, viewer: Viewer, interview_id: str) -> RowMapping:
        """As `get`, and no other move of the interview gets in between until the transaction's end."""
        TransitionRepository(self._connection).lock(interview_id)
        return self.get(viewer, interview_id)

    def schedule(
        self,
        viewer: Viewer,
        application_id: str,
        *,
        day: date,
        wall_time: time,
        time_zone: str | None,
        now: datetime,
        **meeting: Any,
    ) -> Mapping[Any, Any]:
        """A new interview; raises Unauthorized, NotFound, Forbidden, InvalidInput, and Conflict for an overlap."""
        application = ApplicationRepository(self._connection).get_of_company(viewer, application_id)
        zone_name = time_zone or application["time_zone"]
        starts_at = start_of(day, wall_time, zone_name, now=now)
        schedule = ScheduleRepository(self._connection)
        schedule.refuse_overlap(
            application, starts_at=starts_at, duration_minutes=meeting["duration_minutes"], interview_id=""
        )
        interview_id = schedule.schedule(application, starts_at=starts_at, time_zone=zone_name, **meeting)
        return self.get(viewer, interview_id)

    def reschedule(
        self,
        viewer: Viewer,
        interview_id: str,
        check: Check | None,
        *,
        day: date,
        wall_time: time,
        now: datetime,
        **given: Any,
    ) -> Mapping[Any, Any]:
        """The interview at another time; what is not given stays as it was.

        Raises what `get` raises, InvalidInput, what `check` raises, IllegalMove, and Conflict for an overlap.
        """
        before = self.lock(viewer, interview_id)
        after = {name: before[name] for name in _MEETING} | given
        after["starts_at"] = start_of(day, wall_time, after["time_zone"], now=now)
        check_meeting(after)
        if check:
            check(before)
        if before["status"] not in RESCHEDULE.sources:
            raise IllegalTransition(RESCHEDULE.refusal)
        ScheduleRepository(self._connection).refuse_overlap(
            before,
            starts_at=after["starts_at"],
            duration_minutes=after["duration_minutes"],
            interview_id=interview_id,
        )
        return self.move(RESCHEDULE, viewer, interview_id, previous_starts_at=before["starts_at"], **after)

    def move(
        self, move: Transition, viewer: Viewer, interview_id: str, check: Check | None = None, **changes: Any
    ) -> Mapping[Any, Any]:
        """The interview after the company's move; `check` may refuse what is about to be moved.

        Raises what `get` and `check` raise, and IllegalMove when it is too late.
        """
        if check:
            check(self.lock(viewer, interview_id))
        moves = TransitionRepository(self._connection)
        keys = viewer.keys | {"interview_id": interview_id}
        interview = moves.move(move, keys, scope=_MAY_MOVE, view=_details, actor=Actor.COMPANY, **changes)
        if interview is None:
            self.get(viewer, interview_id)
            raise IllegalTransition(move.refusal)
        return interview

    def _page(self, statement: Select[Any], viewer: Viewer, **values: object) -> Page:
        order = (itemgetter("starts_at"), False)
        page = read_page(self._connection, statement, viewer.keys | values, key="interview_id", order=order)
        if page is None:
            raise Unauthorized
        return page

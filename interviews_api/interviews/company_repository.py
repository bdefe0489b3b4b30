"""The SQL of a company's interviews.

Every read starts from the company user's own row, so that it also proves that the viewer is signed in. A transition's
UPDATE has the same condition as its scope. `TransitionRepository.lock` proves nothing, so a read must follow it.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, bindparam, select, true, update

from interviews_api.accounts.models import Candidate, CompanyUser, User, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, OUR_COMPANY, VIEWER, UserRepository
from interviews_api.config.limits import INTERVIEWS
from interviews_api.db.pagination import Page, SelectStatement, count_subquery, page_subquery, read_page
from interviews_api.db.row_limits import ActiveLimits
from interviews_api.errors import require_own
from interviews_api.hiring.errors import NotYourCompany
from interviews_api.hiring.models import Application, Job
from interviews_api.hiring.repository import ApplicationRepository
from interviews_api.interviews.errors import InterviewNotFound, NotYourInterview
from interviews_api.interviews.models import Actor, Interview
from interviews_api.interviews.rescheduling import (
    RESCHEDULED_COLUMNS,
    UPDATED_COLUMNS,
    changed_columns,
    transition_of,
    visible_columns,
)
from interviews_api.interviews.schedule_repository import ScheduleRepository
from interviews_api.interviews.scheduling import check_place, new_start_of, start_of
from interviews_api.interviews.state_machine import RESCHEDULE, Transition
from interviews_api.interviews.transition_limits import refuse_too_many_transitions
from interviews_api.interviews.transition_repository import (
    INTERVIEW_ID,
    Precondition,
    Side,
    TransitionRepository,
    status_is,
)

_IS_OURS = Interview.company_id == OUR_COMPANY
_STATUS = bindparam("status", type_=Interview.status.type)
_APPLICATION = bindparam("application_id", type_=Interview.application_id.type)


def _company_columns(interview: type[Interview]) -> tuple[Any, ...]:
    """Return all columns of an interview but its id: a company may see them all."""
    return tuple(getattr(interview, column.key) for column in Interview.__table__.c if column.key != "id")


COLUMNS_BUT_ID = _company_columns(Interview)
CANDIDATE_AND_JOB_COLUMNS = (
    Candidate.first_name,
    Candidate.last_name,
    Candidate.phone.label("candidate_phone"),
    User.email.label("candidate_email"),
    Job.id.label("job_id"),
    Job.title.label("job_title"),
)


def _page_statement(condition: ColumnElement[bool]) -> Select[Any]:
    """Return the statement of a page and its count, soonest first: at least one row while the viewer is signed in."""
    ours = select(Interview.id.label("interview_id"), *COLUMNS_BUT_ID).where(_IS_OURS, condition)
    counts, page = count_subquery(ours), page_subquery(ours, (Interview.starts_at, Interview.id))
    return (
        select(counts, page, *CANDIDATE_AND_JOB_COLUMNS)
        .select_from(CompanyUser)
        .join(counts, true())
        .outerjoin(page, true())
        .outerjoin(Application, Application.id == page.c.application_id)
        .outerjoin(Job, Job.id == Application.job_id)
        .outerjoin(Candidate, Candidate.id == page.c.candidate_id)
        .outerjoin(User, User.id == Candidate.id)
        .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
    )


_ALL = _page_statement(true())
_OF_STATUS = _page_statement(Interview.status == _STATUS)
_OF_APPLICATION = _page_statement(Interview.application_id == _APPLICATION)


def _details(interview: type[Interview]) -> SelectStatement:
    return (
        select(
            interview.id.label("interview_id"),
            *_company_columns(interview),
            CompanyUser.company_id.label("viewer_company_id"),
            *CANDIDATE_AND_JOB_COLUMNS,
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
_COMPANY_SIDE = Side(Actor.COMPANY, _IS_OURS & IS_SIGNED_IN, _details)
# The candidate sees none of it, so neither the revision nor `updated_at` changes, and there is no event.
_WRITE_INTERNAL_NOTES = (
    update(Interview)
    .where(Interview.id == INTERVIEW_ID, status_is(*RESCHEDULE.source_statuses))
    .values(internal_notes=bindparam("new_internal_notes", type_=Interview.internal_notes.type))
)


class CompanyInterviewRepository:
    """Interviews as their company sees and changes them. Never commits.

    Every read raises Unauthorized unless the viewer is signed in.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, viewer: Viewer, *, status: str | None, limit: int, skip: int) -> Page:
        """Return the company's interviews, or those of a status, soonest first."""
        statement = _ALL if status is None else _OF_STATUS
        return self._read_page(statement, viewer, status=status, limit=limit, skip=skip)

    def page_of_application(self, viewer: Viewer, application_id: str, *, limit: int, skip: int) -> Page:
        """Return the interviews of an application, soonest first; raises as `ApplicationRepository.get_of_company`."""
        ApplicationRepository(self._connection).get_of_company(viewer, application_id)
        return self._read_page(_OF_APPLICATION, viewer, application_id=application_id, limit=limit, skip=skip)

    def check_company(self, viewer: Viewer, company_id: str | None) -> None:
        """Raise NotYourCompany when an id is given that is not the viewer's company's."""
        if company_id is not None and UserRepository(self._connection).get(viewer)["company_id"] != company_id:
            raise NotYourCompany

    def get(self, viewer: Viewer, interview_id: str) -> RowMapping:
        """Return an interview with candidate and job; raises InterviewNotFound or NotYourInterview."""
        keys = viewer.keys | {"interview_id": interview_id}
        return require_own(
            self._connection.execute(_DETAILS, keys).mappings().one_or_none(),
            id_key="interview_id",
            owner_key="company_id",
            not_found=InterviewNotFound,
            not_yours=NotYourInterview,
        )

    def lock(self, viewer: Viewer, interview_id: str) -> RowMapping:
        """Lock the interview and return it as `get` does; other transitions wait until the end of the transaction."""
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
        limits: ActiveLimits = None,
        **details: Any,
    ) -> Mapping[Any, Any]:
        """Schedule an interview and return it.

        Raises as `ApplicationRepository.get_of_company`, InvalidInput for its time, TooManyRequests,
        OverlappingInterview and TooManyOpenInterviews.
        """
        application = ApplicationRepository(self._connection).get_of_company(viewer, application_id)
        zone_name = time_zone or application["time_zone"]
        starts_at = start_of(day, wall_time, zone_name, now=now)
        schedule = ScheduleRepository(self._connection)
        if limits is not None:
            schedule.refuse_too_many_interviews(application["company_id"], limits[INTERVIEWS.name], now=now)
        schedule.refuse_overlap(
            application, starts_at=starts_at, duration_minutes=details["duration_minutes"], except_id=None
        )
        schedule.refuse_too_many_open_interviews(application)
        interview_id = schedule.schedule(application, now=now, starts_at=starts_at, time_zone=zone_name, **details)
        return self.get(viewer, interview_id)

    def reschedule(
        self,
        viewer: Viewer,
        interview_id: str,
        precondition: Precondition | None,
        *,
        day: date,
        wall_time: time,
        now: datetime,
        limits: ActiveLimits = None,
        **changes: Any,
    ) -> Mapping[Any, Any]:
        """Reschedule or update the interview and return it; columns without a change stay as they are.

        The interview is locked, so what changes is decided by the row that is changed. A limit refuses only what
        appends an event. Raises as `get` and `apply` do, InvalidInput for the time or place, and OverlappingInterview.
        """
        before = self.lock(viewer, interview_id)
        after = {name: before[name] for name in RESCHEDULED_COLUMNS} | changes
        after["starts_at"] = new_start_of(before, day, wall_time, after["time_zone"], now=now)
        check_place(after)
        changed = changed_columns(before, after)
        transition = transition_of(changed)
        if transition:
            refuse_too_many_transitions(self._connection, transition, Actor.COMPANY, interview_id, limits)
        if precondition:
            precondition(before)
        if before["status"] not in RESCHEDULE.source_statuses:
            raise RESCHEDULE.refusal
        if transition is None:
            return self._write_internal_notes(viewer, interview_id, after["internal_notes"]) if changed else before
        if transition is RESCHEDULE:
            ScheduleRepository(self._connection).refuse_overlap(
                before,
                starts_at=after["starts_at"],
                duration_minutes=after["duration_minutes"],
                except_id=interview_id,
            )
        columns = RESCHEDULED_COLUMNS if transition is RESCHEDULE else UPDATED_COLUMNS
        event_details = {
            "changed_fields": visible_columns(changed),
            "previous_starts_at": before["starts_at"] if "starts_at" in changed else None,
        }
        new_values = {name: after[name] for name in columns}
        return self.apply(transition, viewer, interview_id, limits=limits, event_details=event_details, **new_values)

    def _write_internal_notes(self, viewer: Viewer, interview_id: str, notes: str | None) -> Mapping[Any, Any]:
        values = {"interview_id": interview_id, "new_internal_notes": notes}
        self._connection.execute(_WRITE_INTERNAL_NOTES, values)
        return self.get(viewer, interview_id)

    def apply(
        self,
        transition: Transition,
        viewer: Viewer,
        interview_id: str,
        precondition: Precondition | None = None,
        *,
        limits: ActiveLimits = None,
        **changes: Any,
    ) -> Mapping[Any, Any]:
        """Apply the company's transition and return the interview.

        Raises as `get` does, TooManyRequests, PreconditionFailed, and the transition's `refusal`.
        """
        return TransitionRepository(self._connection).apply(
            transition,
            _COMPANY_SIDE,
            viewer.keys | {"interview_id": interview_id},
            read=lambda: self.get(viewer, interview_id),
            precondition=precondition,
            limits=limits,
            **changes,
        )

    def _read_page(self, statement: Select[Any], viewer: Viewer, **values: object) -> Page:
        sort = (itemgetter("starts_at"), False)
        return read_page(self._connection, statement, viewer.keys | values, id_column="interview_id", sort=sort)

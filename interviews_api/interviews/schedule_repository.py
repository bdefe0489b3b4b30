"""The SQL that creates an interview within its limits, where a candidate has no other one with the company."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select, update

from interviews_api.accounts.repository import LOCK_CANDIDATE, LOCK_COMPANY
from interviews_api.config.limits import OPEN_OF_APPLICATION, OPEN_OF_CANDIDATE_AND_COMPANY, Limit
from interviews_api.db.row_limits import refuse_when_reached
from interviews_api.events.log import EventLog
from interviews_api.events.models import Event, EventType
from interviews_api.hiring.models import Application
from interviews_api.ids import new_id
from interviews_api.interviews.errors import OverlappingInterview, TooManyOpenInterviews
from interviews_api.interviews.models import OPEN_STATUSES, Actor, Interview
from interviews_api.interviews.state_machine import SCHEDULE, application_changes, interview_changes
from interviews_api.interviews.transition_repository import INTERVIEW_ID, status_is

MAX_DURATION = timedelta(minutes=1440)

_OPEN_NEARBY = select(Interview.starts_at, Interview.duration_minutes).where(
    Interview.company_id == bindparam("company_id", type_=Interview.company_id.type),
    Interview.candidate_id == bindparam("candidate_id", type_=Interview.candidate_id.type),
    status_is(*OPEN_STATUSES),
    Interview.starts_at > bindparam("earliest", type_=Interview.starts_at.type),
    Interview.starts_at < bindparam("ends_at", type_=Interview.starts_at.type),
    Interview.id != INTERVIEW_ID,
)
_is_of_application = Interview.application_id == bindparam("application_id", type_=Interview.application_id.type)
_is_of_company = Interview.company_id == bindparam("company_id", type_=Interview.company_id.type)
_OPEN_COUNTS = select(
    func.count().filter(_is_of_application).label("of_application"),
    func.count().filter(_is_of_company).label("of_company"),
).where(
    Interview.candidate_id == bindparam("candidate_id", type_=Interview.candidate_id.type),
    status_is(*OPEN_STATUSES),
)
# As a constant in the SQL: the partial index needs to see it.
_IS_SCHEDULING = Event.type == literal_column(f"'{EventType.SCHEDULED}'", Event.type.type)


class ScheduleRepository:
    """Creates interviews where there is no overlap and no limit is reached. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def schedule(self, application: Mapping[Any, Any], *, now: datetime, **values: Any) -> str:
        """Insert an interview and return its id; `application` has application_id, candidate_id and company_id."""
        interview = values | {
            "id": new_id(),
            "application_id": application["application_id"],
            "candidate_id": application["candidate_id"],
            "company_id": application["company_id"],
            "share_feedback": True,
            "revision": 0,
            "created_at": now,
        }
        interview |= interview_changes(SCHEDULE, actor=Actor.COMPANY, now=now)
        self._connection.execute(insert(Interview).values(interview))
        changes = application_changes(SCHEDULE, interview, now=now)
        is_its_application = Application.id == interview["application_id"]
        self._connection.execute(update(Application).where(is_its_application).values(changes))
        EventLog(self._connection).append(interview, SCHEDULE.event, at=now, actor=Actor.COMPANY)
        return str(interview["id"])

    def refuse_too_many_interviews(self, company_id: str, limit: Limit, *, now: datetime) -> None:
        """Raise TooManyRequests when the company has scheduled as many interviews as the limit allows.

        Locks the company, so that two requests take turns.
        """
        self._connection.execute(LOCK_COMPANY, {"company_id": company_id})
        is_ours = Event.company_id == company_id
        refuse_when_reached(self._connection, limit, Event.at, is_ours, _IS_SCHEDULING, now=now)

    def refuse_too_many_open_interviews(self, application: Mapping[Any, Any]) -> None:
        """Raise TooManyOpenInterviews; `refuse_overlap` has locked the candidate."""
        keys = {name: application[name] for name in ("application_id", "candidate_id", "company_id")}
        counts = self._connection.execute(_OPEN_COUNTS, keys).one()
        is_full = counts.of_application >= OPEN_OF_APPLICATION.allowed
        if is_full or counts.of_company >= OPEN_OF_CANDIDATE_AND_COMPANY.allowed:
            raise TooManyOpenInterviews

    def refuse_overlap(
        self, parties: Mapping[Any, Any], *, starts_at: datetime, duration_minutes: int, except_id: str | None
    ) -> None:
        """Raise OverlappingInterview when an open interview of the same company and candidate takes some of that time.

        `parties` has candidate_id and company_id; the interview with the id `except_id` is left out. Intervals are
        [start, end): back to back is no overlap. Locks the candidate, so that two requests take turns.
        """
        self._connection.execute(LOCK_CANDIDATE, {"candidate_id": parties["candidate_id"]})
        nearby = self._connection.execute(
            _OPEN_NEARBY,
            {
                "company_id": parties["company_id"],
                "candidate_id": parties["candidate_id"],
                "earliest": starts_at - MAX_DURATION,
                "ends_at": starts_at + timedelta(minutes=duration_minutes),
                "interview_id": except_id or "",
            },
        )
        if any(starts_at < other.starts_at + timedelta(minutes=other.duration_minutes) for other in nearby):
            raise OverlappingInterview

"""The SQL that creates an interview, and that keeps a candidate's interviews with a company from overlapping."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from interviews_api.accounts.models import Candidate
from interviews_api.clock import now
from interviews_api.events.log import EventLog
from interviews_api.hiring.models import Application
from interviews_api.ids import new_id
from interviews_api.interviews.errors import OverlappingInterview
from interviews_api.interviews.models import OPEN_STATUSES, Actor, Interview
from interviews_api.interviews.state_machine import SCHEDULE, application_changes, interview_changes
from interviews_api.interviews.transition_repository import INTERVIEW_ID, status_is

MAX_DURATION = timedelta(minutes=1440)

_LOCK_CANDIDATE = (
    select(Candidate.id)
    .where(Candidate.id == bindparam("candidate_id", type_=Candidate.id.type))
    # FOR NO KEY UPDATE, which excludes itself, but lets foreign keys be checked.
    .with_for_update(key_share=True)
)
_OPEN_NEARBY = select(Interview.starts_at, Interview.duration_minutes).where(
    Interview.company_id == bindparam("company_id", type_=Interview.company_id.type),
    Interview.candidate_id == bindparam("candidate_id", type_=Interview.candidate_id.type),
    status_is(*OPEN_STATUSES),
    Interview.starts_at > bindparam("earliest", type_=Interview.starts_at.type),
    Interview.starts_at < bindparam("ends_at", type_=Interview.starts_at.type),
    Interview.id != INTERVIEW_ID,
)


class ScheduleRepository:
    """Creates interviews where there is no overlap. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def schedule(self, application: Mapping[Any, Any], **values: Any) -> str:
        """Insert an interview and return its id; `application` has application_id, candidate_id and company_id."""
        present = now()
        interview = values | {
            "id": new_id(),
            "application_id": application["application_id"],
            "candidate_id": application["candidate_id"],
            "company_id": application["company_id"],
            "share_feedback": True,
            "revision": 0,
            "created_at": present,
        }
        interview |= interview_changes(SCHEDULE, actor=Actor.COMPANY, now=present)
        self._connection.execute(insert(Interview).values(interview))
        changes = application_changes(SCHEDULE, interview, now=present)
        is_its_application = Application.id == interview["application_id"]
        self._connection.execute(update(Application).where(is_its_application).values(changes))
        EventLog(self._connection).append(interview, SCHEDULE.event, at=present, actor=Actor.COMPANY)
        return str(interview["id"])

    def refuse_overlap(
        self, parties: Mapping[Any, Any], *, starts_at: datetime, duration_minutes: int, except_id: str | None
    ) -> None:
        """Raise OverlappingInterview when an open interview of the same company and candidate takes some of that time.

        `parties` has candidate_id and company_id; the interview with the id `except_id` is left out. Intervals are
        [start, end): back to back is no overlap. Locks the candidate, so that two requests take turns.
        """
        self._connection.execute(_LOCK_CANDIDATE, {"candidate_id": parties["candidate_id"]})
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

"""The SQL that makes an interview, and that keeps two of a candidate with one company from overlapping."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from interviews_api.accounts.models import Candidate
from interviews_api.clock import now
from interviews_api.errors import Conflict
from interviews_api.events.log import EventLog
from interviews_api.hiring.models import Application
from interviews_api.ids import new_id
from interviews_api.interviews.models import OPEN_STATUSES, Actor, Interview
from interviews_api.interviews.state_machine import SCHEDULE, application_changes, interview_changes
from interviews_api.interviews.transition_repository import INTERVIEW_ID, status_is

MAX_DURATION = timedelta(minutes=1440)

_LOCK_CANDIDATE = (
    select(Candidate.id)
    .where(Candidate.id == bindparam("candidate_id", type_=Candidate.id.type))
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
    """Finds room for interviews, and makes them. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def schedule(self, application: Mapping[Any, Any], **values: Any) -> str:
        """The id of a new interview about the application, whose candidate_id and company_id are needed too."""
        moment = now()
        interview = values | {
            "id": new_id(),
            "application_id": application["application_id"],
            "candidate_id": application["candidate_id"],
            "company_id": application["company_id"],
            "share_feedback": True,
            "revision": 0,
            "created_at": moment,
        }
        interview |= interview_changes(SCHEDULE, actor=Actor.COMPANY, now=moment)
        self._connection.execute(insert(Interview).values(interview))
        followed = application_changes(SCHEDULE, interview, now=moment)
        is_followed = Application.id == interview["application_id"]
        self._connection.execute(update(Application).where(is_followed).values(followed))
        EventLog(self._connection).append(interview, SCHEDULE.event, at=moment, actor=Actor.COMPANY)
        return str(interview["id"])

    def refuse_overlap(
        self, interview: Mapping[Any, Any], *, starts_at: datetime, duration_minutes: int, interview_id: str
    ) -> None:
        """Raise Conflict when another open interview of the same company and candidate takes some of that time.

        [start, end): back to back is fine. Locks the candidate, so that two requests cannot both pass.
        """
        self._connection.execute(_LOCK_CANDIDATE, {"candidate_id": interview["candidate_id"]})
        nearby = self._connection.execute(
            _OPEN_NEARBY,
            {
                "company_id": interview["company_id"],
                "candidate_id": interview["candidate_id"],
                "earliest": starts_at - MAX_DURATION,
                "ends_at": starts_at + timedelta(minutes=duration_minutes),
                "interview_id": interview_id,
            },
        )
        if any(starts_at < other.starts_at + timedelta(minutes=other.duration_minutes) for other in nearby):
            raise Conflict("The candidate already has an interview with you at this time")

"""The SQL that changes interviews: a move is one conditional UPDATE, its application's follow-up and its event."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, insert, literal_column, select, update

from interviews_api.accounts.models import Candidate
from interviews_api.clock import now
from interviews_api.errors import Conflict
from interviews_api.events.log import EventLog
from interviews_api.hiring.models import Application
from interviews_api.ids import new_id
from interviews_api.interviews.models import OPEN_STATUSES, Actor, Interview, InterviewStatus
from interviews_api.interviews.moves import SCHEDULE, Move, application_changes, interview_changes

LONGEST = timedelta(minutes=1440)

Check = Callable[[RowMapping], None]
"""Looks at an interview that is about to be moved, and raises what stands against it."""

_INTERVIEW = bindparam("interview_id", type_=Interview.id.type)
_LOCK = select(Interview.id).where(Interview.id == _INTERVIEW).with_for_update()
_LOCK_CANDIDATE = (
    select(Candidate.id)
    .where(Candidate.id == bindparam("candidate_id", type_=Candidate.id.type))
    .with_for_update(key_share=True)
)


def status_is(*statuses: InterviewStatus) -> ColumnElement[bool]:
    """One of these statuses, written into the SQL: a partial index and a kept plan need to see them."""
    constants = [literal_column(f"'{status}'", Interview.status.type) for status in statuses]
    return Interview.status.in_(constants) if len(constants) > 1 else Interview.status == constants[0]


_OPEN_NEARBY = select(Interview.starts_at, Interview.duration_minutes).where(
    Interview.company_id == bindparam("company_id", type_=Interview.company_id.type),
    Interview.candidate_id == bindparam("candidate_id", type_=Interview.candidate_id.type),
    status_is(*OPEN_STATUSES),
    Interview.starts_at > bindparam("earliest", type_=Interview.starts_at.type),
    Interview.starts_at < bindparam("ends_at", type_=Interview.starts_at.type),
    Interview.id != _INTERVIEW,
)


class MoveRepository:
    """Changes interviews. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, interview_id: str) -> None:
        """Keep other moves of this interview waiting, so that what is read next is what will be moved."""
        self._connection.execute(_LOCK, {"interview_id": interview_id})

    def move(
        self,
        move: Move,
        interview_id: str,
        scope: ColumnElement[bool],
        *,
        actor: Actor,
        previous_starts_at: datetime | None = None,
        **changes: Any,
    ) -> bool:
        """Whether the move was made: it is not when the status forbids it or the interview is out of scope."""
        moment = now()
        values = interview_changes(move, actor=actor, now=moment) | changes
        if move.raises_revision:
            values["revision"] = Interview.revision + 1
        statement = (
            update(Interview)
            .where(Interview.id == interview_id, scope, status_is(*move.sources))
            .values(values)
            .returning(
                Interview.id,
                Interview.application_id,
                Interview.candidate_id,
                Interview.company_id,
                Interview.revision,
            )
        )
        moved = self._connection.execute(statement).mappings().one_or_none()
        if moved is None:
            return False
        self._follow(move, values | dict(moved), actor, moment, previous_starts_at)
        return True

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
        self._follow(SCHEDULE, interview, Actor.COMPANY, moment)
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
                "earliest": starts_at - LONGEST,
                "ends_at": starts_at + timedelta(minutes=duration_minutes),
                "interview_id": interview_id,
            },
        )
        if any(starts_at < other.starts_at + timedelta(minutes=other.duration_minutes) for other in nearby):
            raise Conflict("The candidate already has an interview with you at this time")

    def _follow(
        self,
        move: Move,
        interview: Mapping[Any, Any],
        actor: Actor,
        moment: datetime,
        previous_starts_at: datetime | None = None,
    ) -> None:
        """What every move brings along: the application's status and dates, and the event, last."""
        if followed := application_changes(move, interview, now=moment):
            is_followed = Application.id == interview["application_id"]
            self._connection.execute(update(Application).where(is_followed).values(followed))
        log = EventLog(self._connection)
        log.append(interview, move.event, at=moment, actor=actor, previous_starts_at=previous_starts_at)

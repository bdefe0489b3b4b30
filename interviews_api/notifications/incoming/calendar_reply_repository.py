"""The SQL of calendar replies: the interview of a reply address, and the transitions that a reply makes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, select

from interviews_api.accounts.models import User
from interviews_api.db.pagination import SelectStatement
from interviews_api.db.row_limits import ActiveLimits
from interviews_api.interviews.errors import InvalidLink
from interviews_api.interviews.models import Actor, Interview
from interviews_api.interviews.state_machine import Transition
from interviews_api.interviews.transition_repository import INTERVIEW_ID, Side, TransitionRepository

InterviewRow = Mapping[Any, Any]

_CANDIDATE_ID = bindparam("candidate_id", type_=Interview.candidate_id.type)
_REVISION = bindparam("answered_revision", type_=Interview.revision.type)
_IS_ANSWERED = (Interview.candidate_id == _CANDIDATE_ID) & (Interview.revision == _REVISION)


def _select(interview: type[Interview]) -> SelectStatement:
    return (
        select(
            interview.id.label("interview_id"),
            interview.candidate_id,
            interview.company_id,
            interview.status,
            interview.cancelled_by,
            interview.revision,
            interview.starts_at,
            interview.duration_minutes,
            interview.reschedule_request,
            User.email.label("candidate_email"),
        )
        .join(User, User.id == interview.candidate_id)
        .where(interview.id == INTERVIEW_ID)
    )


_INTERVIEW = _select(Interview)
_CALENDAR_SIDE = Side(Actor.CANDIDATE, _IS_ANSWERED, _select)


class CalendarReplyRepository:
    """Interviews to which candidates reply from their calendars. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, interview_id: str) -> InterviewRow | None:
        """Return the interview with its candidate's address, or None."""
        return self._connection.execute(_INTERVIEW, {"interview_id": interview_id}).mappings().one_or_none()

    def lock(self, interview_id: str) -> InterviewRow | None:
        """Make other transitions and replies of the interview wait until the commit, and return it, or None."""
        TransitionRepository(self._connection).lock(interview_id)
        return self.find(interview_id)

    def apply(
        self, transition: Transition, interview: InterviewRow, *, limits: ActiveLimits = None, **changes: Any
    ) -> None:
        """Apply the candidate's transition to the interview at this revision.

        Raises InvalidLink for another revision, TooManyRequests, and the transition's `refusal`.
        """
        keys = {
            "interview_id": interview["interview_id"],
            "candidate_id": interview["candidate_id"],
            "answered_revision": interview["revision"],
        }
        transitions = TransitionRepository(self._connection)
        transitions.apply(
            transition, _CALENDAR_SIDE, keys, read=lambda: self._read(interview), limits=limits, **changes
        )

    def _read(self, answered: InterviewRow) -> InterviewRow:
        interview = self.find(answered["interview_id"])
        if interview is None or interview["revision"] != answered["revision"]:
            raise InvalidLink
        return interview

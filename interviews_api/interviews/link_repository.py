"""The SQL of confirmation links: the interview of a link, and its transitions by the candidate."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, case, exists, select

from interviews_api.accounts.models import Candidate, Company
from interviews_api.db.pagination import SelectStatement
from interviews_api.db.row_limits import ActiveLimits
from interviews_api.events.models import Event, EventType
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.candidate_columns import (
    COMPANY_AND_JOB_COLUMNS,
    COMPANY_CONTACT_COLUMNS,
    candidate_columns,
)
from interviews_api.interviews.errors import InvalidLink
from interviews_api.interviews.models import Actor, Interview, InterviewStatus
from interviews_api.interviews.scheduling import ends_at
from interviews_api.interviews.state_machine import Transition
from interviews_api.interviews.transition_repository import INTERVIEW_ID, Side, TransitionRepository

_HAS_LINKED_REVISION = Interview.revision == bindparam("linked_revision", type_=Interview.revision.type)


def _details(interview: type[Interview]) -> SelectStatement:
    return (
        select(
            *candidate_columns(interview),
            interview.revision,
            interview.duration_minutes,
            interview.cancelled_by,
            interview.reschedule_request,
            case((interview.share_feedback, interview.feedback)).label("feedback"),
            Application.applied_at,
            *COMPANY_AND_JOB_COLUMNS,
            *COMPANY_CONTACT_COLUMNS,
            Job.description.label("job_description"),
            Candidate.phone.label("candidate_phone"),
        )
        .join(Application, Application.id == interview.application_id)
        .join(Job, Job.id == Application.job_id)
        .join(Company, Company.id == Job.company_id)
        .join(Candidate, Candidate.id == interview.candidate_id)
        .where(interview.id == INTERVIEW_ID)
    )


_DETAILS = _details(Interview)
_LINK_SIDE = Side(Actor.CANDIDATE, _HAS_LINKED_REVISION, _details)
_WAS_DECLINED_BY_LINK = select(
    exists().where(
        Event.interview_id == INTERVIEW_ID,
        Event.type == EventType.DECLINED,
        Event.revision == bindparam("declined_revision", type_=Event.revision.type),
        Event.is_by_link.is_(True),
    )
)


def _check_is_not_over(interview: Mapping[Any, Any], now: datetime) -> None:
    """Raise InvalidLink once the interview has ended."""
    if now >= ends_at(interview):
        raise InvalidLink


class LinkRepository:
    """An interview at the revision that a link names. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, interview_id: str, revision: int, *, now: datetime) -> RowMapping:
        """Return the interview, with company and job; raises InvalidLink when it was rescheduled or is over."""
        row = self._find(interview_id)
        if row is None or row["revision"] != revision:
            raise InvalidLink
        _check_is_not_over(row, now)
        return row

    def show(self, interview_id: str, revision: int, *, now: datetime) -> RowMapping:
        """Return the interview as `get` does, also when a decline by this link has superseded it."""
        row = self._find(interview_id)
        if row is None or not (row["revision"] == revision or self._was_declined_by(row, revision)):
            raise InvalidLink
        _check_is_not_over(row, now)
        return row

    def apply(
        self,
        transition: Transition,
        link: tuple[str, int],
        *,
        now: datetime,
        limits: ActiveLimits = None,
        **changes: Any,
    ) -> Mapping[Any, Any]:
        """Apply the candidate's transition to the revision of the link and return the interview.

        `link` is the id and revision of its token. Raises as `get` does, TooManyRequests, and the transition's
        `refusal`.
        """
        interview_id, revision = link
        interview = TransitionRepository(self._connection).apply(
            transition,
            _LINK_SIDE,
            {"interview_id": interview_id, "linked_revision": revision},
            read=lambda: self.get(interview_id, revision, now=now),
            limits=limits,
            event_details={"is_by_link": True},
            **changes,
        )
        _check_is_not_over(interview, now)  # raises, so the transition rolls back
        return interview

    def revision(self, interview_id: str) -> int | None:
        """Return the present revision, or None when there is no such interview."""
        return self._connection.execute(
            select(Interview.revision).where(Interview.id == interview_id)
        ).scalar_one_or_none()

    def _find(self, interview_id: str) -> RowMapping | None:
        return self._connection.execute(_DETAILS, {"interview_id": interview_id}).mappings().one_or_none()

    def _was_declined_by(self, interview: RowMapping, revision: int) -> bool:
        """Return whether the interview's last transition was a decline by the link of this revision."""
        if interview["status"] != InterviewStatus.CANCELLED or interview["revision"] != revision + 1:
            return False
        values = {"interview_id": interview["interview_id"], "declined_revision": revision + 1}
        return bool(self._connection.execute(_WAS_DECLINED_BY_LINK, values).scalar())

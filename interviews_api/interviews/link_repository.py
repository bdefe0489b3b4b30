"""What the bearer of a link reads, and the one move that it allows."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, bindparam, select

from interviews_api.errors import IllegalMove
from interviews_api.hiring.models import Application, Company, Job
from interviews_api.interviews.links import InvalidLink
from interviews_api.interviews.models import Actor, Interview
from interviews_api.interviews.move_repository import MoveRepository
from interviews_api.interviews.moves import CONFIRM
from interviews_api.interviews.repository import BRIEF, SHOWN

_ONE = (
    select(*SHOWN, Interview.revision, Interview.duration_minutes, *BRIEF)
    .join(Application, Application.id == Interview.application_id)
    .join(Job, Job.id == Application.job_id)
    .join(Company, Company.id == Job.company_id)
    .where(Interview.id == bindparam("interview_id", type_=Interview.id.type))
)


class LinkRepository:
    """One interview at the revision that a link names. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, interview_id: str, revision: int, *, now: datetime) -> RowMapping:
        """The interview with the names of company and job; raises InvalidLink once it was moved or is over."""
        row = self._connection.execute(_ONE, {"interview_id": interview_id}).mappings().one_or_none()
        if row is None or row["revision"] != revision:
            raise InvalidLink
        if now >= row["starts_at"] + timedelta(minutes=row["duration_minutes"]):
            raise InvalidLink
        return row

    def confirm(self, interview_id: str, revision: int, *, now: datetime) -> RowMapping:
        """The candidate's yes to this revision; raises what `get` raises, and IllegalMove unless it was pending."""
        is_meant = Interview.revision == revision
        has_moved = MoveRepository(self._connection).move(CONFIRM, interview_id, is_meant, actor=Actor.CANDIDATE)
        interview = self.get(interview_id, revision, now=now)
        if not has_moved:
            raise IllegalMove(CONFIRM.refusal)
        return interview

    def revision(self, interview_id: str) -> int | None:
        """The present revision; None when there is no such interview."""
        return self._connection.execute(
            select(Interview.revision).where(Interview.id == interview_id)
        ).scalar_one_or_none()

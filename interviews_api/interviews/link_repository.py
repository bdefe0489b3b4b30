"""What the bearer of a link reads, and the one move that it allows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from interviews_api.accounts.models import Company
from interviews_api.db.pagination import SelectStatement
from interviews_api.errors import IllegalTransition
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.candidate_repository import COMPANY_AND_JOB_COLUMNS, candidate_columns
from interviews_api.interviews.link_tokens import InvalidLink
from interviews_api.interviews.models import Actor, Interview
from interviews_api.interviews.state_machine import CONFIRM
from interviews_api.interviews.transition_repository import INTERVIEW_ID, TransitionRepository

_IS_MEANT = Interview.revision == bindparam("meant_revision", type_=Interview.revision.type)


def _details(interview: type[Interview]) -> SelectStatement:
    return (
        select(*candidate_columns(interview), interview.revision, interview.duration_minutes, *COMPANY_AND_JOB_COLUMNS)
        .join(Application, Application.id == interview.application_id)
        .join(Job, Job.id == Application.job_id)
        .join(Company, Company.id == Job.company_id)
        .where(interview.id == INTERVIEW_ID)
    )


_DETAILS = _details(Interview)


def _unless_over(interview: Mapping[Any, Any], now: datetime) -> Mapping[Any, Any]:
    if now >= interview["starts_at"] + timedelta(minutes=interview["duration_minutes"]):
        raise InvalidLink
    return interview


class LinkRepository:
    """One interview at the revision that a link names. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, interview_id: str, revision: int, *, now: datetime) -> Mapping[Any, Any]:
        """The interview with the names of company and job; raises InvalidLink once it was moved or is over."""
        row = self._connection.execute(_DETAILS, {"interview_id": interview_id}).mappings().one_or_none()
        if row is None or row["revision"] != revision:
            raise InvalidLink
        return _unless_over(row, now)

    def confirm(self, interview_id: str, revision: int, *, now: datetime) -> Mapping[Any, Any]:
        """The candidate's yes to this revision; raises what `get` raises, and IllegalMove unless it was pending."""
        keys = {"interview_id": interview_id, "meant_revision": revision}
        moves = TransitionRepository(self._connection)
        interview = moves.move(CONFIRM, keys, scope=_IS_MEANT, view=_details, actor=Actor.CANDIDATE)
        if interview is None:
            self.get(interview_id, revision, now=now)
            raise IllegalTransition(CONFIRM.refusal)
        return _unless_over(interview, now)

    def revision(self, interview_id: str) -> int | None:
        """The present revision; None when there is no such interview."""
        return self._connection.execute(
            select(Interview.revision).where(Interview.id == interview_id)
        ).scalar_one_or_none()

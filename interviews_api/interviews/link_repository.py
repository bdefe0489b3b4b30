"""The SQL of confirmation links: the interview of a link, and its confirmation."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from interviews_api.accounts.models import Company
from interviews_api.db.pagination import SelectStatement
from interviews_api.db.row_limits import ActiveLimits
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.candidate_repository import COMPANY_AND_JOB_COLUMNS, candidate_columns
from interviews_api.interviews.errors import InvalidLink
from interviews_api.interviews.models import Actor, Interview
from interviews_api.interviews.state_machine import CONFIRM
from interviews_api.interviews.transition_repository import INTERVIEW_ID, Side, TransitionRepository

_HAS_LINKED_REVISION = Interview.revision == bindparam("linked_revision", type_=Interview.revision.type)


def _details(interview: type[Interview]) -> SelectStatement:
    return (
        select(*candidate_columns(interview), interview.revision, interview.duration_minutes, *COMPANY_AND_JOB_COLUMNS)
        .join(Application, Application.id == interview.application_id)
        .join(Job, Job.id == Application.job_id)
        .join(Company, Company.id == Job.company_id)
        .where(interview.id == INTERVIEW_ID)
    )


_DETAILS = _details(Interview)
_LINK_SIDE = Side(Actor.CANDIDATE, _HAS_LINKED_REVISION, _details)


def _check_is_not_over(interview: Mapping[Any, Any], now: datetime) -> None:
    """Raise InvalidLink once the interview has ended."""
    if now >= interview["starts_at"] + timedelta(minutes=interview["duration_minutes"]):
        raise InvalidLink


class LinkRepository:
    """An interview at the revision that a link names. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, interview_id: str, revision: int, *, now: datetime) -> Mapping[Any, Any]:
        """Return the interview, with company and job; raises InvalidLink when it was rescheduled or is over."""
        row = self._connection.execute(_DETAILS, {"interview_id": interview_id}).mappings().one_or_none()
        if row is None or row["revision"] != revision:
            raise InvalidLink
        _check_is_not_over(row, now)
        return row

    def confirm(
        self, interview_id: str, revision: int, *, now: datetime, limits: ActiveLimits = None
    ) -> Mapping[Any, Any]:
        """Confirm this revision and return the interview; raises as `get` does, TooManyRequests and NotPending."""
        interview = TransitionRepository(self._connection).apply(
            CONFIRM,
            _LINK_SIDE,
            {"interview_id": interview_id, "linked_revision": revision},
            read=lambda: self.get(interview_id, revision, now=now),
            limits=limits,
        )
        _check_is_not_over(interview, now)  # raises, so the transaction rolls back
        return interview

    def revision(self, interview_id: str) -> int | None:
        """Return the present revision, or None when there is no such interview."""
        return self._connection.execute(
            select(Interview.revision).where(Interview.id == interview_id)
        ).scalar_one_or_none()

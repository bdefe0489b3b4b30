"""The SQL of live updates: the changes after an event id.

A change is a published event (`PUBLISHED_TYPES`) with its interview as it is now.
"""

from collections.abc import Collection

from sqlalchemy import Connection, RowMapping, bindparam, exists, func, literal_column, select
from sqlalchemy.orm import aliased

from interviews_api.accounts.models import Company, Session
from interviews_api.events.models import PUBLISHED_TYPES, Event
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.candidate_columns import CANDIDATE_COLUMNS, COMPANY_AND_JOB_COLUMNS
from interviews_api.interviews.models import Interview

BATCH = 500
_NEWEST = select(func.coalesce(func.max(Event.id), 0))
_UP_TO = bindparam("up_to", type_=Event.id.type)
_PUBLISHED = [literal_column(f"'{event_type}'", Event.type.type) for event_type in sorted(PUBLISHED_TYPES)]
_later = aliased(Event)
_IS_LAST = ~exists().where(
    _later.interview_id == Event.interview_id,
    _later.id > Event.id,
    _later.id <= _UP_TO,
    _later.type.in_(_PUBLISHED),
)
_CHANGES = (
    select(
        Event.id.label("event_id"),
        Event.type.label("event_type"),
        Event.at.label("event_at"),
        Event.candidate_id.label("event_candidate_id"),
        *CANDIDATE_COLUMNS,
        Application.applied_at,
        *COMPANY_AND_JOB_COLUMNS,
    )
    .join(Interview, Interview.id == Event.interview_id)
    .join(Application, Application.id == Interview.application_id)
    .join(Job, Job.id == Application.job_id)
    .join(Company, Company.id == Job.company_id)
    .where(
        Event.candidate_id.in_(bindparam("candidate_ids", expanding=True, type_=Event.candidate_id.type)),
        Event.id > bindparam("after", type_=Event.id.type),
        Event.id <= _UP_TO,
        Event.type.in_(_PUBLISHED),
    )
    .order_by(Event.id)
    .limit(bindparam("limit"))
)
_LAST_CHANGES = _CHANGES.where(_IS_LAST)


class LiveRepository:
    """Changes and sessions for the hub; only reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self) -> int:
        """Return the id of the last event, 0 without events; every later commit has a greater one."""
        return int(self._connection.execute(_NEWEST).scalar_one())

    def changes(
        self,
        candidate_ids: Collection[str],
        *,
        after: int,
        up_to: int,
        limit: int = BATCH,
        is_last_only: bool = False,
    ) -> list[RowMapping]:
        """Return the changes of these candidates' interviews in the order of the log, at most `limit`.

        With `is_last_only`, the last change of each interview alone.
        """
        keys = {"candidate_ids": sorted(candidate_ids), "after": after, "up_to": up_to, "limit": limit}
        return list(self._connection.execute(_LAST_CHANGES if is_last_only else _CHANGES, keys).mappings())

    def active_sessions(self, session_ids: Collection[str]) -> set[str]:
        """Return which of these sessions have not been ended."""
        return set(self._connection.execute(select(Session.id).where(Session.id.in_(session_ids))).scalars())

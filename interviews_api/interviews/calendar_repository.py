"""The SQL of calendar feeds: the secret of each candidate's feed, and the interviews that it shows."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, or_, select

from interviews_api.accounts.models import Company, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.db.upsert import dialect_insert
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.candidate_repository import CANDIDATE_COLUMNS, COMPANY_AND_JOB_COLUMNS
from interviews_api.interviews.errors import CalendarNotFound
from interviews_api.interviews.models import ENDED_STATUSES, OPEN_STATUSES, CalendarFeed, Interview
from interviews_api.interviews.transition_repository import status_is

_PAST_SHOWN = timedelta(days=90)
_IS_SHOWN = or_(
    status_is(*OPEN_STATUSES),
    status_is(*ENDED_STATUSES) & (Interview.starts_at >= bindparam("earliest", type_=Interview.starts_at.type)),
)
_FEED = (
    select(
        *CANDIDATE_COLUMNS,
        Interview.duration_minutes,
        Interview.revision,
        Interview.updated_at,
        *COMPANY_AND_JOB_COLUMNS,
        Company.email.label("company_email"),
    )
    .select_from(CalendarFeed)
    .outerjoin(Interview, (Interview.candidate_id == CalendarFeed.candidate_id) & _IS_SHOWN)
    .outerjoin(Application, Application.id == Interview.application_id)
    .outerjoin(Job, Job.id == Application.job_id)
    .outerjoin(Company, Company.id == Job.company_id)
    .where(CalendarFeed.secret_hash == bindparam("secret_hash"))
    .order_by(Interview.starts_at, Interview.id)
)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class CalendarFeedRepository:
    """At most one feed for each candidate. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, viewer: Viewer, secret: str, *, now: datetime) -> None:
        """Give the viewer's feed this secret in place of an earlier one; raises Unauthorized."""
        UserRepository(self._connection).get(viewer)
        values: dict[str, Any] = {"secret_hash": _hash(secret), "created_at": now}
        statement = dialect_insert(self._connection, CalendarFeed).values(candidate_id=viewer.user_id, **values)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=[CalendarFeed.candidate_id], set_=values)
        )

    def delete(self, viewer: Viewer) -> None:
        """Delete the viewer's feed; raises Unauthorized."""
        UserRepository(self._connection).get(viewer)
        self._connection.execute(delete(CalendarFeed).where(CalendarFeed.candidate_id == viewer.user_id))

    def interviews(self, secret: str, *, now: datetime) -> list[RowMapping]:
        """Return open interviews, and ended ones that began in the last 90 days or begin later, soonest first.

        Raises CalendarNotFound.
        """
        keys = {"secret_hash": _hash(secret), "earliest": now - _PAST_SHOWN}
        rows = self._connection.execute(_FEED, keys).mappings().all()
        if not rows:
            raise CalendarNotFound
        return [row for row in rows if row["interview_id"] is not None]

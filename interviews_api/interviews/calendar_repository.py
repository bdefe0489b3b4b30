"""The SQL of calendar feeds: the secret of each candidate's feed, and the interviews that it shows."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, or_, select, update

from interviews_api.accounts.models import Candidate, Company, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, VIEWER, UserRepository
from interviews_api.db.upsert import dialect_insert
from interviews_api.errors import Unauthorized
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.candidate_repository import CANDIDATE_COLUMNS, COMPANY_AND_JOB_COLUMNS
from interviews_api.interviews.errors import CalendarNotFound
from interviews_api.interviews.models import ENDED_STATUSES, OPEN_STATUSES, CalendarFeed, Interview
from interviews_api.interviews.transition_repository import status_is

_PAST_SHOWN = timedelta(days=90)
_READ_PRECISION = timedelta(minutes=1)
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
_OF_VIEWER = (
    select(CalendarFeed.created_at, CalendarFeed.last_read_at)
    .select_from(Candidate)
    .outerjoin(CalendarFeed, CalendarFeed.candidate_id == Candidate.id)
    .where(Candidate.id == VIEWER, IS_SIGNED_IN)
)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _read_due(secret: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    is_old = or_(CalendarFeed.last_read_at.is_(None), CalendarFeed.last_read_at <= now - _READ_PRECISION)
    return CalendarFeed.secret_hash == _hash(secret), is_old


class CalendarFeedRepository:
    """At most one feed for each candidate. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, viewer: Viewer, secret: str, *, now: datetime) -> None:
        """Give the viewer's feed this secret in place of an earlier one; raises Unauthorized."""
        UserRepository(self._connection).lock_viewer(viewer)
        values: dict[str, Any] = {"secret_hash": _hash(secret), "created_at": now, "last_read_at": None}
        statement = dialect_insert(self._connection, CalendarFeed).values(candidate_id=viewer.user_id, **values)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=[CalendarFeed.candidate_id], set_=values)
        )

    def delete(self, viewer: Viewer) -> None:
        """Delete the viewer's feed; raises Unauthorized."""
        UserRepository(self._connection).get(viewer)
        self.delete_all(viewer.user_id)

    def delete_all(self, user_id: str) -> None:
        """Delete the candidate's feed."""
        self._connection.execute(delete(CalendarFeed).where(CalendarFeed.candidate_id == user_id))

    def get(self, viewer: Viewer) -> dict[str, Any]:
        """Return whether the viewer has a feed, since when, and when it was last read; raises Unauthorized."""
        row = self._connection.execute(_OF_VIEWER, viewer.keys).mappings().one_or_none()
        if row is None:
            raise Unauthorized
        return {"is_active": row["created_at"] is not None, **row}

    def is_read_due(self, secret: str, *, now: datetime) -> bool:
        """Return whether `mark_read` would write; only reads."""
        return (
            self._connection.execute(select(CalendarFeed.candidate_id).where(*_read_due(secret, now))).first()
            is not None
        )

    def mark_read(self, secret: str, *, now: datetime) -> None:
        """Record that the feed was read, at most once a minute."""
        self._connection.execute(update(CalendarFeed).where(*_read_due(secret, now)).values(last_read_at=now))

    def interviews(self, secret: str, *, now: datetime) -> list[RowMapping]:
        """Return open interviews, and ended ones of the last 90 days, soonest first; raises CalendarNotFound."""
        keys = {"secret_hash": _hash(secret), "earliest": now - _PAST_SHOWN}
        rows = self._connection.execute(_FEED, keys).mappings().all()
        if not rows:
            raise CalendarNotFound
        return [row for row in rows if row["interview_id"] is not None]

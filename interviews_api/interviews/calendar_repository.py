"""The SQL of calendar feeds: the secret of each candidate's feed, and the interviews that it shows."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, or_, select, true, update

from interviews_api.accounts.answerable_addresses import ANSWERABLE_EMAIL
from interviews_api.accounts.models import Candidate, Company, User, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, VIEWER, UserRepository
from interviews_api.cache import Freshness, Version, Versioned
from interviews_api.clock import LATEST
from interviews_api.db.prepared import Prepared, Row
from interviews_api.db.upsert import dialect_insert
from interviews_api.errors import Unauthorized
from interviews_api.events.log import version_columns, version_in
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.errors import CalendarNotFound
from interviews_api.interviews.models import ENDED_STATUSES, OPEN_STATUSES, CalendarFeed, Interview
from interviews_api.interviews.transition_repository import status_is

MAX_ENTRIES = 500
MAX_FEED_TEXT = 2000  # characters of notes, and of the place
_PAST_SHOWN = timedelta(days=90)
_READ_PRECISION = timedelta(minutes=1)
_IS_SHOWN = or_(
    status_is(*OPEN_STATUSES),
    status_is(*ENDED_STATUSES) & (Interview.starts_at >= bindparam("earliest", type_=Interview.starts_at.type)),
)


def _cut(column: Any) -> ColumnElement[str]:
    return func.substr(column, 1, MAX_FEED_TEXT, type_=column.type).label(column.key)


_HAS_SECRET = CalendarFeed.secret_hash == bindparam("secret_hash", type_=CalendarFeed.secret_hash.type)
_VERSION = version_columns(CalendarFeed.candidate_id)
_BY_SECRET = Prepared(
    select(CalendarFeed.last_read_at, User.email_verified_at.is_not(None).label("email_verified"), *_VERSION)
    .join(User, User.id == CalendarFeed.candidate_id)
    .where(_HAS_SECRET)
)
_shown = (
    select(Interview.id)
    .where(Interview.candidate_id == select(CalendarFeed.candidate_id).where(_HAS_SECRET).scalar_subquery(), _IS_SHOWN)
    .order_by(Interview.starts_at.desc(), Interview.id)
    .limit(MAX_ENTRIES)
    .subquery("shown")
)
_FEED = Prepared(
    select(
        Interview.id.label("interview_id"),
        Interview.status,
        Interview.type,
        Interview.starts_at,
        Interview.duration_minutes,
        _cut(Interview.location),
        Interview.meeting_link,
        _cut(Interview.notes),
        Interview.revision,
        Interview.created_at,
        Interview.updated_at,
        Company.name.label("company_name"),
        Company.phone.label("company_phone"),
        Company.email.label("company_email"),
        _cut(Company.address).label("company_address"),
        Company.updated_at.label("company_updated_at"),
        ANSWERABLE_EMAIL,
        Job.title.label("job_title"),
        Job.updated_at.label("job_updated_at"),
        Candidate.phone.label("candidate_phone"),
        *_VERSION,
    )
    .select_from(CalendarFeed)
    .outerjoin(_shown, true())
    .join(Candidate, Candidate.id == CalendarFeed.candidate_id)
    .outerjoin(Interview, Interview.id == _shown.c.id)
    .outerjoin(Application, Application.id == Interview.application_id)
    .outerjoin(Job, Job.id == Application.job_id)
    .outerjoin(Company, Company.id == Job.company_id)
    .where(_HAS_SECRET)
)
_OF_VIEWER = (
    select(CalendarFeed.created_at, CalendarFeed.last_read_at)
    .select_from(Candidate)
    .outerjoin(CalendarFeed, CalendarFeed.candidate_id == Candidate.id)
    .where(Candidate.id == VIEWER, IS_SIGNED_IN)
)


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of a feed's secret, which the database stores in its place."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class RequestedFeed:
    """The feed that a request names, with its version and whether `mark_read` would write.

    Feeds are equal by their secret, so that one is part of a key of the cache.
    """

    secret_hash: str
    version: Version = field(compare=False)
    is_read_due: bool = field(compare=False)


class CalendarFeedRepository:
    """At most one feed for each candidate. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, viewer: Viewer, secret_hash: str, *, now: datetime) -> None:
        """Give the viewer's feed this secret in place of an earlier one; raises Unauthorized."""
        UserRepository(self._connection).share_viewer(viewer)
        values: dict[str, Any] = {"secret_hash": secret_hash, "created_at": now, "last_read_at": None}
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

    def get_by_secret(self, secret_hash: str, *, now: datetime, of_verified: bool = False) -> RequestedFeed:
        """Return the feed with that secret, in one statement; raises CalendarNotFound.

        With `of_verified`, a feed counts only once its candidate's address is verified.
        """
        row = self._first(_BY_SECRET.rows(self._connection, {"secret_hash": secret_hash}))
        if of_verified and not row["email_verified"]:
            raise CalendarNotFound
        is_read_due = row["last_read_at"] is None or row["last_read_at"] <= now - _READ_PRECISION
        return RequestedFeed(secret_hash, version_in(row), is_read_due)

    def mark_read(self, secret_hash: str, *, now: datetime) -> None:
        """Record that the feed was read, at most once a minute."""
        is_old = or_(CalendarFeed.last_read_at.is_(None), CalendarFeed.last_read_at <= now - _READ_PRECISION)
        is_due = (CalendarFeed.secret_hash == secret_hash) & is_old
        self._connection.execute(update(CalendarFeed).where(is_due).values(last_read_at=now))

    def interviews(self, secret_hash: str, *, now: datetime) -> Versioned[list[Row]]:
        """Return the feed's interviews, the newest start first; raises CalendarNotFound.

        They are the open ones, and the ended ones of the last 90 days, at most MAX_ENTRIES. Fresh until the first of
        the ended ones shown began 90 days ago.
        """
        rows = _FEED.rows(self._connection, {"secret_hash": secret_hash, "earliest": now - _PAST_SHOWN})
        version = version_in(self._first(rows))
        shown = sorted((row for row in rows if row["interview_id"] is not None), key=lambda row: row["interview_id"])
        shown.sort(key=lambda row: row["starts_at"], reverse=True)
        ended = [row["starts_at"] for row in shown if row["status"] in ENDED_STATUSES]
        return Versioned(shown, Freshness(version, since=now, until=min(ended) + _PAST_SHOWN if ended else LATEST))

    @staticmethod
    def _first(rows: list[Row]) -> Row:
        """Return the first row; raises CalendarNotFound if there is none, because the secret is not a feed's."""
        if not rows:
            raise CalendarNotFound
        return rows[0]

"""The event log: appended to in the transaction of a transition, read in the order of commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from sys import intern
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    SQLColumnExpression,
    bindparam,
    func,
    insert,
    select,
    true,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.dml import ReturningInsert

from interviews_api.cache import Version
from interviews_api.db.pagination import MAX_ROWS, Page, build_page, count_subquery, page_subquery
from interviews_api.db.upsert import dialect_insert
from interviews_api.events.models import Event, EventType, Import
from interviews_api.ids import new_id

_COPIED_COLUMNS = {
    "interview_id": "id",
    "revision": "revision",
    "candidate_id": "candidate_id",
    "company_id": "company_id",
}
"""Columns of an event, each with the interview's column that it copies."""

_OWN_COLUMNS = ("type", "actor", "previous_starts_at", "occasion", "changed_fields", "is_by_link")
_AT = bindparam("event_at", type_=Event.at.type)

Columns = Mapping[str, ColumnElement[Any]] | ReadOnlyColumnCollection[str, Any]

SINGLETON_ID = 1  # the only row of `imports`

NOTIFY_CHANNEL = "interview_events"
"""The Postgres channel that is notified of each committed event."""

# Ids must become visible in their own order (ADR 9), so one writer at a time takes an id and commits. On Postgres the
# lock is held until the end of the transaction. SQLite has one writer at a time anyway.
_COMMIT_ORDER = 0x6576656E7473  # "events"
_TAKE_COMMIT_LOCK = func.pg_advisory_xact_lock(_COMMIT_ORDER).label("taken")


def commit_lock_after(last_step: FromClause) -> CTE:
    """Return the Postgres CTE that waits for `last_step`, and takes the commit-order lock only if it returned rows."""
    count = select(func.count().label("n")).select_from(last_step).subquery()
    return select(_TAKE_COMMIT_LOCK).select_from(count).where(count.c.n > 0).cte("commit_lock")


def event_insert(
    interview: Columns, source: FromClause | None, *, at: ColumnElement[Any] = _AT
) -> Insert | ReturningInsert[Any]:
    """Return the statement that appends an event; `interview` has the columns that the event copies.

    Run it with the parameters of `event_values`. On Postgres, `source` is a FROM that includes the commit lock's CTE,
    and a NOTIFY with the candidate's id goes out with the commit. On SQLite, `source` is None.
    """
    values = [interview[name].label(column) for column, name in _COPIED_COLUMNS.items()]
    values += [at.label("at")]
    values += [bindparam(f"event_{name}", type_=Event.__table__.c[name].type).label(name) for name in _OWN_COLUMNS]
    rows = select(*values)
    statement = insert(Event).from_select(
        [*_COPIED_COLUMNS, "at", *_OWN_COLUMNS], rows if source is None else rows.select_from(source)
    )
    return statement if source is None else statement.returning(func.pg_notify(NOTIFY_CHANNEL, Event.candidate_id))


def event_values(
    event_type: EventType,
    *,
    at: datetime,
    actor: str,
    previous_starts_at: datetime | None = None,
    occasion: str | None = None,
    changed_fields: Sequence[str] | None = None,
    is_by_link: bool | None = None,
) -> dict[str, object]:
    """Return the values of the parameters that `event_insert` names `event_...`."""
    return {
        "event_type": event_type,
        "event_at": at,
        "event_actor": actor,
        "event_previous_starts_at": previous_starts_at,
        "event_occasion": occasion,
        "event_changed_fields": changed_fields,
        "event_is_by_link": is_by_link,
    }


_INTERVIEW_PARAMETERS = {
    name: bindparam(f"interview_{name}", type_=Event.__table__.c[column].type)
    for column, name in _COPIED_COLUMNS.items()
}
_APPEND = event_insert(_INTERVIEW_PARAMETERS, None)
_APPEND_IN_COMMIT_ORDER = event_insert(_INTERVIEW_PARAMETERS, select(_TAKE_COMMIT_LOCK).cte("commit_lock"))

_events = select(Event.id, Event.type, Event.at, Event.actor).where(
    Event.interview_id == bindparam("interview_id", type_=Event.interview_id.type)
)
_newest, _count = page_subquery(_events, (Event.id.desc(),)), count_subquery(_events)
_TIMELINE = select(_count, _newest).select_from(_count).outerjoin(_newest, true())


def valid_revision(event: type[Event]) -> ColumnElement[int]:
    """Return the revision up to which an event's messages hold: updates after it raise the revision and keep them.

    It equals the interview's revision as long as nothing but updates followed.
    """
    later = aliased(Event)
    updates = select(func.count()).where(
        later.interview_id == event.interview_id, later.id > event.id, later.type == EventType.UPDATED
    )
    return event.revision + updates.scalar_subquery()


def notify(connection: Connection) -> None:
    """Wake all commit listeners at COMMIT, for changes that append no event. SQLite's listeners see each commit."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(NOTIFY_CHANNEL, "")))


def version_columns(candidate_id: SQLColumnExpression[str]) -> tuple[ColumnElement[Any], ...]:
    """Return the columns `last_event` and `last_import`: the version of all that a candidate sees of interviews.

    Every writer of such data appends an event or begins a new import in the same transaction. Bulk seeding does
    neither: its interviews belong to new candidates, which no cache knows. Events become visible in the order of their
    ids, so equal versions mean equal data. Read the version in the statement that reads the data.
    """
    return (
        select(func.max(Event.id)).where(Event.candidate_id == candidate_id).scalar_subquery().label("last_event"),
        select(Import.version).where(Import.id == SINGLETON_ID).scalar_subquery().label("last_import"),
    )


def version_in(row: Mapping[str, Any]) -> Version:
    """Return the version in a row. The import version is interned, because thousands of cached responses share it."""
    return row["last_event"], row["last_import"] and intern(row["last_import"])


def invalidate_all_caches(connection: Connection) -> None:
    """Begin a new import, that is, a new version of `imports`, so that all cached responses become stale at COMMIT.

    For writers that append no events, such as the loader of seed files.
    """
    values = {"version": new_id()}
    statement = dialect_insert(connection, Import).values(id=SINGLETON_ID, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[Import.id], set_=values))


class EventLog:
    """The events, oldest first. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, interview: Mapping[Any, Any], event_type: EventType, **details: Any) -> None:
        """Append an event about the interview.

        `interview` has id, revision, candidate_id and company_id as they are after the transition. `details` are the
        arguments of `event_values`. Call it last in the transaction: only the reply to an Idempotency-Key may be
        written after it (`accounts/idempotency.py`).
        """
        statement = _APPEND_IN_COMMIT_ORDER if self._connection.dialect.name == "postgresql" else _APPEND
        values = {f"interview_{name}": interview[name] for name in _COPIED_COLUMNS.values()}
        self._connection.execute(statement, values | event_values(event_type, **details))

    def timeline(self, interview_id: str) -> Page:
        """Return the newest events of an interview, up to 1,000, and the number of all."""
        values = {"interview_id": interview_id, "limit": MAX_ROWS, "skip": 0}
        rows = self._connection.execute(_TIMELINE, values).mappings().all()
        return build_page(rows, id_column="id", sort=(itemgetter("id"), False))

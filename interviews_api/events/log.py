"""The event log: appended to within the move's transaction, read in the order of commits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    RowMapping,
    bindparam,
    func,
    insert,
    select,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.dml import ReturningInsert

from interviews_api.db.upsert import dialect_insert
from interviews_api.events.models import Event, EventType, Import
from interviews_api.ids import new_id

_OF_INTERVIEW = {
    "interview_id": "id",
    "revision": "revision",
    "candidate_id": "candidate_id",
    "company_id": "company_id",
}
_OF_EVENT = ("type", "actor", "previous_starts_at", "occasion")
_AT = bindparam("event_at", type_=Event.at.type)

Columns = Mapping[str, ColumnElement[Any]] | ReadOnlyColumnCollection[str, Any]

SINGLETON_ID = 1  # the row of imports

EVENTS_CHANNEL = "interview_events"
"""Where Postgres tells whoever listens that an event was committed."""

# One writer at a time takes an id and commits, so that ids become visible in their own order (ADR 0009). On Postgres
# the lock is held from here to the end of the transaction, so no move follows it there; SQLite has one writer anyway.
_COMMIT_ORDER = 0x6576656E7473  # "events"
_TAKE_TURN = func.pg_advisory_xact_lock(_COMMIT_ORDER).label("taken")


def commit_lock_after(done: FromClause) -> CTE:
    """On Postgres: one row, when all of `done` was done, if anything was, and it is one's turn to append and commit."""
    count = select(func.count().label("n")).select_from(done).subquery()
    return select(_TAKE_TURN).select_from(count).where(count.c.n > 0).cte("turn")


def insert_event(
    interview: Columns, waited: FromClause | None, *, at: ColumnElement[Any] = _AT
) -> Insert | ReturningInsert[Any]:
    """The statement that appends an event about the interview that these are the columns of, given `event_` values.

    `waited` (Postgres): what is read to wait for one's turn; then the NOTIFY goes out with the commit, and says whose.
    """
    values = [interview[name].label(column) for column, name in _OF_INTERVIEW.items()]
    values += [at.label("at")]
    values += [bindparam(f"event_{name}", type_=Event.__table__.c[name].type).label(name) for name in _OF_EVENT]
    rows = select(*values)
    statement = insert(Event).from_select(
        [*_OF_INTERVIEW, "at", *_OF_EVENT], rows if waited is None else rows.select_from(waited)
    )
    return statement if waited is None else statement.returning(func.pg_notify(EVENTS_CHANNEL, Event.candidate_id))


def event_values(
    event_type: EventType,
    *,
    at: datetime,
    actor: str,
    previous_starts_at: datetime | None = None,
    occasion: str | None = None,
) -> dict[str, object]:
    """What `appending` has to be given."""
    return {
        "event_type": event_type,
        "event_at": at,
        "event_actor": actor,
        "event_previous_starts_at": previous_starts_at,
        "event_occasion": occasion,
    }


_KNOWN = {
    name: bindparam(f"interview_{name}", type_=Event.__table__.c[column].type) for column, name in _OF_INTERVIEW.items()
}
_APPEND = insert_event(_KNOWN, None)
_APPEND_IN_TURN = insert_event(_KNOWN, select(_TAKE_TURN).cte("turn"))

_TIMELINE = (
    select(Event.id, Event.type, Event.at, Event.actor)
    .where(Event.interview_id == bindparam("interview_id", type_=Event.interview_id.type))
    .order_by(Event.id)
)


def notify(connection: Connection) -> None:
    """Wake whoever listens, with the commit, without an event; SQLite's listeners see the commit itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(EVENTS_CHANNEL, "")))


def version_of(candidate_id: ColumnElement[str]) -> tuple[ColumnElement[Any], ...]:
    """Columns `last_event` and `last_import`, which are the version of all that the candidate sees of the interviews.

    Whoever changes something of that appends an event or begins a new import in the same transaction; and as events
    become visible in the order of their ids, what has the same last one is the same. A statement that reads both the
    version and what it stands for reads them of one moment.
    """
    return (
        select(func.max(Event.id)).where(Event.candidate_id == candidate_id).scalar_subquery().label("last_event"),
        select(Import.version).where(Import.id == SINGLETON_ID).scalar_subquery().label("last_import"),
    )


def invalidate_all_caches(connection: Connection) -> None:
    """Say that anything may have changed for anybody, with the commit: for who writes without events."""
    values = {"version": new_id()}
    statement = dialect_insert(connection, Import).values(id=SINGLETON_ID, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[Import.id], set_=values))


class EventLog:
    """What happened, oldest first. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, interview: Mapping[Any, Any], event_type: EventType, **about: Any) -> None:
        """Write down what happened to the interview: a mapping of what it is after it, of which four columns matter.

        `about` is what `event_values` takes. The transaction's last change but for a reply that is kept
        (`accounts/idempotency.py`).
        """
        statement = _APPEND_IN_TURN if self._connection.dialect.name == "postgresql" else _APPEND
        known = {f"interview_{name}": interview[name] for name in _OF_INTERVIEW.values()}
        self._connection.execute(statement, known | event_values(event_type, **about))

    def timeline(self, interview_id: str) -> list[RowMapping]:
        """All that ever happened to one interview."""
        return list(self._connection.execute(_TIMELINE, {"interview_id": interview_id}).mappings())

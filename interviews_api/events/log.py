"""The event log: appended to within the move's transaction, read in the order of commits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select

from interviews_api.events.models import Event, EventType

_COLUMNS = (
    "interview_id",
    "type",
    "at",
    "actor",
    "revision",
    "candidate_id",
    "company_id",
    "previous_starts_at",
    "occasion",
)
_VALUES = [bindparam(name, type_=Event.__table__.c[name].type).label(name) for name in _COLUMNS]

EVENTS_CHANNEL = "interview_events"
"""Where Postgres tells whoever listens that an event was committed."""

# One writer at a time takes an id and commits, so that ids become visible in their own order (ADR 0009). On Postgres
# the lock is held from here to the end of the transaction, so no move follows it there; SQLite has one writer anyway.
_COMMIT_ORDER = 0x6576656E7473  # "events"
_turn = select(func.pg_advisory_xact_lock(_COMMIT_ORDER).label("taken")).cte("turn")
# The NOTIFY goes out with the commit; its payload is whose interview it is.
_APPEND_IN_TURN = (
    insert(Event)
    .from_select(_COLUMNS, select(*_VALUES).select_from(_turn))
    .returning(func.pg_notify(EVENTS_CHANNEL, Event.candidate_id))
)
_APPEND = insert(Event).from_select(_COLUMNS, select(*_VALUES))

_TIMELINE = (
    select(Event.id, Event.type, Event.at, Event.actor)
    .where(Event.interview_id == bindparam("interview_id", type_=Event.interview_id.type))
    .order_by(Event.id)
)


def notify(connection: Connection) -> None:
    """Wake whoever listens, with the commit, without an event; SQLite's listeners see the commit itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(EVENTS_CHANNEL, "")))


class EventLog:
    """What happened, oldest first. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(
        self,
        interview: Mapping[Any, Any],
        event_type: EventType,
        *,
        at: datetime,
        actor: str,
        previous_starts_at: datetime | None = None,
        occasion: str | None = None,
    ) -> None:
        """Write down what happened to the interview: a mapping of what it is after it, of which four columns matter.

        The transaction's last change but for a reply that is kept (`accounts/idempotency.py`).
        """
        statement = _APPEND_IN_TURN if self._connection.dialect.name == "postgresql" else _APPEND
        values = {
            "interview_id": interview["id"],
            "type": event_type,
            "at": at,
            "actor": actor,
            "revision": interview["revision"],
            "candidate_id": interview["candidate_id"],
            "company_id": interview["company_id"],
            "previous_starts_at": previous_starts_at,
            "occasion": occasion,
        }
        self._connection.execute(statement, values)

    def timeline(self, interview_id: str) -> list[RowMapping]:
        """All that ever happened to one interview."""
        return list(self._connection.execute(_TIMELINE, {"interview_id": interview_id}).mappings())

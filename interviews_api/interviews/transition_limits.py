"""The limits on transitions: how many a side may make of an interview, counted from the events."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, select
from sqlalchemy.orm import aliased

from interviews_api.clock import now
from interviews_api.config.limits import TRANSITIONS_OF_INTERVIEW, Limit
from interviews_api.db.row_limits import ActiveLimits, refuse_when_reached
from interviews_api.events.models import Event, EventType
from interviews_api.interviews.models import Actor, Interview
from interviews_api.interviews.state_machine import Transition

_EVENTS_READ = 1000
"""The newest events of an interview that are read, at least ten per allowed transition.

Events of the other side, reminders and nudges lie between them.
"""

_NEWEST = (
    select(Event.type, Event.at, Event.actor)
    .where(Event.interview_id == bindparam("interview_id", type_=Interview.id.type))
    .order_by(Event.id.desc())
    .limit(bindparam("events_read", type_=Event.revision.type))
    .subquery("newest_events")
)
_event = aliased(Event, _NEWEST)
_IS_TRANSITION = _event.type != EventType.SCHEDULED  # scheduling has a limit of its own


def has_room(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that the side may make another transition of the interview `interview_id`.

    It takes the parameters of `room_values`. It is not evaluated again after a wait for a lock, so a transition that
    waited may be one too many.
    """
    since = bindparam("transitions_since", type_=Event.at.type)
    reached = select(_event.at).where(_event.actor == actor, _IS_TRANSITION, _event.at > since)
    return ~exists(reached.offset(bindparam("transitions_before", type_=Event.revision.type)).limit(1))


def room_values(limits: ActiveLimits, at: datetime) -> dict[str, object]:
    """Return the values of the parameters of `has_room`."""
    if limits is None:
        return {}
    limit = limits[TRANSITIONS_OF_INTERVIEW.name]
    return {
        "events_read": _events_read(limit),
        "transitions_before": limit.allowed - 1,
        "transitions_since": at - timedelta(seconds=limit.seconds),
    }


def _events_read(limit: Limit) -> int:
    return max(_EVENTS_READ, 10 * limit.allowed)


def refuse_too_many_transitions(
    connection: Connection,
    transition: Transition,
    actor: Actor,
    interview_id: object,
    limits: ActiveLimits,
) -> None:
    """Raise TooManyRequests when the side has reached a limit on its transitions of the interview."""
    if limits is None:
        return
    present = now()
    common = limits[TRANSITIONS_OF_INTERVIEW.name]
    _refuse(connection, common, interview_id, _event.actor == actor, _IS_TRANSITION, at=present)
    if transition.limit is not None:
        own = limits[transition.limit.name]
        _refuse(connection, own, interview_id, _event.type == transition.event, at=present)


def _refuse(
    connection: Connection, limit: Limit, interview_id: object, *conditions: ColumnElement[bool], at: datetime
) -> None:
    values: Any = {"interview_id": interview_id, "events_read": _events_read(limit)}
    refuse_when_reached(connection, limit, _event.at, *conditions, now=at, values=values)

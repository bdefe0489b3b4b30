"""The SQL of transitions: a conditional UPDATE, its application's follow-up, its event, and the response's row.

On Postgres these are a single statement, so that the commit-order lock is held for a round trip only (ADR 23). SQLite
runs them one after the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    Update,
    bindparam,
    case,
    literal,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.orm import aliased

from interviews_api.clock import now
from interviews_api.db.pagination import SelectStatement
from interviews_api.db.prepared import Prepared, Row
from interviews_api.db.row_limits import ActiveLimits
from interviews_api.events.log import Columns, commit_lock_after, event_insert, event_values
from interviews_api.events.models import Event
from interviews_api.hiring.models import Application
from interviews_api.interviews.models import Actor, Interview, InterviewStatus
from interviews_api.interviews.state_machine import Transition, application_changes, interview_changes
from interviews_api.interviews.transition_limits import has_room, refuse_too_many_transitions, room_values

Precondition = Callable[[Mapping[Any, Any]], None]
"""Looks at the interview before its transition; raises PreconditionFailed."""

SelectInterview = Callable[[type[Interview]], SelectStatement]
"""Builds the SELECT of the response's row, from `interviews` or from the CTE of the updated interview."""

INTERVIEW_ID = bindparam("interview_id", type_=Interview.id.type)
# As statement_timeout (`db/engines.py`): no Postgres statement waits longer. SQLite waits before `_update` calls `now`.
_LONGEST_WAIT = timedelta(seconds=5)
_LOCK = Prepared(select(Interview.id).where(Interview.id == INTERVIEW_ID).with_for_update())


def status_is(*statuses: InterviewStatus) -> ColumnElement[bool]:
    """Return the condition that the status is one of these.

    The statuses stand in the SQL as constants: a partial index and a prepared plan need to see them.
    """
    constants = [literal_column(f"'{status}'", Interview.status.type) for status in statuses]
    return Interview.status.in_(constants) if len(constants) > 1 else Interview.status == constants[0]


def is_single_statement(transition: Transition, precondition: Precondition | None, limits: ActiveLimits) -> bool:
    """Return whether `TransitionRepository.apply` makes the whole change in one statement on Postgres.

    A precondition reads before it. A transition with a limit of its own can follow itself, so it is counted under a
    lock.
    """
    return precondition is None and (transition.limit is None or limits is None)


@dataclass(frozen=True, eq=False)
class Side:
    """A side that makes transitions: its name in the event, the interviews in its scope, and the row that it sees.

    `scope` and `select_interview` take their parameters from the keys that the caller of `apply` gives.
    """

    actor: Actor
    scope: ColumnElement[bool]
    select_interview: SelectInterview


class TransitionRepository:
    """Applies transitions to interviews. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, interview_id: str) -> None:
        """Make other transitions of this interview wait until the end of the transaction."""
        _LOCK.rows(self._connection, {"interview_id": interview_id})

    def apply(
        self,
        transition: Transition,
        side: Side,
        keys: Mapping[str, object],
        *,
        read: Callable[[], Mapping[Any, Any]],
        precondition: Precondition | None = None,
        limits: ActiveLimits = None,
        event_details: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Row:
        """Apply the transition and return the interview.

        `keys` has the `interview_id` and the parameters of the side's statements. `event_details` are further
        arguments of `event_values`.
        `read` returns the interview as the side sees it, or raises the reason for a refusal.
        Raises as `read` does, TooManyRequests, PreconditionFailed, and the transition's `refusal`.
        """
        if not is_single_statement(transition, precondition, limits):
            self.lock(str(keys["interview_id"]))
            before = read()
            refuse_too_many_transitions(self._connection, transition, side.actor, keys["interview_id"], limits)
            if precondition:
                precondition(before)
        interview = self._update(transition, side, keys, changes, event_details or {}, limits)
        if interview is None:
            read()
            refuse_too_many_transitions(self._connection, transition, side.actor, keys["interview_id"], limits)
            raise transition.refusal
        return interview

    def _update(
        self,
        transition: Transition,
        side: Side,
        keys: Mapping[str, object],
        changes: Mapping[str, Any],
        event_details: Mapping[str, Any],
        limits: ActiveLimits,
    ) -> Row | None:
        """Update and return the interview; None when a limit or its status forbids it, or it is out of scope."""
        at = now()
        interview = {**interview_changes(transition, actor=side.actor, now=at), **changes}
        application = application_changes(transition, interview, now=at)
        run = _compile_transition(
            self._connection.dialect.name,
            transition,
            side,
            _assigned_columns(interview, at),
            _assigned_columns(application, at),
            is_limited=limits is not None,
        )
        values = {f"new_{name}": value for name, value in interview.items()}
        values |= {f"application_{name}": value for name, value in application.items()}
        values |= {"latest_wait": at + _LONGEST_WAIT, **room_values(limits, at)}
        event = event_values(transition.event, at=at, actor=side.actor, **event_details)
        return run(self._connection, {**keys, **values, **event})


AssignedColumns = tuple[tuple[str, bool], ...]
"""Names of columns that an UPDATE sets, each with whether it is set to the moment of the transition."""

RunTransition = Callable[[Connection, Mapping[str, object]], Row | None]
"""Runs the statements of a transition with these values; returns the response's row."""


def _assigned_columns(changes: Mapping[str, object], at: datetime) -> AssignedColumns:
    # Compared by identity: a value from the request may equal `at` by chance.
    return tuple((name, value is at) for name, value in changes.items())


@cache  # bounded: a few entries for each transition
def _compile_transition(
    dialect: str,
    transition: Transition,
    side: Side,
    interview: AssignedColumns,
    application: AssignedColumns,
    *,
    is_limited: bool,
) -> RunTransition:
    """Build the statements of a transition that sets these columns of the interview and of its application.

    A transition that waited for another may carry an earlier time. So it takes the interview's `updated_at`, if that is
    later by at most `_LONGEST_WAIT`, and times stay monotonic. A time further ahead comes from a file or a wrong clock.
    """
    table: Table = Interview.__table__  # type: ignore[assignment]
    at, latest_wait = (bindparam(name, type_=Event.at.type) for name in ("event_at", "latest_wait"))
    moment = case((Interview.updated_at.between(at, latest_wait), Interview.updated_at), else_=at)
    values: dict[str, Any] = {
        name: moment if is_moment else _parameter("new", table.c[name]) for name, is_moment in interview
    }
    if transition.increments_revision:
        values["revision"] = Interview.revision + 1
    is_legal = status_is(*transition.source_statuses)
    if is_limited:
        is_legal &= has_room(side.actor)
    update_interview = update(Interview).where(Interview.id == INTERVIEW_ID, side.scope, is_legal).values(values)
    build = _as_one_statement if dialect == "postgresql" else _as_steps
    return build(update_interview, application, side.select_interview)


def _as_one_statement(
    update_interview: Update, application: AssignedColumns, select_interview: SelectInterview
) -> RunTransition:
    """Chain CTEs; each reads the one before: updated interview, updated application, commit lock, inserted event."""
    updated_interview = update_interview.returning(*Interview.__table__.c).cte("updated_interview")
    last_step = updated_interview
    if application:
        follow = _update_application(application, updated_interview.c)
        last_step = follow.returning(literal(1).label("done")).cte("updated_application")
    interview_in_commit_order = updated_interview.join(commit_lock_after(last_step), true())
    event = event_insert(updated_interview.c, interview_in_commit_order, at=updated_interview.c.updated_at)
    updated = aliased(Interview, updated_interview)
    statement = Prepared(select_interview(updated).add_cte(event.cte("inserted_event")))

    def run(connection: Connection, values: Mapping[str, object]) -> Row | None:
        rows = statement.rows(connection, values)
        return rows[0] if rows and rows[0]["interview_id"] is not None else None

    return run


def _as_steps(
    update_interview: Update, application: AssignedColumns, select_interview: SelectInterview
) -> RunTransition:
    """Run the same statements one by one, with the updated interview's columns as parameters of the later ones."""
    table: Table = Interview.__table__  # type: ignore[assignment]
    updated = {column.key: _parameter("updated", column) for column in table.c}
    first = Prepared(update_interview.returning(*table.c))
    steps = [Prepared(_update_application(application, updated))] if application else []
    steps.append(Prepared(event_insert(updated, None, at=updated["updated_at"])))
    steps.append(Prepared(select_interview(Interview)))

    def run(connection: Connection, values: Mapping[str, object]) -> Row | None:
        rows = first.rows(connection, values)
        if not rows:
            return None
        values = {**values, **{f"updated_{name}": value for name, value in rows[0].items()}}
        for step in steps:
            rows = step.rows(connection, values)
        return rows[0]

    return run


def _update_application(application: AssignedColumns, interview: Columns) -> Update:
    table: Table = Application.__table__  # type: ignore[assignment]
    values = {
        name: interview["updated_at"] if is_moment else _parameter("application", table.c[name])
        for name, is_moment in application
    }
    return update(Application).where(Application.id == interview["application_id"]).values(values)


def _parameter(prefix: str, column: Column[Any]) -> ColumnElement[Any]:
    return bindparam(f"{prefix}_{column.key}", type_=column.type)

"""The SQL that moves interviews: a conditional UPDATE, its application's follow-up, its event, and what is then shown.

On Postgres these are one statement, so that a move is one round trip and nobody else's turn to commit is held up by
ours (ADR 0018). SQLite runs them one after the other.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
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
from interviews_api.db.prepared import Prepared, Row
from interviews_api.db.statement_pool import Pooled
from interviews_api.events.log import Columns, commit_lock_after, event_values, insert_event
from interviews_api.events.models import Event
from interviews_api.hiring.models import Application
from interviews_api.interviews.models import Actor, Interview, InterviewStatus
from interviews_api.interviews.state_machine import Transition, application_changes, interview_changes

Check = Callable[[Mapping[Any, Any]], None]
"""Looks at an interview that is about to be moved, and raises what stands against it."""

View = Callable[[type[Interview]], Select[*tuple[Any, ...]]]
"""What is shown of an interview, be it the table's or what a move returns: a row at most, with `interview_id`."""

INTERVIEW_ID = bindparam("interview_id", type_=Interview.id.type)
_LONGEST_WAIT = timedelta(seconds=5)  # for another move: by then either database has given up (`db.py`)
_LOCK = Prepared(select(Interview.id).where(Interview.id == INTERVIEW_ID).with_for_update())


def status_is(*statuses: InterviewStatus) -> ColumnElement[bool]:
    """One of these statuses, written into the SQL: a partial index and a kept plan need to see them."""
    constants = [literal_column(f"'{status}'", Interview.status.type) for status in statuses]
    return Interview.status.in_(constants) if len(constants) > 1 else Interview.status == constants[0]


class TransitionRepository:
    """Moves interviews. Never commits."""

    def __init__(self, connection: Connection | Pooled) -> None:
        self._connection = connection

    def lock(self, interview_id: str) -> None:
        """Keep other moves of this interview waiting, so that what is read next is what will be moved."""
        _LOCK.rows(self._connection, {"interview_id": interview_id})

    def move(
        self,
        move: Transition,
        keys: Mapping[str, object],
        *,
        scope: ColumnElement[bool],
        view: View,
        actor: Actor,
        previous_starts_at: datetime | None = None,
        **changes: Any,
    ) -> Row | None:
        """The interview in the view after the move; None when the status forbids it or it is out of scope.

        `keys` has the `interview_id` and what scope and view ask for.
        """
        at = now()
        interview = interview_changes(move, actor=actor, now=at) | changes
        application = application_changes(move, interview, now=at)
        columns, following = (
            tuple((name, value is at) for name, value in of.items()) for of in (interview, application)
        )
        moving = compile_transition(self._connection.engine.dialect.name, move, scope, view, columns, following)
        given = {f"new_{name}": value for name, value in interview.items()}
        given |= {f"application_{name}": value for name, value in application.items()}
        given["waited_until"] = at + _LONGEST_WAIT
        event = event_values(move.event, at=at, actor=actor, previous_starts_at=previous_starts_at)
        return moving(self._connection, {**keys, **given, **event})


Stamped = tuple[tuple[str, bool], ...]
"""Names of columns, each with whether it is set to the moment of the move."""

TransitionRunner = Callable[[Connection | Pooled, Mapping[str, object]], Row | None]


@cache  # as many as there are moves
def compile_transition(
    dialect: str,
    move: Transition,
    scope: ColumnElement[bool],
    view: View,
    interview: Stamped,
    application: Stamped,
) -> TransitionRunner:
    """What makes such a move: the columns that are set of the interview and of its application.

    Its moment is the request's, or that of the move that it had to wait for. A stored time further ahead than one can
    have waited comes from a file or a wrong clock, and is not followed.
    """
    table: Table = Interview.__table__  # type: ignore[assignment]
    at, waited = (bindparam(name, type_=Event.at.type) for name in ("event_at", "waited_until"))
    moment = case((Interview.updated_at.between(at, waited), Interview.updated_at), else_=at)
    values: dict[str, Any] = {
        name: moment if is_moment else _given("new", table.c[name]) for name, is_moment in interview
    }
    if move.raises_revision:
        values["revision"] = Interview.revision + 1
    moved = update(Interview).where(Interview.id == INTERVIEW_ID, scope, status_is(*move.sources)).values(values)
    make = _in_one if dialect == "postgresql" else _in_steps
    return make(moved, application, view)


def _in_one(update_interview: Update, application: Stamped, view: View) -> TransitionRunner:
    moved = update_interview.returning(*Interview.__table__.c).cte("moved")
    followed = (
        _follow(application, moved.c).returning(literal(1).label("done")).cte("followed") if application else moved
    )
    turn = commit_lock_after(followed)
    told = insert_event(moved.c, moved.join(turn, true()), at=moved.c.updated_at).cte("told")
    shown = Prepared(view(aliased(Interview, moved)).add_cte(told))

    def run(connection: Connection | Pooled, given: Mapping[str, object]) -> Row | None:
        rows = shown.rows(connection, given)
        return rows[0] if rows and rows[0]["interview_id"] is not None else None

    return run


def _in_steps(update_interview: Update, application: Stamped, view: View) -> TransitionRunner:
    table: Table = Interview.__table__  # type: ignore[assignment]
    known = {column.key: bindparam(f"moved_{column.key}", type_=column.type) for column in table.c}
    moved = Prepared(update_interview.returning(*table.c))
    steps = [Prepared(_follow(application, known))] if application else []
    steps += [Prepared(insert_event(known, None, at=known["updated_at"])), Prepared(view(Interview))]

    def run(connection: Connection | Pooled, given: Mapping[str, object]) -> Row | None:
        rows = moved.rows(connection, given)
        if not rows:
            return None
        values = {**given, **{f"moved_{name}": value for name, value in rows[0].items()}}
        for step in steps:
            rows = step.rows(connection, values)
        return rows[0]

    return run


def _follow(application: Stamped, interview: Columns) -> Update:
    table: Table = Application.__table__  # type: ignore[assignment]
    values = {
        name: interview["updated_at"] if is_moment else _given("application", table.c[name])
        for name, is_moment in application
    }
    return update(Application).where(Application.id == interview["application_id"]).values(values)


def _given(prefix: str, column: Column[Any]) -> ColumnElement[Any]:
    return bindparam(f"{prefix}_{column.key}", type_=column.type)

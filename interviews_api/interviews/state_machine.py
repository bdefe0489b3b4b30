"""The one state machine: which moves an interview knows, who makes them, from where to where, and what follows.

Handlers, commands, the OpenAPI description and docs/interview-moves.md draw from `MOVES`. Whether a move is legal is
decided by the one conditional UPDATE that makes it (`move_repository.py`): of many at once the first to commit wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from interviews_api.events.models import EventType
from interviews_api.hiring.models import ApplicationStatus
from interviews_api.interviews.models import OPEN_STATUSES, Actor, InterviewStatus


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One thing that may happen to an interview. No `sources`: it begins there. No `target`: the status stays."""

    name: str
    event: EventType
    actors: tuple[Actor, ...]
    sources: tuple[InterviewStatus, ...]
    target: InterviewStatus | None
    refusal: str
    """What whoever comes too late is told, with a 400."""
    raises_revision: bool = False
    """Whether e-mail links and calendar entries made before are superseded."""


SCHEDULE = Transition(
    name="schedule",
    event=EventType.SCHEDULED,
    actors=(Actor.COMPANY,),
    sources=(),
    target=InterviewStatus.PENDING,
    refusal="",
)
CONFIRM = Transition(
    name="confirm",
    event=EventType.CONFIRMED,
    actors=(Actor.CANDIDATE, Actor.COMPANY),
    sources=(InterviewStatus.PENDING,),
    target=InterviewStatus.CONFIRMED,
    refusal="Interview is no longer pending confirmation",
)
DECLINE = Transition(
    name="decline",
    event=EventType.DECLINED,
    actors=(Actor.CANDIDATE,),
    sources=OPEN_STATUSES,
    target=InterviewStatus.CANCELLED,
    refusal="Interview can no longer be declined",
    raises_revision=True,
)
REQUEST_RESCHEDULE = Transition(
    name="request-reschedule",
    event=EventType.RESCHEDULE_REQUESTED,
    actors=(Actor.CANDIDATE,),
    sources=OPEN_STATUSES,
    target=None,
    refusal="Interview can no longer be rescheduled",
)
RESCHEDULE = Transition(
    name="reschedule",
    event=EventType.RESCHEDULED,
    actors=(Actor.COMPANY,),
    sources=OPEN_STATUSES,
    target=InterviewStatus.PENDING,
    refusal="Interview can no longer be rescheduled",
    raises_revision=True,
)
CANCEL = Transition(
    name="cancel",
    event=EventType.CANCELLED,
    actors=(Actor.COMPANY,),
    sources=OPEN_STATUSES,
    target=InterviewStatus.CANCELLED,
    refusal="Interview can no longer be cancelled",
    raises_revision=True,
)
COMPLETE = Transition(
    name="complete",
    event=EventType.COMPLETED,
    actors=(Actor.COMPANY,),
    sources=OPEN_STATUSES,
    target=InterviewStatus.COMPLETED,
    refusal="Interview can no longer be completed",
)
TRANSITIONS = (SCHEDULE, CONFIRM, DECLINE, REQUEST_RESCHEDULE, RESCHEDULE, CANCEL, COMPLETE)


def interview_changes(move: Transition, *, actor: Actor, now: datetime) -> dict[str, object]:
    """The interview's columns that the move sets by itself; what the request says comes on top."""
    changes: dict[str, object] = {"reschedule_request": None, "updated_at": now}
    if move.target is None:
        return changes
    # Now: let the worker look at it.
    changes |= {"notices_after": now, "next_notice_at": now if move.target in OPEN_STATUSES else None}
    by_target: Mapping[InterviewStatus, dict[str, object]] = {
        InterviewStatus.PENDING: {"confirmed_at": None, "invited_at": now},
        InterviewStatus.CONFIRMED: {"confirmed_at": now},
        InterviewStatus.COMPLETED: {"completed_at": now},
        InterviewStatus.CANCELLED: {"cancelled_at": now, "cancelled_by": actor},
    }
    return changes | {"status": move.target} | by_target[move.target]


def application_changes(move: Transition, interview: Mapping[str, object], *, now: datetime) -> dict[str, object]:
    """The application's columns that follow the move: they tell of the last one. `interview` is what it became."""
    if move.target is None:
        return {}
    not_cancelled: dict[str, object] = {"date_cancelled": None, "cancellation_reason": None}
    decided = {True: ApplicationStatus.SHORTLISTED, False: ApplicationStatus.REJECTED}.get(
        interview.get("is_hired")  # type: ignore[call-overload]  # None: undecided, and the status stays
    )
    by_target: Mapping[InterviewStatus, dict[str, object]] = {
        InterviewStatus.PENDING: not_cancelled
        | {
            "status": ApplicationStatus.INTERVIEW_SCHEDULED,
            "date_interview_scheduled": now,
            "date_confirmed": None,
        },
        InterviewStatus.CONFIRMED: not_cancelled | {"status": ApplicationStatus.CONFIRMED, "date_confirmed": now},
        InterviewStatus.COMPLETED: not_cancelled | {"status": decided} if decided else {},
        InterviewStatus.CANCELLED: {
            "status": ApplicationStatus.CANCELLED,
            "date_cancelled": now,
            "cancellation_reason": interview.get("cancellation_reason"),
        },
    }
    return by_target[move.target]


def as_markdown() -> str:
    """All moves as a Markdown table."""
    lines = ["| move | by | from | to | revision | event | too late (400) |", "|---|---|---|---|---|---|---|"]
    for move in TRANSITIONS:
        cells = (
            move.name,
            " or ".join(move.actors),
            " or ".join(f"`{status}`" for status in move.sources) or "-",
            f"`{move.target}`" if move.target else "stays",
            "rises" if move.raises_revision else "stays",
            f"`{move.event}`",
            move.refusal or "-",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"

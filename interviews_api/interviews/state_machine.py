"""The state machine: the transitions of an interview, their actors, source and target statuses, and what follows.

Handlers, commands, the OpenAPI description and docs/interview-moves.md draw from `TRANSITIONS`. The conditional UPDATE
in `transition_repository.py` decides whether a transition of an existing interview is legal: of several at once the
first to commit wins. SCHEDULE is an INSERT, in `schedule_repository.py`. RESCHEDULE and UPDATE share a route, which
decides by what changes (`rescheduling.py`) and checks the status itself, too (`company_repository.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from interviews_api.config.limits import RESCHEDULE_REQUESTS, Limit
from interviews_api.errors import IllegalTransition
from interviews_api.events.models import EventType
from interviews_api.hiring.models import ApplicationStatus
from interviews_api.interviews.errors import (
    InterviewNotPending,
    TooLateToCancel,
    TooLateToComplete,
    TooLateToDecline,
    TooLateToReschedule,
)
from interviews_api.interviews.models import OPEN_STATUSES, Actor, InterviewStatus


@dataclass(frozen=True, kw_only=True)
class Transition:
    """A change of an interview's state.

    Without `source_statuses` it creates the interview; without `target_status` the status stays. `refusal` is raised
    when the present status does not allow the transition. `increments_revision` makes e-mail links and calendar entries
    that were made before obsolete. `keeps_request` leaves a reschedule request of the candidate open. `limit` bounds it
    beside the limit on all transitions.
    """

    name: str
    event: EventType
    actors: tuple[Actor, ...]
    source_statuses: tuple[InterviewStatus, ...] = OPEN_STATUSES
    target_status: InterviewStatus | None
    refusal: type[IllegalTransition] = IllegalTransition
    increments_revision: bool = False
    keeps_request: bool = False
    limit: Limit | None = None


SCHEDULE = Transition(
    name="schedule",
    event=EventType.SCHEDULED,
    actors=(Actor.COMPANY,),
    source_statuses=(),
    target_status=InterviewStatus.PENDING,
)
CONFIRM = Transition(
    name="confirm",
    event=EventType.CONFIRMED,
    actors=(Actor.CANDIDATE, Actor.COMPANY),
    source_statuses=(InterviewStatus.PENDING,),
    target_status=InterviewStatus.CONFIRMED,
    refusal=InterviewNotPending,
)
DECLINE = Transition(
    name="decline",
    event=EventType.DECLINED,
    actors=(Actor.CANDIDATE,),
    target_status=InterviewStatus.CANCELLED,
    refusal=TooLateToDecline,
    increments_revision=True,
)
REQUEST_RESCHEDULE = Transition(
    name="request-reschedule",
    event=EventType.RESCHEDULE_REQUESTED,
    actors=(Actor.CANDIDATE,),
    target_status=None,
    refusal=TooLateToReschedule,
    limit=RESCHEDULE_REQUESTS,
)
RESCHEDULE = Transition(
    name="reschedule",
    event=EventType.RESCHEDULED,
    actors=(Actor.COMPANY,),
    target_status=InterviewStatus.PENDING,
    refusal=TooLateToReschedule,
    increments_revision=True,
)
UPDATE = Transition(
    name="update",
    event=EventType.UPDATED,
    actors=(Actor.COMPANY,),
    target_status=None,
    refusal=TooLateToReschedule,
    increments_revision=True,
    keeps_request=True,
)
CANCEL = Transition(
    name="cancel",
    event=EventType.CANCELLED,
    actors=(Actor.COMPANY,),
    target_status=InterviewStatus.CANCELLED,
    refusal=TooLateToCancel,
    increments_revision=True,
)
COMPLETE = Transition(
    name="complete",
    event=EventType.COMPLETED,
    actors=(Actor.COMPANY,),
    target_status=InterviewStatus.COMPLETED,
    refusal=TooLateToComplete,
)
TRANSITIONS = (SCHEDULE, CONFIRM, DECLINE, REQUEST_RESCHEDULE, RESCHEDULE, UPDATE, CANCEL, COMPLETE)


def interview_changes(transition: Transition, *, actor: Actor, now: datetime) -> dict[str, object]:
    """Return the interview's new values that follow from the transition alone."""
    changes: dict[str, object] = {"updated_at": now}
    if not transition.keeps_request:
        changes["reschedule_request"] = None
    if transition.target_status is None:
        return changes
    # `next_notice_at` is now, so that the worker looks at the interview and plans its reminders.
    changes |= {"notices_after": now, "next_notice_at": now if transition.target_status in OPEN_STATUSES else None}
    accepted: dict[str, object] = {"accepted_at": now} if actor is Actor.CANDIDATE else {}
    by_target: Mapping[InterviewStatus, dict[str, object]] = {
        InterviewStatus.PENDING: {"confirmed_at": None, "invited_at": now},
        InterviewStatus.CONFIRMED: {"confirmed_at": now, **accepted},
        InterviewStatus.COMPLETED: {"completed_at": now},
        InterviewStatus.CANCELLED: {"cancelled_at": now, "cancelled_by": actor},
    }
    return changes | {"status": transition.target_status} | by_target[transition.target_status]


def application_changes(transition: Transition, interview: Mapping[str, object], *, now: datetime) -> dict[str, object]:
    """Return the application's new values. `interview` has the transition's new values of the interview."""
    if transition.target_status is None:
        return {}
    not_cancelled: dict[str, object] = {"date_cancelled": None, "cancellation_reason": None}
    decided_status = {True: ApplicationStatus.SHORTLISTED, False: ApplicationStatus.REJECTED}.get(
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
        InterviewStatus.COMPLETED: not_cancelled | {"status": decided_status} if decided_status else {},
        InterviewStatus.CANCELLED: {
            "status": ApplicationStatus.CANCELLED,
            "date_cancelled": now,
            "cancellation_reason": interview.get("cancellation_reason"),
        },
    }
    return by_target[transition.target_status]


def as_markdown() -> str:
    """Return all transitions as a Markdown table."""
    lines = ["| move | by | from | to | revision | event | too late (400) |", "|---|---|---|---|---|---|---|"]
    for transition in TRANSITIONS:
        cells = (
            transition.name,
            " or ".join(transition.actors),
            " or ".join(f"`{status}`" for status in transition.source_statuses) or "-",
            f"`{transition.target_status}`" if transition.target_status else "stays",
            _revision_cell(transition),
            f"`{transition.event}`",
            transition.refusal.message if transition.source_statuses else "-",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _revision_cell(transition: Transition) -> str:
    if not transition.source_statuses:
        return "0"
    return "rises" if transition.increments_revision else "stays"

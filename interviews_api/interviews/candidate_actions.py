"""Actions of a candidate on an interview, by its status: those whose routes do not answer 400."""

from enum import StrEnum

from interviews_api.interviews.models import Actor, InterviewStatus
from interviews_api.interviews.state_machine import CONFIRM, DECLINE, REQUEST_RESCHEDULE, TRANSITIONS


class CandidateAction(StrEnum):
    """An action of a candidate, named like the last part of its route. Clients see the values."""

    CONFIRM = CONFIRM.name
    DECLINE = DECLINE.name
    REQUEST_RESCHEDULE = REQUEST_RESCHEDULE.name
    CALENDAR = "calendar"


def has_calendar_file(status: str) -> bool:
    """Return whether an interview of this status can be downloaded as a calendar file."""
    return status == InterviewStatus.CONFIRMED


def allowed_actions(status: str) -> list[CandidateAction]:
    """Return the actions that the status allows: the transitions, then the calendar file."""
    actions = [
        CandidateAction(transition.name)
        for transition in TRANSITIONS
        if Actor.CANDIDATE in transition.actors and status in transition.source_statuses
    ]
    return [*actions, CandidateAction.CALENDAR] if has_calendar_file(status) else actions

"""Occasions of an interview: reminders of a confirmed one, nudges about one that waits for the candidate's answer.

Reminders are due 24 h and 1 h before the start, nudges 24 h after the invitation and 24 h before the start. Each occurs
once per revision, and not again after an update. Occasions that were past when the interview was last scheduled,
rescheduled, confirmed or loaded are left out. Nobody is nudged while a request for another time stands: the company's
answer is awaited.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from interviews_api.events.models import EventType
from interviews_api.interviews.models import InterviewStatus

_DAY, _HOUR = timedelta(hours=24), timedelta(hours=1)


@dataclass(frozen=True, order=True)
class Occasion:
    """A reminder or nudge that is due at `moment` (UTC); `name` is unique among those of its type."""

    moment: datetime
    type: EventType
    name: str


def occasions(interview: Mapping[Any, Any]) -> list[Occasion]:
    """Return all occasions of the interview's present state, past ones too, soonest first."""
    starts_at: datetime = interview["starts_at"]
    match interview["status"]:
        case InterviewStatus.CONFIRMED:
            possible = [
                Occasion(starts_at - _DAY, EventType.REMINDER, "24h"),
                Occasion(starts_at - _HOUR, EventType.REMINDER, "1h"),
            ]
        case InterviewStatus.PENDING if not interview["reschedule_request"]:
            possible = [
                Occasion(interview["invited_at"] + _DAY, EventType.NUDGE, "unanswered"),
                Occasion(starts_at - _DAY, EventType.NUDGE, "24h"),
            ]
        case _:
            possible = []
    return sorted(each for each in possible if interview["notices_after"] < each.moment < starts_at)


def due_occasion(interview: Mapping[Any, Any], logged_names: Collection[str], now: datetime) -> Occasion | None:
    """Return the latest occasion up to now, or None if it is in the log or the interview has begun.

    `logged_names` has the occasions in the log that hold for the interview's revision. A worker that was down for long
    thus leaves out the earlier occasions. Names suffice although a nudge and a reminder may share one: a confirm
    between them moves `notices_after`.
    """
    if now >= interview["starts_at"]:
        return None
    due = [occasion for occasion in occasions(interview) if occasion.moment <= now]
    return due[-1] if due and due[-1].name not in logged_names else None


def coming_occasions(interview: Mapping[Any, Any], now: datetime) -> list[Occasion]:
    """Return the occasions after now, soonest first."""
    return [occasion for occasion in occasions(interview) if occasion.moment > now]

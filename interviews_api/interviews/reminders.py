"""When a candidate is reminded of a confirmed interview, or nudged about one that waits for an answer.

Reminders 24 h and 1 h before; nudges 24 h after the invitation and 24 h before the interview. Each once for a revision,
none for a moment that was past when the interview was last scheduled, moved, confirmed or loaded.
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
    """At `moment` (UTC) the candidate is to hear of the interview; `name` tells the occasions of one type apart."""

    moment: datetime
    type: EventType
    name: str


def occasions(interview: Mapping[Any, Any]) -> list[Occasion]:
    """All occasions of the interview as it stands, past ones too, soonest first."""
    starts_at: datetime = interview["starts_at"]
    match interview["status"]:
        case InterviewStatus.CONFIRMED:
            found = [
                Occasion(starts_at - _DAY, EventType.REMINDER, "24h"),
                Occasion(starts_at - _HOUR, EventType.REMINDER, "1h"),
            ]
        case InterviewStatus.PENDING:
            found = [
                Occasion(interview["invited_at"] + _DAY, EventType.NUDGE, "unanswered"),
                Occasion(starts_at - _DAY, EventType.NUDGE, "24h"),
            ]
        case _:
            found = []
    return sorted(one for one in found if interview["notices_after"] < one.moment < starts_at)


def due(interview: Mapping[Any, Any], happened: Collection[str], now: datetime) -> Occasion | None:
    """The one to make now: of those whose moment has come the last, unless it is among the names that happened.

    Whoever comes late leaves the earlier ones out, and all of them once the interview has begun.
    """
    if now >= interview["starts_at"]:
        return None
    past = [one for one in occasions(interview) if one.moment <= now]
    return past[-1] if past and past[-1].name not in happened else None


def coming(interview: Mapping[Any, Any], now: datetime) -> list[Occasion]:
    """Those whose moment is still to come, soonest first."""
    return [one for one in occasions(interview) if one.moment > now]

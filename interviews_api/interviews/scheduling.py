"""When and how two people meet: what an invitation must say, and the instant that its wall clock means."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from interviews_api.clock import zone
from interviews_api.errors import InvalidInput
from interviews_api.interviews.models import InterviewType

_NEEDED = {InterviewType.VIDEO: ("meetingLink", "meeting_link"), InterviewType.IN_PERSON: ("location", "location")}


def check_meeting(meeting: Mapping[str, Any]) -> None:
    """Raise InvalidInput unless the type has what it needs: Video a link, InPerson a place."""
    key, name = _NEEDED.get(meeting["type"], ("", ""))
    if key and not meeting[name]:
        raise InvalidInput({key: [f"Required for an interview of type {meeting['type']}."]})


def start_of(day: date, wall_time: time, zone_name: str, *, now: datetime) -> datetime:
    """The UTC instant at which clocks in that zone show that date and time; of two, the first.

    Raises InvalidInput when the clocks skip that time or when it is not in the future. PEP 495 says how zoneinfo
    answers: `fold=0` is the first of two, and a time that is skipped does not come back from UTC as it was.
    """
    local = datetime.combine(day, wall_time, zone(zone_name))
    starts_at = local.astimezone(UTC)
    if starts_at.astimezone(zone(zone_name)).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise InvalidInput({"time": [f"The clocks in {zone_name} skip this time on that day."]})
    if starts_at <= now:
        raise InvalidInput({"date": ["Must lie in the future."]})
    return starts_at

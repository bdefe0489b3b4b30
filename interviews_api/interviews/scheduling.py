"""Check of an interview's place, and conversion of its local date and time to UTC."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from interviews_api.clock import zone
from interviews_api.errors import InvalidInput
from interviews_api.interviews.models import InterviewType

_REQUIRED = {InterviewType.VIDEO: ("meetingLink", "meeting_link"), InterviewType.IN_PERSON: ("location", "location")}


def check_place(interview: Mapping[str, Any]) -> None:
    """Raise InvalidInput if a Video interview has no link or an InPerson interview no location."""
    key, name = _REQUIRED.get(interview["type"], ("", ""))
    if key and not interview[name]:
        raise InvalidInput({key: [f"Required for an interview of type {interview['type']}."]})


def start_of(day: date, wall_time: time, zone_name: str, *, now: datetime) -> datetime:
    """Return the UTC instant of a local date and time in a zone; the first of two where clocks go back.

    Raises InvalidInput if the clocks skip that time or if it is not in the future. By PEP 495, `fold=0` is the first of
    two instants, and a skipped time changes in the conversion to UTC and back.
    """
    local = datetime.combine(day, wall_time, zone(zone_name))
    starts_at = local.astimezone(UTC)
    if starts_at.astimezone(zone(zone_name)).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise InvalidInput({"time": [f"The clocks in {zone_name} skip this time on that day."]})
    if starts_at <= now:
        raise InvalidInput({"date": ["Must lie in the future."]})
    return starts_at

"""Checks of an interview's time and place, and conversion of its local date and time to UTC."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
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


def ends_at(interview: Mapping[Any, Any]) -> datetime:
    """Return the UTC instant at which the interview ends."""
    end: datetime = interview["starts_at"] + timedelta(minutes=interview["duration_minutes"])
    return end


def start_of(day: date, wall_time: time, zone_name: str, *, now: datetime) -> datetime:
    """Return the UTC instant of a local date and time in a zone; the first of two where clocks go back.

    Raises InvalidInput if the clocks skip that time or if it is not in the future.
    """
    starts_at = _instant_of(day, wall_time, zone_name)
    _check_future(starts_at, now)
    return starts_at


def new_start_of(
    interview: Mapping[Any, Any], day: date, wall_time: time, zone_name: str, *, now: datetime
) -> datetime:
    """Return the start of an interview with this local date and time, in UTC; raises InvalidInput as `start_of` does.

    The local time that the interview shows is its present start: to the second, and of two instants the one it has. An
    unchanged start need not lie in the future until the interview has ended.
    """
    present: datetime = interview["starts_at"]
    shown = present.astimezone(zone(interview["time_zone"])).replace(second=0, microsecond=0, tzinfo=None)
    is_shown = zone_name == interview["time_zone"] and shown == datetime.combine(day, wall_time)
    starts_at = present if is_shown else _instant_of(day, wall_time, zone_name)
    if starts_at != present or ends_at(interview) <= now:
        _check_future(starts_at, now)
    return starts_at


def find_instant(local: datetime, zone_name: str) -> datetime | None:
    """Return the UTC instant of a naive local time in a zone, the first of two; None if the clocks skip it.

    By PEP 495, `fold=0` is the first of two instants, and a skipped time changes in the conversion to UTC and back.
    """
    instant = local.replace(tzinfo=zone(zone_name)).astimezone(UTC)
    return instant if instant.astimezone(zone(zone_name)).replace(tzinfo=None) == local else None


def _instant_of(day: date, wall_time: time, zone_name: str) -> datetime:
    instant = find_instant(datetime.combine(day, wall_time), zone_name)
    if instant is None:
        raise InvalidInput({"time": [f"The clocks in {zone_name} skip this time on that day."]})
    return instant


def _check_future(starts_at: datetime, now: datetime) -> None:
    if starts_at <= now:
        raise InvalidInput({"date": ["Must lie in the future."]})

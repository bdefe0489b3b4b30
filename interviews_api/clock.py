"""Instants (aware UTC datetimes in whole milliseconds) and local times in IANA time zones.

Zones come from the PyPI package `tzdata`, because the operating system's copy may be years old.
"""

import re
import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

zoneinfo.reset_tzpath(to=())

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_HOUR_AND_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
INSTANT_PATTERN = (
    rf"^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt]({_HOUR_AND_MINUTE}):([0-5][0-9]|60)(?:\.([0-9]+))?"
    rf"([Zz]|[+-]{_HOUR_AND_MINUTE})$"
)
_INSTANT = re.compile(INSTANT_PATTERN)
_NOT_IANA = {"Factory", "localtime", "posixrules"}
"""Names in some copies of the data that are no IANA zone."""


def now() -> datetime:
    """Return the current instant in UTC, cut to the milliseconds that responses show."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(instant: datetime) -> datetime:
    """Cut an instant to whole milliseconds."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def last_instant_before(end: datetime) -> datetime:
    """Return the last instant before the end; instants have whole milliseconds."""
    return end - timedelta(milliseconds=1)


def format_instant(instant: datetime) -> str:
    """Format a UTC instant as `2025-05-15T09:00:00.000Z`."""
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """Parse an RFC 3339 date-time (section 5.6) into a UTC instant, cut to milliseconds; raises ValueError.

    A leap second is the second after it, and only exists where UTC may have one: after 23:59:59 on the last day of a
    month (section 5.7). Years before 1900 and after 9998 are refused, so that every instant has a local time in every
    zone.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, minute, second, fraction, offset = match.groups()
    is_leap_second = second == "60"
    milliseconds = (fraction or "")[:3].ljust(3, "0")
    instant = datetime.fromisoformat(
        f"{day}T{minute}:{'59' if is_leap_second else second}.{milliseconds}{offset.upper()}"
    )
    if not EARLIEST <= instant < LATEST:
        raise ValueError(text)
    instant = instant.astimezone(UTC)
    return _after_leap_second(instant) if is_leap_second else instant


def _after_leap_second(last_second: datetime) -> datetime:
    """Return the instant a second after one that is 23:59:59 UTC on the last day of a month; raises ValueError."""
    instant = last_second + timedelta(seconds=1)
    if (instant.day, instant.hour, instant.minute, instant.second) != (1, 0, 0, 0) or instant >= LATEST:
        raise ValueError(f"no leap second: {last_second}")
    return instant


@cache
def zone_names() -> frozenset[str]:
    """Return the IANA names that a client may give to a place."""
    return frozenset(zoneinfo.available_timezones() - _NOT_IANA)


@cache
def zone(name: str) -> ZoneInfo:
    """Return the IANA time zone; raises ZoneInfoNotFoundError for an unknown name."""
    return ZoneInfo(name)


def wall_time(instant: datetime, zone_name: str) -> str:
    """Return the local time of the instant in the zone, as `HH:MM`."""
    local = instant.astimezone(zone(zone_name))
    return f"{local.hour:02}:{local.minute:02}"

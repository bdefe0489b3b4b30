"""Instants (aware UTC datetimes in whole milliseconds) and local times in IANA time zones.

Zones come from the PyPI package `tzdata`, because the operating system's copy may be years old.
"""

import re
import zoneinfo
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

zoneinfo.reset_tzpath(to=())

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
INSTANT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
_INSTANT = re.compile(INSTANT_PATTERN)


def now() -> datetime:
    """Return the current instant in UTC, cut to the milliseconds that responses show."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(instant: datetime) -> datetime:
    """Cut an instant to whole milliseconds."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def format_instant(instant: datetime) -> str:
    """Format a UTC instant as `2025-05-15T09:00:00.000Z`."""
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """Parse an RFC 3339 date-time (section 5.6, upper-case T and Z) into a UTC instant; raises ValueError.

    Years before 1900 and after 9998 are refused, so that every instant has a local time in every zone.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    instant = to_milliseconds(datetime.fromisoformat(text))
    if not EARLIEST <= instant < LATEST:
        raise ValueError(text)
    return instant.astimezone(UTC)


@cache
def zone_names() -> frozenset[str]:
    """Return all IANA time zone names that `zone` accepts."""
    return frozenset(zoneinfo.available_timezones())


@cache
def zone(name: str) -> ZoneInfo:
    """Return the IANA time zone; raises ZoneInfoNotFoundError for an unknown name."""
    return ZoneInfo(name)


def wall_time(instant: datetime, zone_name: str) -> str:
    """Return the local time of the instant in the zone, as `HH:MM`."""
    local = instant.astimezone(zone(zone_name))
    return f"{local.hour:02}:{local.minute:02}"

"""Instants (aware datetimes in UTC, whole milliseconds) and the wall clocks of IANA time zones.

Zones come from the PyPI package `tzdata`, never from the operating system, whose copy may be years old.
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
    """The present instant, cut to whole milliseconds: what is stored is what is shown."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(instant: datetime) -> datetime:
    """The same instant with what is below a millisecond cut off."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def format_instant(instant: datetime) -> str:
    """A UTC instant as `2025-05-15T09:00:00.000Z`."""
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """An RFC 3339 date-time (section 5.6, upper-case T and Z) as a UTC instant; raises ValueError.

    Refuses years before 1900 and from 9999 on: every wall clock can show what is left.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    instant = to_milliseconds(datetime.fromisoformat(text))
    if not EARLIEST <= instant < LATEST:
        raise ValueError(text)
    return instant.astimezone(UTC)


@cache
def zone_names() -> frozenset[str]:
    """Every IANA time zone name that `zone` accepts."""
    return frozenset(zoneinfo.available_timezones())


@cache
def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; raises ZoneInfoNotFoundError."""
    return ZoneInfo(name)


def wall_time(instant: datetime, zone_name: str) -> str:
    """What a clock on the wall in that zone shows at that instant: `HH:MM`."""
    local = instant.astimezone(zone(zone_name))
    return f"{local.hour:02}:{local.minute:02}"

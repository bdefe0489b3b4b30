"""Instants as text, and wall clocks from the tzdata package."""

import time
import zoneinfo
from datetime import UTC, datetime

import pytest

from interviews_api.clock import format_instant, now, parse_instant, wall_time, zone, zone_names


def test_instant_is_formatted_with_milliseconds_and_z() -> None:
    assert format_instant(datetime(2025, 5, 15, 9, tzinfo=UTC)) == "2025-05-15T09:00:00.000Z"
    assert format_instant(datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == "1999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2025-05-15T09:00:00.000Z", "2025-05-15T09:00:00.000Z"),
        ("2025-05-15T09:00:00Z", "2025-05-15T09:00:00.000Z"),
        ("2025-05-15T09:00:00.123999Z", "2025-05-15T09:00:00.123Z"),
        ("2025-05-15T14:30:00+05:30", "2025-05-15T09:00:00.000Z"),
        ("2024-02-29T00:00:00.5-00:30", "2024-02-29T00:30:00.500Z"),
        ("2027-05-15T09:00:00.0000000Z", "2027-05-15T09:00:00.000Z"),  # .NET's format "o"
        ("2027-05-15T09:00:00.123456789Z", "2027-05-15T09:00:00.123Z"),  # Go's RFC3339Nano
        ("2027-05-15T09:00:00.1Z", "2027-05-15T09:00:00.100Z"),
        ("2027-05-15t09:00:00z", "2027-05-15T09:00:00.000Z"),
        ("2027-05-15t14:30:00.9999999+05:30", "2027-05-15T09:00:00.999Z"),
        ("2027-05-15T09:00:00." + "9" * 60_000 + "Z", "2027-05-15T09:00:00.999Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("1990-12-31T15:59:60.25-08:00", "1991-01-01T00:00:00.250Z"),
        ("2028-03-01T05:29:60+05:30", "2028-03-01T00:00:00.000Z"),
    ],
)
def test_instant_is_parsed(text: str, read: str) -> None:
    assert format_instant(parse_instant(text)) == read


def test_long_fraction_costs_little() -> None:
    text = "2027-05-15T09:00:00." + "1" * 1_000_000 + "Z"
    began = time.process_time()
    parse_instant(text)
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize(
    "text",
    [
        "", "2025-05-15", "2025-05-15T09:00:00", "2025-05-15 09:00:00Z", "2025-05-15T09:00Z", "20250515T090000Z",
        "2025-02-29T09:00:00Z", "2025-05-15T09:00:60Z", "2025-05-15T25:00:00Z", "2025-05-15T09:00:00+25:00",
        "2025-05-15T09:00:00.Z", "2025-05-15T09:00:00Z\n", " 2025-05-15T09:00:00Z", "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00", "1899-12-31T23:59:59Z", "+2025-05-15T09:00:00Z", "2025-W20-4T09:00:00Z",
        "\uff12025-05-15T09:00:00Z", "2025-05-15T24:00:00Z", "2025-05-15T09:00:00+24:00", "2025-05-15T09:00:00+05:60",
        "2025-05-15T09:00:00,5Z", "2025-05-15T09:00:00.\u0665Z", "2025-05-15T09:00:00.5", "2025-05-15T09:00:00 Z",
        "2016-12-31T23:58:60Z", "2016-12-30T23:59:60Z", "2016-12-31T23:59:60+01:00", "2016-12-31T23:59:61Z",
        "9998-12-31T23:59:60Z",
    ],
)  # fmt: skip
def test_invalid_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_instant(text)


def test_now_is_utc_in_whole_milliseconds() -> None:
    assert now().utcoffset() == datetime.now(UTC).utcoffset()
    assert now().microsecond % 1000 == 0


@pytest.mark.parametrize(
    ("zone_name", "text"),
    [("Asia/Kolkata", "14:30"), ("UTC", "09:00"), ("America/St_Johns", "06:30"), ("Asia/Kathmandu", "14:45")],
)
def test_wall_time_is_local_to_its_zone(zone_name: str, text: str) -> None:
    assert wall_time(datetime(2025, 5, 15, 9, tzinfo=UTC), zone_name) == text


def test_zones_come_from_the_tzdata_package() -> None:
    assert zoneinfo.TZPATH == ()
    assert zone("Europe/Paris").key in zone_names()
    assert "localtime" not in zone_names()

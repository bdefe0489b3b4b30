"""Wall clocks at both edges of summer time: what is skipped, what comes twice, and what the rules say in 2026."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from interviews_api.errors import InvalidInput
from interviews_api.interviews.scheduling import start_of
from tests.support.api import in_days, invitation

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# zone, the day the clocks go forward, and the day they go back: wall time -> UTC, None where it is skipped
EDGES = {
    "Europe/Paris": {
        ("2027-03-28", "01:59"): "2027-03-28T00:59", ("2027-03-28", "02:00"): None, ("2027-03-28", "02:30"): None,
        ("2027-03-28", "02:59"): None, ("2027-03-28", "03:00"): "2027-03-28T01:00",
        ("2027-10-31", "01:59"): "2027-10-30T23:59", ("2027-10-31", "02:00"): "2027-10-31T00:00",
        ("2027-10-31", "02:59"): "2027-10-31T00:59", ("2027-10-31", "03:00"): "2027-10-31T02:00",
    },
    "America/New_York": {
        ("2027-03-14", "01:59"): "2027-03-14T06:59", ("2027-03-14", "02:00"): None, ("2027-03-14", "02:59"): None,
        ("2027-03-14", "03:00"): "2027-03-14T07:00",
        ("2027-11-07", "00:59"): "2027-11-07T04:59", ("2027-11-07", "01:00"): "2027-11-07T05:00",
        ("2027-11-07", "01:30"): "2027-11-07T05:30", ("2027-11-07", "02:00"): "2027-11-07T07:00",
    },
    "Australia/Lord_Howe": {  # half an hour, from +10:30 to +11
        ("2027-10-03", "01:59"): "2027-10-02T15:29", ("2027-10-03", "02:00"): None, ("2027-10-03", "02:29"): None,
        ("2027-10-03", "02:30"): "2027-10-02T15:30",
        ("2027-04-04", "01:29"): "2027-04-03T14:29", ("2027-04-04", "01:30"): "2027-04-03T14:30",
        ("2027-04-04", "01:59"): "2027-04-03T14:59", ("2027-04-04", "02:00"): "2027-04-03T15:30",
    },
    "Australia/Adelaide": {  # +9:30 and +10:30
        ("2027-10-03", "01:59"): "2027-10-02T16:29", ("2027-10-03", "02:00"): None, ("2027-10-03", "02:59"): None,
        ("2027-10-03", "03:00"): "2027-10-02T16:30",
        ("2027-04-04", "01:59"): "2027-04-03T15:29", ("2027-04-04", "02:00"): "2027-04-03T15:30",
        ("2027-04-04", "02:59"): "2027-04-03T16:29", ("2027-04-04", "03:00"): "2027-04-03T17:30",
    },
    "America/Vancouver": {  # British Columbia went forward for the last time on 8 March 2026: -7 ever since
        ("2026-03-08", "01:59"): "2026-03-08T09:59", ("2026-03-08", "02:00"): None, ("2026-03-08", "02:59"): None,
        ("2026-03-08", "03:00"): "2026-03-08T10:00",
        ("2026-11-01", "00:59"): "2026-11-01T07:59", ("2026-11-01", "01:30"): "2026-11-01T08:30",
        ("2026-11-01", "02:00"): "2026-11-01T09:00",
        ("2027-01-15", "09:00"): "2027-01-15T16:00", ("2027-03-14", "02:30"): "2027-03-14T09:30",
        ("2046-01-15", "09:00"): "2046-01-15T16:00",
    },
}  # fmt: skip


@pytest.mark.parametrize("zone_name", EDGES)
def test_the_edges_of_summer_time(zone_name: str) -> None:
    for (day, wall_time), wanted in EDGES[zone_name].items():
        arguments = (date.fromisoformat(day), time.fromisoformat(wall_time), zone_name)
        if wanted is None:
            with pytest.raises(InvalidInput) as refusal:
                start_of(*arguments, now=LONG_AGO)
            assert refusal.value.details == {"time": [f"The clocks in {zone_name} skip this time on that day."]}
        else:
            starts_at = start_of(*arguments, now=LONG_AGO)
            assert f"{starts_at:%Y-%m-%dT%H:%M}" == wanted, (day, wall_time)


@pytest.mark.parametrize("zone_name", EDGES)
def test_they_hold_over_http(zone_name: str, people: dict[str, Any]) -> None:
    us = people["us"]
    ahead = {
        edge: wanted for edge, wanted in EDGES[zone_name].items() if date.fromisoformat(edge[0]) > in_days(1).date()
    }
    assert ahead
    for (day, wall_time), wanted in ahead.items():
        asked = invitation(people["us application"]) | {"date": day, "time": wall_time, "timeZone": zone_name}
        if wanted is None:
            assert us.refused("POST", "/interviews/schedule", asked)[1].startswith("time: The clocks in ")
            continue
        made = us.ok("POST", "/interviews/schedule", asked | {"durationMinutes": 5})
        one = f"/interviews/{made['interviewId']}"
        seen = people["candidate"].ok("GET", f"/candidate{one}")
        assert seen["scheduledDate"] == made["scheduledDate"] == f"{wanted}:00.000Z"
        assert seen["scheduledTime"] == made["scheduledTime"] == wall_time
        us.ok("PUT", f"{one}/cancel", {"cancellationReason": "next"})


def test_a_zone_moves_with_its_interview(people: dict[str, Any]) -> None:
    us = people["us"]
    asked = invitation(people["us application"]) | {"date": "2031-07-01", "time": "10:00", "timeZone": "Asia/Kolkata"}
    made = us.ok("POST", "/interviews/schedule", asked)
    moved = us.ok(
        "PUT",
        f"/interviews/{made['interviewId']}/reschedule",
        {"date": "2031-01-15", "time": "10:00", "timeZone": "America/Vancouver"},
    )
    assert (moved["scheduledDate"], moved["scheduledTime"]) == ("2031-01-15T17:00:00.000Z", "10:00")
    kept = us.ok("PUT", f"/interviews/{made['interviewId']}/reschedule", {"date": "2031-01-15", "time": "11:00"})
    assert (kept["scheduledDate"], kept["timeZone"]) == ("2031-01-15T18:00:00.000Z", "America/Vancouver")

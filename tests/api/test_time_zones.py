"""Time zones of interviews over HTTP."""

from datetime import date

import pytest

from tests.support.api import in_days, invitation
from tests.support.people import People
from tests.support.summer_time import EDGES


@pytest.mark.parametrize("zone_name", EDGES)
def test_summer_time_edges_hold_over_http(zone_name: str, people: People) -> None:
    us = people.us
    ahead = {
        edge: wanted for edge, wanted in EDGES[zone_name].items() if date.fromisoformat(edge[0]) > in_days(1).date()
    }
    assert ahead
    for (day, wall_time), wanted in ahead.items():
        asked = invitation(people.us_application_id) | {"date": day, "time": wall_time, "timeZone": zone_name}
        if wanted is None:
            assert us.refused("POST", "/interviews/schedule", asked)[1].startswith("time: The clocks in ")
            continue
        made = us.ok("POST", "/interviews/schedule", asked | {"durationMinutes": 5})
        one = f"/interviews/{made['interviewId']}"
        seen = people.candidate.ok("GET", f"/candidate{one}")
        assert seen["scheduledDate"] == made["scheduledDate"] == f"{wanted}:00.000Z"
        assert seen["scheduledTime"] == made["scheduledTime"] == wall_time
        us.ok("PUT", f"{one}/cancel", {"cancellationReason": "next"})


def test_reschedule_may_change_the_time_zone(people: People) -> None:
    us = people.us
    asked = invitation(people.us_application_id) | {"date": "2031-07-01", "time": "10:00", "timeZone": "Asia/Kolkata"}
    made = us.ok("POST", "/interviews/schedule", asked)
    moved = us.ok(
        "PUT",
        f"/interviews/{made['interviewId']}/reschedule",
        {"date": "2031-01-15", "time": "10:00", "timeZone": "America/Vancouver"},
    )
    assert (moved["scheduledDate"], moved["scheduledTime"]) == ("2031-01-15T17:00:00.000Z", "10:00")
    kept = us.ok("PUT", f"/interviews/{made['interviewId']}/reschedule", {"date": "2031-01-15", "time": "11:00"})
    assert (kept["scheduledDate"], kept["timeZone"]) == ("2031-01-15T18:00:00.000Z", "America/Vancouver")

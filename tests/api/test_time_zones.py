"""Time zones of interviews over HTTP."""

from datetime import date

import pytest

from tests.support.api import in_days, invitation, local
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
        request = invitation(people.us_application_id) | {"date": day, "time": wall_time, "timeZone": zone_name}
        if wanted is None:
            assert us.refused("POST", "/interviews/schedule", request)[1].startswith("time: The clocks in ")
            continue
        interview = us.ok("POST", "/interviews/schedule", request | {"durationMinutes": 5})
        path = f"/interviews/{interview['interviewId']}"
        seen = people.candidate.ok("GET", f"/candidate{path}")
        assert seen["scheduledDate"] == interview["scheduledDate"] == f"{wanted}:00.000Z"
        assert seen["scheduledTime"] == interview["scheduledTime"] == wall_time
        us.ok("PUT", f"{path}/cancel", {"cancellationReason": "next"})


def test_reschedule_may_change_the_time_zone(people: People) -> None:
    us = people.us
    body = invitation(people.us_application_id) | {"date": "2031-07-01", "time": "10:00", "timeZone": "Asia/Kolkata"}
    interview = us.ok("POST", "/interviews/schedule", body)
    moved = us.ok(
        "PUT",
        f"/interviews/{interview['interviewId']}/reschedule",
        {"date": "2031-01-15", "time": "10:00", "timeZone": "America/Vancouver"},
    )
    assert (moved["scheduledDate"], moved["scheduledTime"]) == ("2031-01-15T17:00:00.000Z", "10:00")
    again = us.ok("PUT", f"/interviews/{interview['interviewId']}/reschedule", {"date": "2031-01-15", "time": "11:00"})
    assert (again["scheduledDate"], again["timeZone"]) == ("2031-01-15T18:00:00.000Z", "America/Vancouver")


def test_zone_is_read_in_any_letter_case_and_stored_in_its_own_spelling(people: People) -> None:
    us, body = people.us, invitation(people.us_application_id)
    interview = us.ok("POST", "/interviews/schedule", body | {"timeZone": "asia/kolkata"})
    assert interview["timeZone"] == "Asia/Kolkata"
    path = f"/interviews/{interview['interviewId']}/reschedule"
    assert us.ok("PUT", path, local(in_days(9)) | {"timeZone": "EUROPE/PARIS"})["timeZone"] == "Europe/Paris"
    windows = (400, 'timeZone: Must be an IANA time zone: the Windows name "AUS Eastern Standard Time" means '
               "Australia/Sydney.")  # fmt: skip
    assert us.refused("PUT", path, local(in_days(9)) | {"timeZone": "aus eastern standard time"}) == windows
    unknown = (400, "timeZone: Must be an IANA time zone like Asia/Kolkata.")
    assert us.refused("POST", "/interviews/schedule", body | {"timeZone": "Factory"}) == unknown

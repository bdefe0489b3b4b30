"""The calendar file and the feed, parsed by a second library."""

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from flask import Flask
from flask.testing import FlaskClient
from ics import Calendar as ReadCalendar

from interviews_api.config import Settings
from interviews_api.services import service
from tests.support.api import Caller, in_days, invitation, local
from tests.support.factories import World
from tests.support.icalendar import properties
from tests.support.people import People

PUBLIC_URL = "http://127.0.0.1:8000"


def test_calendar_file_describes_a_confirmed_interview(people: People) -> None:
    us, candidate = people.us, people.candidate
    start = in_days(3)
    body = invitation(
        people.us_application_id, type="Video", meetingLink="https://meet.example/a;b,c", notes="Bring, a pen;\nand ink"
    )
    interview_id = us.ok("POST", "/interviews/schedule", body)["interviewId"]
    path = f"/candidate/interviews/{interview_id}/calendar.ics"
    refusal = (400, "Calendar file is only available for confirmed interviews")
    assert candidate.refused("GET", path) == refusal
    candidate.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
    answer = candidate.call("GET", path)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert candidate.call("GET", path, If_None_Match=answer.headers["ETag"]).status_code == 304
    assert candidate.call("GET", path).data == answer.data
    lines = properties(answer.data)
    assert (lines["METHOD"], lines["STATUS"], lines["SEQUENCE"]) == (["PUBLISH"], ["CONFIRMED"], ["0"])
    assert lines["DTSTAMP"] == lines["LAST-MODIFIED"]
    assert "ATTENDEE" not in lines
    assert lines["TRIGGER"] == ["-PT1H"]
    (event,) = ReadCalendar(answer.text).events
    assert (event.begin.datetime, event.end.datetime) == (start, start + timedelta(hours=1))
    assert event.name == "Interview: Senior Frontend Developer - us"
    assert event.location == lines["URL"][0] == "https://meet.example/a;b,c"
    assert event.description == "Bring, a pen;\nand ink\n\nLink: https://meet.example/a;b,c"
    us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(in_days(4)))
    assert candidate.refused("GET", path) == refusal
    candidate.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
    moved = properties(candidate.call("GET", path).data)
    assert (moved["UID"], moved["SEQUENCE"]) == (lines["UID"], ["1"])


def test_feed_ends_with_the_next_feed_or_its_deletion(people: People, client: FlaskClient, calendar_feed: str) -> None:
    anonymous, candidate = Caller(client, {}), people.candidate
    empty = anonymous.call("GET", calendar_feed)
    assert (empty.status_code, empty.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    lines = properties(empty.data)
    assert (lines["BEGIN"], lines["NAME"]) == (["VCALENDAR", "VTIMEZONE", "STANDARD"], ["Interviews"])
    interview_id = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
    response = anonymous.call("GET", calendar_feed)
    assert properties(response.data)["STATUS"] == ["TENTATIVE"]
    again = anonymous.call("GET", calendar_feed, If_None_Match=response.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    assert anonymous.call("GET", calendar_feed).data == response.data
    candidate.ok("PUT", f"/candidate/interviews/{interview_id}/decline", {})
    declined = properties(anonymous.call("GET", calendar_feed).data)
    assert (declined["STATUS"], declined["SEQUENCE"]) == (["CANCELLED"], ["1"])
    candidate.ok("POST", "/candidate/calendar-feed")
    assert anonymous.refused("GET", calendar_feed) == (404, "Calendar not found")
    second = candidate.ok("POST", "/candidate/calendar-feed")["url"].removeprefix("http://127.0.0.1:8000")
    assert candidate.ok("DELETE", "/candidate/calendar-feed") == {}
    for gone in (second, "/calendar/x.ics", "/calendar/%ff%00.ics", "/calendar/" + "a" * 3000 + ".ics"):
        assert anonymous.refused("GET", gone) == (404, "Calendar not found")


def test_feed_leaves_out_interviews_that_ended_90_days_ago(
    app: Flask, world: World, client: FlaskClient, headers: Any
) -> None:
    def before(days: int) -> str:
        return in_days(-days).strftime("%Y-%m-%dT%H:%M:%SZ")

    recent = [
        {"status": "completed", "scheduledDate": before(89)},
        {"status": "annule", "scheduledDate": before(89)},
        {"status": "en_attente", "scheduledDate": before(300)},
    ]
    gone = [{"status": status, "scheduledDate": before(91)} for status in ("completed", "annule")]
    owner = world.candidate_with(*recent, *gone)
    world.candidate_with({"status": "confirmed"})
    world.load()
    url = Caller(client, headers(owner["id"])).ok("POST", "/candidate/calendar-feed")["url"]
    assert url.startswith(service(Settings, app).public_url + "/calendar/")
    lines = properties(client.get(url.removeprefix(service(Settings, app).public_url)).data)
    assert sorted(lines["STATUS"]) == ["CANCELLED", "CONFIRMED", "TENTATIVE"]


def test_feed_has_an_address_that_opens_a_calendar_program(people: People) -> None:
    feed = people.candidate.ok("POST", "/candidate/calendar-feed")
    assert feed == {"url": feed["url"], "webcalUrl": f"webcal://127.0.0.1:8000{feed['url'].removeprefix(PUBLIC_URL)}"}


def test_entry_of_a_phone_interview_says_who_calls_whom(
    people: People, client: FlaskClient, calendar_feed: str
) -> None:
    """The candidate's phone is the profile's, which the company sees too."""
    interview_id = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
    assert properties(client.get(calendar_feed).data)["LOCATION"] == ["us calls you at +33 6"]
    people.candidate.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
    file = people.candidate.call("GET", f"/candidate/interviews/{interview_id}/calendar.ics").data
    assert properties(file)["LOCATION"] == ["us calls you at +33 6"]


def test_renaming_a_job_changes_only_the_answers_that_show_it(
    app: Flask, world: World, client: FlaskClient, headers: Any
) -> None:
    """Others keep their ETag, so clients get a 304."""
    candidates = [world.candidate_with({"status": "confirmed"}) for _ in range(2)]
    world.load()
    callers = [Caller(client, headers(candidate["id"])) for candidate in candidates]
    feeds = [caller.ok("POST", "/candidate/calendar-feed")["url"].removeprefix(PUBLIC_URL) for caller in callers]
    paths = ["/candidate/interviews", f"/candidate/interviews/{world.content['interviews'][0]['id']}/calendar.ics"]

    def tags() -> list[list[str | None]]:
        own = [[caller.call("GET", path).headers.get("ETag") for path in paths] for caller in callers]
        return [[*tags, client.get(feed).headers["ETag"]] for tags, feed in zip(own, feeds, strict=True)]

    before = tags()
    world.content["jobs"][0]["title"] = "Renamed"
    world.load()
    after = tags()
    assert after[1] == before[1]
    assert [old != new for old, new in zip(before[0], after[0], strict=True)] == [True, True, True]


def test_feed_bytes_are_stable_over_time(people: People, client: FlaskClient, calendar_feed: str) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    first = client.get(calendar_feed)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        assert client.get(calendar_feed).data == first.data

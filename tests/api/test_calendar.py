"""The calendar file and the feed, read back by a second parser that knows nothing of the one that wrote them."""

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from ics import Calendar as ReadCalendar

from interviews_api.interviews.icalendar_export import Method, export_calendar
from tests.conftest import SETTINGS
from tests.support.api import Caller, in_days, invitation, local
from tests.support.factories import World
from tests.support.proof_table import figure, proof

NASTY = '\r\nX-EVIL:1\nEND:VEVENT\r\u2028;,\\":^ \x00\x1b =?utf-8?q?=0D=0AX-EVIL:1=00?= é' + "ü" * 90


def properties(raw: bytes) -> dict[str, list[str]]:
    """The unfolded content lines of all events by name, checked for what RFC 5545 asks of lines."""
    text = raw.decode()
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert "\r" not in text.replace("\r\n", "")
    lines = text.split("\r\n")
    assert max(len(line.encode()) for line in lines) <= 75
    found: dict[str, list[str]] = {}
    for line in re.sub("\r\n[ \t]", "", text).split("\r\n")[:-1]:
        name = re.split("[:;]", line, maxsplit=1)[0]
        assert re.fullmatch(r"[A-Z-]+", name), line
        found.setdefault(name, []).append(line.partition(":")[2])
    return found


@pytest.fixture
def feed(people: dict[str, Any]) -> str:
    url: str = people["candidate"].ok("POST", "/candidate/calendar-feed")["url"]
    return url.removeprefix("http://127.0.0.1:8000")


def test_the_file_of_a_confirmed_interview(people: dict[str, Any]) -> None:
    us, candidate = people["us"], people["candidate"]
    start = in_days(3)
    asked = invitation(
        people["us application"], type="Video", meetingLink="https://meet.example/a;b,c", notes="Bring, a pen;\nand ink"
    )
    one = us.ok("POST", "/interviews/schedule", asked)["interviewId"]
    path = f"/candidate/interviews/{one}/calendar.ics"
    refusal = (400, "Calendar file is only available for confirmed interviews")
    assert candidate.refused("GET", path) == refusal
    candidate.ok("PUT", f"/candidate/interviews/{one}/confirm")
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
    assert event.description == "Bring, a pen;\nand ink"
    us.ok("PUT", f"/interviews/{one}/reschedule", local(in_days(4)))
    assert candidate.refused("GET", path) == refusal
    candidate.ok("PUT", f"/candidate/interviews/{one}/confirm")
    moved = properties(candidate.call("GET", path).data)
    assert (moved["UID"], moved["SEQUENCE"]) == (lines["UID"], ["1"])


def test_a_feed_lives_until_the_next_one_or_its_end(people: dict[str, Any], client: FlaskClient, feed: str) -> None:
    anyone, candidate = Caller(client, {}), people["candidate"]
    empty = anyone.call("GET", feed)
    assert (empty.status_code, empty.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    one = people["us"].ok("POST", "/interviews/schedule", invitation(people["us application"]))["interviewId"]
    shown = anyone.call("GET", feed)
    assert properties(shown.data)["STATUS"] == ["TENTATIVE"]
    again = anyone.call("GET", feed, If_None_Match=shown.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    assert anyone.call("GET", feed).data == shown.data
    candidate.ok("PUT", f"/candidate/interviews/{one}/decline", {})
    declined = properties(anyone.call("GET", feed).data)
    assert (declined["STATUS"], declined["SEQUENCE"]) == (["CANCELLED"], ["1"])
    candidate.ok("POST", "/candidate/calendar-feed")
    assert anyone.refused("GET", feed) == (404, "Calendar not found")
    second = candidate.ok("POST", "/candidate/calendar-feed")["url"].removeprefix("http://127.0.0.1:8000")
    assert candidate.ok("DELETE", "/candidate/calendar-feed") == {}
    for gone in (second, "/calendar/x.ics", "/calendar/%ff%00.ics", "/calendar/" + "a" * 3000 + ".ics"):
        assert anyone.refused("GET", gone) == (404, "Calendar not found")


def test_a_feed_forgets_after_90_days(app: Flask, world: World, client: FlaskClient, headers: Any) -> None:
    def before(days: int) -> str:
        return in_days(-days).strftime("%Y-%m-%dT%H:%M:%SZ")

    kept = [
        {"status": "completed", "scheduledDate": before(89)},
        {"status": "annule", "scheduledDate": before(89)},
        {"status": "en_attente", "scheduledDate": before(300)},
    ]
    gone = [{"status": status, "scheduledDate": before(91)} for status in ("completed", "annule")]
    owner = world.candidate_with(*kept, *gone)
    world.candidate_with({"status": "confirmed"})
    world.load()
    url = Caller(client, headers(owner["id"])).ok("POST", "/candidate/calendar-feed")["url"]
    assert url.startswith(app.extensions["settings"].public_url + "/calendar/")
    lines = properties(client.get(url.removeprefix(app.extensions["settings"].public_url)).data)
    assert sorted(lines["STATUS"]) == ["CANCELLED", "CONFIRMED", "TENTATIVE"]


@pytest.mark.parametrize("method", Method)
def test_nothing_that_was_typed_becomes_a_line(method: Method) -> None:
    moment = datetime(2026, 11, 23, 9, tzinfo=UTC)
    row: dict[str, Any] = dict.fromkeys(("location", "meeting_link", "notes", "company_name", "job_title"), NASTY)
    row |= dict.fromkeys(("updated_at", "created_at", "starts_at"), moment)
    row |= {"interview_id": "a" * 24, "revision": 0, "duration_minutes": 60, "status": "confirmed", "type": "Video"}
    for email in (None, "hr@lumen.example\r\nX-EVIL:1"):
        row["company_email"] = email
        raw = export_calendar(
            [row], method, organizer=SETTINGS.get("MAIL_FROM", "A <a@b.co>"), attendee="i@b.co\r\nX-EVIL:1"
        )
        lines = properties(raw)
        assert "X-EVIL" not in lines
        assert lines["END"] == ["VALARM", "VEVENT", "VCALENDAR"]
        (event,) = ReadCalendar(raw.decode()).events
        assert event.name.startswith("Interview: X-EVIL:1 END:VEVENT ;,\\")


@pytest.mark.proof
def test_random_lives_end_in_the_right_calendar(people: dict[str, Any], client: FlaskClient, feed: str) -> None:
    """A client that keeps, of each UID, what came with the highest SEQUENCE, knows what stands."""
    lives, dice, us, candidate = figure(sample=25, full=300), random.Random(4), people["us"], people["candidate"]
    kept: dict[str, tuple[int, str, datetime]] = {}

    def synchronize() -> None:
        for event in ReadCalendar(client.get(feed).text).events:
            sequence = int(next(line.value for line in event.extra if line.name == "SEQUENCE"))
            assert sequence >= kept.get(event.uid, (0,))[0]
            kept[event.uid] = (sequence, str(event.status), event.begin.datetime)

    with proof("random lives of an interview in a feed", client.application.extensions["database"].engine.dialect.name,
               lives) as done:  # fmt: skip
        wanted = {}
        for number in range(lives):
            start = in_days(10 + number)
            one = us.ok("POST", "/interviews/schedule", invitation(people["us application"], **local(start)))
            path, revision, status = one["interviewId"], 0, "TENTATIVE"
            for _ in range(dice.randrange(6)):
                if status == "CANCELLED":
                    break
                match dice.choice(("confirm", "reschedule", "cancel", "decline", "synchronize")):
                    case "confirm":
                        candidate.call("PUT", f"/candidate/interviews/{path}/confirm")
                        status = "CONFIRMED"
                    case "reschedule":
                        start += timedelta(minutes=5)
                        us.ok("PUT", f"/interviews/{path}/reschedule", local(start))
                        revision, status = revision + 1, "TENTATIVE"
                    case "cancel":
                        us.ok("PUT", f"/interviews/{path}/cancel", {"cancellationReason": "x"})
                        revision, status = revision + 1, "CANCELLED"
                    case "decline":
                        candidate.ok("PUT", f"/candidate/interviews/{path}/decline", {})
                        revision, status = revision + 1, "CANCELLED"
                    case _:
                        synchronize()
            wanted[f"{path}@interviews-api"] = (revision, status, start)
        synchronize()
        assert kept == wanted
        done.result = "the client's calendar is what stands"


def test_the_bytes_do_not_change_by_themselves(people: dict[str, Any], client: FlaskClient, feed: str) -> None:
    people["us"].ok("POST", "/interviews/schedule", invitation(people["us application"]))
    first = client.get(feed)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        assert client.get(feed).data == first.data

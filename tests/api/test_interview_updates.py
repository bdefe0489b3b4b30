"""Changes of an interview: which need a new confirmation, which are an update, and which are internal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update

from interviews_api.clock import format_instant, parse_instant
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.interviews.models import Interview
from tests.support.api import Caller, in_days, invitation, local
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.fixtures import MakeLimited
from tests.support.linked_interview import JSON, path
from tests.support.people import People

VIDEO = {"type": "Video", "meetingLink": "https://meet.example/1", "timeZone": "Asia/Kolkata", "notes": "n"}
PRESENT = {"date": "2031-05-15", "time": "14:30"}


@pytest.fixture
def confirmed(people: People) -> str:
    """Schedule and confirm an interview, and return its path for the company."""
    body = invitation(people.us_application_id, **VIDEO, **PRESENT, location="Paris", internalNotes="i")
    interview_path = f"/interviews/{people.us.ok('POST', '/interviews/schedule', body)['interviewId']}"
    people.candidate.ok("PUT", f"/candidate{interview_path}/confirm")
    return interview_path


def events_of(database: Database, interview_path: str) -> list[Any]:
    with database.reads.connection() as connection:
        is_its = Event.interview_id == interview_path.rpartition("/")[2]
        return list(connection.execute(select(Event).where(is_its).order_by(Event.id)))


def revision_of(database: Database, interview_path: str) -> int:
    with database.reads.connection() as connection:
        is_it = Interview.id == interview_path.rpartition("/")[2]
        return int(connection.execute(select(Interview.revision).where(is_it)).scalar_one())


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"meetingLink": "https://meet.example/2"}, ["meeting_link"]),
        ({"notes": "Bring a pen"}, ["notes"]),
        ({"notes": None}, ["notes"]),
        ({"meetingLink": "https://meet.example/2", "notes": "x", "internalNotes": "y"}, ["meeting_link", "notes"]),
    ],
)
def test_change_of_link_or_notes_keeps_the_confirmation(
    change: dict[str, Any], fields: list[str], people: People, confirmed: str, database: Database
) -> None:
    us, candidate = people.us, people.candidate
    before = us.ok("GET", confirmed)
    response = us.call("PUT", f"{confirmed}/reschedule", PRESENT | change).get_json()
    assert response == {"message": "Interview rescheduled successfully", "data": before | change}
    assert response["data"]["status"] == "confirmed"
    assert response["data"]["confirmedAt"] is not None
    *_, event = events_of(database, confirmed)
    assert (event.type, event.actor, event.revision) == ("interview.updated", "company", 1)
    assert (event.changed_fields, event.previous_starts_at) == (fields, None)
    assert candidate.ok("GET", f"/candidate{confirmed}")["status"] == "confirmed"
    assert candidate.ok("GET", f"/candidate{confirmed}/timeline")["events"][-1]["type"] == "interview.updated"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"date": "2031-05-16"}, ["starts_at"]),
        ({"time": "14:31"}, ["starts_at"]),
        ({"timeZone": "Asia/Calcutta"}, ["time_zone"]),
        ({"timeZone": "Europe/Paris", "time": "11:00"}, ["time_zone"]),
        ({"durationMinutes": 61}, ["duration_minutes"]),
        ({"type": "Phone"}, ["type"]),
        ({"location": "Lyon"}, ["location"]),
        ({"location": None, "notes": "x", "internalNotes": "y"}, ["location", "notes"]),
    ],
)
def test_change_of_time_kind_or_place_needs_a_new_yes(
    change: dict[str, Any], fields: list[str], people: People, confirmed: str, database: Database
) -> None:
    moved = people.us.ok("PUT", f"{confirmed}/reschedule", PRESENT | change)
    assert (moved["status"], moved["confirmedAt"]) == ("en_attente", None)
    *_, event = events_of(database, confirmed)
    assert (event.type, event.revision, event.changed_fields) == ("interview.rescheduled", 1, fields)
    assert (event.previous_starts_at is not None) == ("starts_at" in fields)


def test_change_of_internal_notes_concerns_nobody(people: People, confirmed: str, database: Database) -> None:
    us, candidate = people.us, people.candidate
    us.ok("POST", "/webhooks", {"url": "https://nobody.invalid/hook"})
    seen, before = us.call("GET", confirmed), everything(database)
    tags = [candidate.call("GET", f"/candidate{confirmed}{read}").headers["ETag"] for read in ("", "/calendar.ics")]
    noted = us.ok("PUT", f"{confirmed}/reschedule", PRESENT | {"internalNotes": "Ask about gaps"})
    assert noted == seen.get_json()["data"] | {"internalNotes": "Ask about gaps"}
    after = everything(database)
    assert {name for name in after if after[name] != before[name]} == {"interviews"}
    (stored_before,), (stored,) = before["interviews"], after["interviews"]
    assert stored._asdict() == stored_before._asdict() | {"internal_notes": "Ask about gaps"}
    assert tags == [
        candidate.call("GET", f"/candidate{confirmed}{read}").headers["ETag"] for read in ("", "/calendar.ics")
    ]
    stale = us.refused("PUT", f"{confirmed}/reschedule", PRESENT, If_Match=seen.headers["ETag"])
    assert stale == (412, "It has changed since you read it")


def test_reschedule_that_changes_nothing_leaves_no_trace(people: People, confirmed: str, database: Database) -> None:
    us = people.us
    seen, before = us.call("GET", confirmed), everything(database)
    whole = PRESENT | VIDEO | {"durationMinutes": 60, "location": "Paris", "internalNotes": "i"}
    for body in (PRESENT, whole, PRESENT | {"meetingLink": f" {VIDEO['meetingLink']}"}):
        same = us.call("PUT", f"{confirmed}/reschedule", body, If_Match=seen.headers["ETag"])
        assert (same.status_code, same.get_json()) == (
            200, {"message": "Interview rescheduled successfully", "data": seen.get_json()["data"]},
        )  # fmt: skip
    assert everything(database) == before
    us.ok("PUT", f"{confirmed}/cancel", {"cancellationReason": "x"})
    assert us.refused("PUT", f"{confirmed}/reschedule", PRESENT) == (400, "Interview can no longer be rescheduled")


def test_empty_text_in_place_of_none_changes_nothing(people: People, database: Database) -> None:
    """A form sends it for a field that nobody has filled in."""
    body = invitation(people.us_application_id, type="Phone", **PRESENT)
    interview_path = f"/interviews/{people.us.ok('POST', '/interviews/schedule', body)['interviewId']}"
    before = everything(database)
    same = people.us.ok("PUT", f"{interview_path}/reschedule", PRESENT | {"notes": "", "internalNotes": ""})
    assert (same["notes"], same["internalNotes"]) == (None, None)
    assert everything(database) == before


def test_update_ends_older_links_and_the_new_one_confirms(people: People, client: FlaskClient) -> None:
    body = invitation(people.us_application_id, **VIDEO, **PRESENT)
    interview_id = people.us.ok("POST", "/interviews/schedule", body)["interviewId"]
    people.us.ok("PUT", f"/interviews/{interview_id}/reschedule", PRESENT | {"notes": "x"})
    assert client.post(path(interview_id), headers=JSON).status_code == 400
    assert client.post(path(interview_id, 1), headers=JSON).status_code == 200


def test_update_leaves_a_request_for_another_time(people: People, confirmed: str) -> None:
    us, candidate = people.us, people.candidate
    candidate.ok("PUT", f"/candidate{confirmed}/request-reschedule", {"reason": "ill"})
    request = us.ok("GET", confirmed)["rescheduleRequest"]
    for change in ({"notes": "x"}, {"internalNotes": "y"}, {}):
        assert us.ok("PUT", f"{confirmed}/reschedule", PRESENT | change)["rescheduleRequest"] == request
    assert us.ok("PUT", f"{confirmed}/reschedule", PRESENT | {"location": "Lyon"})["rescheduleRequest"] is None


def test_update_leaves_application_and_occasions(people: People, confirmed: str, database: Database) -> None:
    before = everything(database)
    people.us.ok("PUT", f"{confirmed}/reschedule", PRESENT | {"notes": "x"})
    after = everything(database)
    assert after["applications"] == before["applications"]
    kept = ("status", "confirmed_at", "accepted_at", "invited_at", "notices_after", "next_notice_at")
    assert [getattr(after["interviews"][0], name) for name in kept] == [
        getattr(before["interviews"][0], name) for name in kept
    ]


@pytest.mark.parametrize("minutes", [-1, -59])
def test_interview_that_has_begun_can_get_another_link(
    minutes: int, people: People, confirmed: str, database: Database
) -> None:
    """A late candidate needs it; a start in the past stays refused once the interview has ended."""
    start = in_days(0) + timedelta(minutes=minutes)
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values(starts_at=start, time_zone="UTC"))
    link = {"meetingLink": "https://meet.example/2"}
    assert people.us.ok("PUT", f"{confirmed}/reschedule", local(start) | link)["status"] == "confirmed"
    assert people.us.ok("PUT", f"{confirmed}/reschedule", local(start) | {"location": "Lyon"})["status"] == "en_attente"
    earlier = local(start - timedelta(minutes=1)) | link
    future = (400, "date: Must lie in the future.")
    assert people.us.refused("PUT", f"{confirmed}/reschedule", earlier) == future
    ended = in_days(0) - timedelta(minutes=60)
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values(starts_at=ended))
    assert people.us.refused("PUT", f"{confirmed}/reschedule", local(ended) | {"notes": "x"}) == future


@pytest.mark.parametrize(
    ("starts_at", "shown"),
    [
        ("2031-10-26T01:30:00.000Z", {"date": "2031-10-26", "time": "02:30"}),  # the second of two
        ("2031-05-15T09:00:30.500Z", {"date": "2031-05-15", "time": "11:00"}),  # by a seed file
    ],
)
def test_local_time_that_the_interview_shows_is_its_present_start(
    starts_at: str, shown: dict[str, str], people: People, world: World, database: Database
) -> None:
    application = {"id": people.us_application_id}
    values = {"scheduledDate": starts_at, "timeZone": "Europe/Paris", "status": "confirmed"}
    interview_path = f"/interviews/{world.interview(application, **values)['id']}"
    world.load()
    assert people.us.ok("GET", interview_path)["scheduledTime"] == shown["time"]
    updated = people.us.ok("PUT", f"{interview_path}/reschedule", shown | {"notes": "x"})
    assert (updated["status"], updated["scheduledDate"]) == ("confirmed", starts_at)


def test_update_of_imported_interviews_that_overlap_is_accepted(people: People, world: World) -> None:
    application = {"id": people.us_application_id}
    values = {"scheduledDate": "2031-05-15T09:00:00.000Z", "timeZone": "UTC", "status": "confirmed"}
    interviews = [world.interview(application, **values) for _ in range(2)]
    world.load()
    move = f"/interviews/{interviews[0]['id']}/reschedule"
    present = {"date": "2031-05-15", "time": "09:00"}
    assert people.us.ok("PUT", move, present | {"notes": "x"})["status"] == "confirmed"
    assert people.us.refused("PUT", move, present | {"location": "Lyon"})[0] == 409


def test_only_what_appends_an_event_counts_as_a_move(people: People, confirmed: str, make_limited: MakeLimited) -> None:
    us = Caller(make_limited(LIMITS="transitions=2/3600"), people.us.headers)
    move = f"{confirmed}/reschedule"
    us.ok("PUT", move, PRESENT | {"notes": "1"})
    for notes in ("a", "b"):
        us.ok("PUT", move, PRESENT | {"internalNotes": notes})
    us.ok("PUT", move, PRESENT | {"notes": "2"})
    assert us.refused("PUT", move, PRESENT | {"notes": "3"})[0] == 429
    assert us.refused("PUT", move, PRESENT | {"location": "Lyon"})[0] == 429
    us.ok("PUT", move, PRESENT | {"notes": "2"})  # a repeated request that has changed it already
    us.ok("PUT", move, PRESENT | {"internalNotes": "c"})


def test_if_match_and_state_are_judged_before_an_update(people: People, confirmed: str, database: Database) -> None:
    us = people.us
    before = everything(database)
    for change in ({"notes": "x"}, {"internalNotes": "x"}, {}):
        refused = us.refused("PUT", f"{confirmed}/reschedule", PRESENT | change, If_Match='"old"')
        assert refused == (412, "It has changed since you read it")
    assert everything(database) == before
    us.ok("PUT", f"{confirmed}/complete", {})
    for change in ({"notes": "x"}, {"internalNotes": "x"}, {}):
        refused = us.refused("PUT", f"{confirmed}/reschedule", PRESENT | change)
        assert refused == (400, "Interview can no longer be rescheduled")
    assert us.ok("GET", confirmed)["internalNotes"] == "i"


def test_moment_of_an_update_is_the_calendar_entrys(people: People, confirmed: str) -> None:
    moment = parse_instant(format_instant(datetime.now(UTC) + timedelta(seconds=5)))
    with time_machine.travel(moment, tick=False):
        people.us.ok("PUT", f"{confirmed}/reschedule", PRESENT | {"notes": "x"})
        calendar = people.candidate.call("GET", f"/candidate{confirmed}/calendar.ics").text
    assert "SEQUENCE:1\r\n" in calendar
    assert f"DTSTAMP:{moment:%Y%m%dT%H%M%SZ}\r\n" in calendar

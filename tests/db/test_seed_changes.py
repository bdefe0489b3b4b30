"""Seed files that change what a candidate has seen: revisions of interviews, and changes of jobs and companies."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from interviews_api.accounts.models import Company
from interviews_api.db.connections import Database
from interviews_api.hiring.models import Job
from interviews_api.interviews.models import Interview
from tests.support.api import PASSWORD, Caller, in_days, invitation
from tests.support.factories import Record, World
from tests.support.icalendar import properties
from tests.support.linked_interview import INTERVIEW, JSON, path
from tests.support.people import People
from tests.support.tokens import Headers

LATER = datetime.now(UTC) + timedelta(days=1)


def revision(database: Database, interview_id: str = INTERVIEW) -> int:
    with database.reads.connection() as connection:
        statement = select(Interview.revision).where(Interview.id == interview_id)
        return int(connection.execute(statement).scalar_one())


@pytest.fixture
def record(world: World) -> Record:
    """Load a pending interview of the year 2999 and return its record."""
    world.candidate_with({"id": INTERVIEW, "scheduledDate": "2999-05-15T09:00:00.000Z", "location": "here"})
    world.load()
    return world.content["interviews"][0]


@pytest.mark.parametrize(
    "changes",
    [
        {"scheduledDate": "2999-05-15T09:05:00.000Z"},
        {"timeZone": "Europe/Paris"},
        {"durationMinutes": 45},
        {"type": "InPerson"},
        {"location": "there"},
        {"location": None},
        {"meetingLink": "https://meet.google.com/other"},
        {"meetingLink": None, "type": "Phone"},
        {"status": "annule"},
        {"status": "annule", "scheduledDate": "2999-05-15T09:05:00.000Z"},
    ],
)
def test_loaded_change_of_the_appointment_raises_the_revision(
    changes: dict[str, Any], record: Record, world: World, database: Database, anonymous: Caller
) -> None:
    """So the link of an earlier mail confirms nothing that its reader has not seen."""
    record |= changes
    world.load()
    assert revision(database) == 1
    assert anonymous.refused("POST", path(), **JSON) == (400, "Invalid confirmation token")
    world.load()
    assert revision(database) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"notes": "Bring ink", "internalNotes": "Ask for ink"},
        {"status": "confirmed", "confirmedAt": "2025-05-01T00:00:00.000Z"},
        {"status": "completed", "isHired": True},
        {"scheduledDate": "2999-05-15T10:00:00+01:00", "timeZone": "Asia/Kolkata"},
    ],
)
def test_other_loaded_changes_keep_the_revision(
    changes: dict[str, Any], record: Record, world: World, database: Database
) -> None:
    record |= changes
    world.load()
    assert revision(database) == 0


def test_cancelled_interview_keeps_its_revision_when_it_is_loaded_again(
    record: Record, world: World, database: Database
) -> None:
    for changes in ({"status": "annule"}, {"cancellationReason": "The position is filled"}, {"status": "en_attente"}):
        record |= changes
        world.load()
        assert revision(database) == 1
    record |= {"status": "annule"}
    world.load()
    assert revision(database) == 2


def test_new_zone_of_the_company_raises_the_revision(record: Record, world: World, database: Database) -> None:
    """An interview without a zone of its own is then at another time of the wall clock."""
    del record["timeZone"]
    world.load()
    before = revision(database)
    world.content["companies"][0]["timeZone"] = "America/Lima"
    world.load()
    assert revision(database) == before + 1


def test_interview_of_another_application_ends_its_links(people: People, world: World, database: Database) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    other = world.application(world.candidate(email="other@example.com"), world.job({"id": people.us_company_id}))
    fields = ("status", "type", "scheduledDate", "timeZone", "scheduledAt")
    loaded = {"id": interview["interviewId"], "applicationId": other["id"]} | {key: interview[key] for key in fields}
    world.content["interviews"] = [loaded]
    world.load()
    assert revision(database, loaded["id"]) == 1


@pytest.mark.parametrize(
    "answer", [{"scheduledDate": in_days(5).isoformat()}, {"status": "confirmed"}, {"status": "completed"}]
)
def test_loaded_answer_ends_the_request_for_another_time(answer: dict[str, str], people: People, world: World) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    interview_id = interview["interviewId"]
    people.candidate.ok("PUT", f"/candidate/interviews/{interview_id}/request-reschedule", {"reason": "A train"})
    fields = ("status", "type", "scheduledDate", "timeZone", "scheduledAt")
    loaded = {"id": interview_id, "applicationId": people.us_application_id} | {key: interview[key] for key in fields}
    world.content["interviews"] = [loaded]

    def request() -> Any:
        world.load()
        return people.us.ok("GET", f"/interviews/{interview_id}")["rescheduleRequest"]

    assert request()["reason"] == "A train"
    loaded["meetingLink"] = "https://meet.example/room"
    assert request()["reason"] == "A train"
    loaded |= answer
    assert request() is None


def changes(database: Database) -> Mapping[str, datetime | None]:
    """Return `updated_at` of each company and job, by name and title."""
    with database.reads.connection() as connection:
        statements = (select(Company.name, Company.updated_at), select(Job.title, Job.updated_at))
        return {name: at for statement in statements for name, at in connection.execute(statement)}


def test_jobs_and_companies_know_when_they_were_changed(world: World, database: Database) -> None:
    companies = [world.company(name=name) for name in ("A", "B")]
    jobs = [world.job(company, title=f"at {company['name']}") for company in companies]
    never = dict.fromkeys(("A", "B", "at A", "at B"))
    for _ in range(2):
        world.load()
        assert changes(database) == never
    with time_machine.travel(LATER, tick=False):
        companies[0]["phone"] = "+33 1"
        jobs[1]["description"] = "Other words"
        world.load()
        after = changes(database)
    moments = {name: at for name, at in after.items() if at is not None}
    assert moments.keys() == {"A", "at B"}
    assert {abs(at - LATER) < timedelta(milliseconds=1) for at in moments.values()} == {True}
    world.load()
    assert changes(database) == after


def test_created_jobs_and_companies_were_never_changed(anonymous: Caller, database: Database) -> None:
    body = {"email": "boss@us.example", "password": PASSWORD, "company": {"name": "us"}}
    token = anonymous.ok("POST", "/auth/register/company", body)["accessToken"]
    anonymous.ok("POST", "/jobs", {"title": "Tester"}, Authorization=f"Bearer {token}")
    assert changes(database) == {"us": None, "Tester": None}


@pytest.mark.parametrize("array", ["companies", "jobs"])
def test_renaming_moves_the_stamp_of_the_calendar_entries(
    array: str, cached_workers: list[Flask], record: Record, world: World, headers: Callable[..., Headers]
) -> None:
    """In the feed, cached or not, and in the file; the SEQUENCE stays."""
    record |= {"status": "confirmed"}
    world.load()
    mine = headers(world.content["candidates"][0]["id"])
    clients: list[FlaskClient] = [worker.test_client() for worker in cached_workers]
    feed = Caller(clients[0], mine).ok("POST", "/candidate/calendar-feed")["url"].removeprefix("http://127.0.0.1:8000")
    paths = (feed, f"/candidate/interviews/{INTERVIEW}/calendar.ics")

    def entries() -> list[dict[str, list[str]]]:
        return [properties(Caller(client, mine).call("GET", path).data) for client in clients for path in paths]

    before = entries()
    world.content[array][0]["name" if array == "companies" else "title"] = "Renamed"
    with time_machine.travel(LATER, tick=False):
        world.load()
    for old, new in zip(before, entries(), strict=True):
        assert new["DTSTAMP"] == new["LAST-MODIFIED"] == [f"{LATER:%Y%m%dT%H%M%SZ}"] != old["DTSTAMP"]
        assert (new["UID"], new["SEQUENCE"], "Renamed" in new["SUMMARY"][0]) == (old["UID"], ["0"], True)

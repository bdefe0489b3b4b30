"""Lists without a limit give 1,000 rows and the total of all, in one statement by an index."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, insert

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.ids import new_id
from interviews_api.interviews.models import InterviewStatus
from interviews_api.notifications.models import Delivery
from tests.support.api import invitation
from tests.support.factories import World
from tests.support.people import People
from tests.support.query_plans import explain

ROWS = 1000
OTHERS = 5000  # rows of another interview: a database scans a smaller table


@pytest.fixture
def interview_ids(app: Flask, people: People, database: Database) -> list[str]:
    """Store 1,004 more events and as many deliveries of the first of two interviews, and more of the second."""
    body = invitation(people.us_application_id)
    first = people.us.ok("POST", "/interviews/schedule", body)["interviewId"]
    people.us.ok("GET", f"/interviews/{first}/notices")  # the invitation's delivery
    second = people.them.ok("POST", "/interviews/schedule", invitation(people.them_application_id))["interviewId"]
    with database.engine.begin() as connection:
        for interview_id, count in ((first, ROWS + 4), (second, OTHERS)):
            _add_events(connection, people, interview_id, count)
            _add_deliveries(connection, interview_id, count)
        connection.exec_driver_sql("ANALYZE")
    return [first, second]


def _add_events(connection: Connection, people: People, interview_id: str, count: int) -> None:
    values = {"type": "interview.confirmed", "at": now(), "actor": "candidate", "revision": 0}
    values |= {"interview_id": interview_id, "candidate_id": "f" * 24, "company_id": people.us_company_id}
    connection.execute(insert(Event), [values] * count)


def _add_deliveries(connection: Connection, interview_id: str, count: int) -> None:
    event_id = connection.exec_driver_sql("SELECT min(id) FROM events").scalar_one()
    values = {"event_id": event_id, "interview_id": interview_id, "channel": "email", "target_id": new_id()}
    values |= {"recipient": "x", "key": "x", "status": "sent", "due_at": now(), "give_up_at": now(), "attempts": 1}
    connection.execute(insert(Delivery), [values] * count)


def plan_of(database: Database, statements: list[tuple[str, Any]], table: str) -> str:
    """Return the plan of the only statement that reads the table."""
    ((statement, parameters),) = [sent for sent in statements if f"FROM {table}" in sent[0]]
    return str(explain(database, statement, parameters))


def test_timeline_has_the_newest_events(
    interview_ids: list[str], people: People, database: Database, statements: list[tuple[str, Any]]
) -> None:
    statements.clear()
    timeline = people.candidate.ok("GET", f"/candidate/interviews/{interview_ids[0]}/timeline")
    assert (len(timeline["events"]), timeline["total"]) == (ROWS, ROWS + 5)
    ids = [event["id"] for event in timeline["events"]]
    assert ids == sorted(ids)
    assert {event["type"] for event in timeline["events"]} == {"interview.confirmed"}
    plan = plan_of(database, statements, "events")
    assert "ix_events_interview" in plan
    assert "SCAN events" not in plan.replace("SCAN events USING", "")
    assert "Seq Scan" not in plan


def test_timeline_of_a_few_events_is_whole(people: People) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    timeline = people.candidate.ok("GET", f"/candidate/interviews/{interview['interviewId']}/timeline")
    assert [event["type"] for event in timeline["events"]] == ["interview.scheduled"]
    assert timeline["total"] == 1


def test_timeline_without_events_is_empty(world: World, people: People, database: Database) -> None:
    application = next(item for item in world.content["applications"] if item["id"] == people.us_application_id)
    interview = world.interview(application)
    world.load()
    timeline = people.candidate.ok("GET", f"/candidate/interviews/{interview['id']}/timeline")
    assert timeline == {"events": [], "total": 0}


def test_notices_have_the_newest_deliveries_and_the_planned(
    interview_ids: list[str], people: People, database: Database, statements: list[tuple[str, Any]]
) -> None:
    path = f"/interviews/{interview_ids[0]}/notices"
    people.us.ok("GET", path)  # writes what is missing
    statements.clear()
    answer = people.us.ok("GET", path)
    plan = plan_of(database, [sent for sent in statements if "count(*)" in sent[0]], "deliveries")
    assert "ix_deliveries_interview" in plan
    assert len(answer["notices"]) == ROWS
    assert answer["total"] > ROWS + 5
    assert [notice["status"] for notice in answer["notices"][-2:]] == ["planned", "planned"]
    with database.reads.connection() as connection:
        oldest = connection.exec_driver_sql(f"SELECT min(id) FROM deliveries WHERE interview_id = '{interview_ids[0]}'")
        notice_id = oldest.scalar_one()
    assert str(notice_id) not in {notice["id"] for notice in answer["notices"]}
    assert people.us.refused("POST", f"{path}/{notice_id}/resend") == (400, "Notice cannot be resent")


@pytest.mark.parametrize(
    ("view", "status"), [("pending", InterviewStatus.PENDING), ("upcoming", InterviewStatus.CONFIRMED)]
)
def test_open_interviews_are_at_most_1000(view: str, status: InterviewStatus, world: World, people: People) -> None:
    application = next(item for item in world.content["applications"] if item["id"] == people.us_application_id)
    for number in range(ROWS + 3):
        start = f"2999-01-01T{number // 60:02}:{number % 60:02}:00.000Z"
        world.interview(application, status=status.value, scheduledDate=start)
    world.load()
    page = people.candidate.ok("GET", f"/candidate/interviews/{view}")
    assert (len(page["interviews"]), page["total"]) == (ROWS, ROWS + 3)
    assert page["interviews"][0]["scheduledDate"] == "2999-01-01T00:00:00.000Z"  # soonest first
    rest = people.candidate.ok("GET", f"/candidate/interviews/{view}?skip={ROWS}")
    assert (len(rest["interviews"]), rest["total"]) == (3, ROWS + 3)


def test_jobs_are_skipped_up_to_10000(people: People) -> None:
    assert people.us.ok("GET", "/jobs?skip=10000")["jobs"] == []
    refusal = (400, "skip: Must be a whole number from 0 to 10000.")
    assert people.us.refused("GET", "/jobs?skip=10001") == refusal
    assert people.us.refused("GET", "/jobs?skip=100000000000") == refusal
    assert people.candidate.ok("GET", "/candidate/interviews?skip=2147483647")["interviews"] == []

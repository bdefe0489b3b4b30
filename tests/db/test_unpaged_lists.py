"""Lists without a limit give 1,000 rows and the total of all, in one statement by an index."""

import re
from typing import Any

import pytest
from sqlalchemy import insert

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.db.types import Base
from interviews_api.events.models import Event
from interviews_api.interviews.models import InterviewStatus
from interviews_api.notifications.models import Delivery
from tests.support.api import invitation
from tests.support.factories import World
from tests.support.people import People
from tests.support.query_plans import explain

ROWS = 1000
OTHERS = 20_000  # rows of another interview: a database scans a smaller table


@pytest.fixture
def interview_ids(people: People) -> list[str]:
    """Return the ids of two interviews of the candidate, of which the first has a delivery."""
    first = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
    second = people.them.ok("POST", "/interviews/schedule", invitation(people.them_application_id))["interviewId"]
    people.us.ok("GET", f"/interviews/{first}/notices")  # the invitation's delivery
    return [first, second]


def add(database: Database, model: type[Base], interview_ids: list[str], **values: object) -> None:
    """Add 1,004 rows of the first interview and more of the second."""
    with database.engine.begin() as connection:
        for interview_id, count in zip(interview_ids, (ROWS + 4, OTHERS), strict=True):
            rows = [values | {"interview_id": interview_id} for _ in range(count)]
            if model is Delivery:
                rows = [row | {"key": f"{interview_id}-{number}"} for number, row in enumerate(rows)]
            connection.execute(insert(model), rows)
    with database.reads.connection() as connection:
        if connection.dialect.name == "postgresql":  # as autovacuum does
            connection.exec_driver_sql("VACUUM ANALYZE events, deliveries")


def plan_of(database: Database, statements: list[tuple[str, Any]], table: str) -> str:
    """Return the plan of the only statement that counts rows of the table, which must not scan it.

    Postgres may scan another table, because that has a few rows.
    """
    ((statement, parameters),) = [sent for sent in statements if f"FROM {table}" in sent[0] and "count(*)" in sent[0]]
    plan = str(explain(database, statement, parameters))
    assert not re.search(f"SCAN {table}|'Seq Scan'[^{{}}]*'Relation Name': '{table}'", plan), plan
    return plan


def test_timeline_has_the_newest_events(
    interview_ids: list[str], people: People, database: Database, statements: list[tuple[str, Any]]
) -> None:
    values = {"type": "interview.confirmed", "at": now(), "actor": "candidate", "revision": 0}
    add(database, Event, interview_ids, candidate_id="f" * 24, company_id="f" * 24, **values)
    statements.clear()
    timeline = people.candidate.ok("GET", f"/candidate/interviews/{interview_ids[0]}/timeline")
    assert (len(timeline["events"]), timeline["total"]) == (ROWS, ROWS + 5)
    ids = [event["id"] for event in timeline["events"]]
    assert ids == sorted(ids)
    assert {event["type"] for event in timeline["events"]} == {"interview.confirmed"}
    assert "ix_events_interview" in plan_of(database, statements, "events")


def test_timeline_of_a_few_events_is_whole(people: People) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    timeline = people.candidate.ok("GET", f"/candidate/interviews/{interview['interviewId']}/timeline")
    assert [event["type"] for event in timeline["events"]] == ["interview.scheduled"]
    assert timeline["total"] == 1


def test_timeline_without_events_is_empty(world: World, people: People) -> None:
    application = next(item for item in world.content["applications"] if item["id"] == people.us_application_id)
    interview = world.interview(application)
    world.load()
    timeline = people.candidate.ok("GET", f"/candidate/interviews/{interview['id']}/timeline")
    assert timeline == {"events": [], "total": 0}


def test_notices_have_the_newest_deliveries_and_the_planned(
    interview_ids: list[str], people: People, database: Database, statements: list[tuple[str, Any]]
) -> None:
    path = f"/interviews/{interview_ids[0]}/notices"
    oldest = people.us.ok("GET", path)["notices"][0]["id"]
    with database.reads.connection() as connection:
        event_id = connection.exec_driver_sql("SELECT min(id) FROM events").scalar_one()
    values = {"channel": "email", "recipient": "x", "status": "sent", "due_at": now(), "give_up_at": now()}
    add(database, Delivery, interview_ids, event_id=event_id, target_id="f" * 24, attempts=1, **values)
    statements.clear()
    answer = people.us.ok("GET", path)
    assert "ix_deliveries_interview" in plan_of(database, statements, "deliveries")
    assert (len(answer["notices"]), answer["total"]) == (ROWS, ROWS + 7)
    assert [notice["status"] for notice in answer["notices"][-3:]] == ["sent", "planned", "planned"]
    assert oldest not in {notice["id"] for notice in answer["notices"]}
    assert people.us.refused("POST", f"{path}/{oldest}/resend") == (400, "Notice cannot be resent")  # it is pending


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

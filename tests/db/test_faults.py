"""Faults at each statement and at COMMIT of each transition roll back, and a retry succeeds."""

from typing import Any

import pytest
from sqlalchemy import text

from interviews_api.db.connections import Database
from tests.support.api import Caller, in_days, invitation, local
from tests.support.database_rows import everything
from tests.support.faults import Fault
from tests.support.people import People
from tests.support.settings import BACKENDS

TRANSITIONS: list[tuple[str, str, Any]] = [
    ("us", "POST /interviews/schedule", None),
    ("us", "POST /jobs", {"title": "x"}),
    ("candidate", "POST /jobs/{job}/applications", None),
    ("us", "PUT /application-status/{application}/mark-seen", None),
    ("us", "PUT /interviews/{interview}/reschedule", local(in_days(9))),
    ("us", "PUT /interviews/{interview}/confirm", None),
    ("us", "PUT /interviews/{interview}/cancel", {"cancellationReason": "x"}),
    ("us", "PUT /interviews/{interview}/complete", {"isHired": True}),
    ("candidate", "PUT /candidate/interviews/{interview}/confirm", None),
    ("candidate", "PUT /candidate/interviews/{interview}/decline", None),
    ("candidate", "PUT /candidate/interviews/{interview}/request-reschedule", None),
]


@pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "k"}], ids=["without a key", "with a key"])
@pytest.mark.parametrize(("side", "route", "body"), TRANSITIONS, ids=[route for _, route, _ in TRANSITIONS])
def test_fault_at_any_statement_rolls_back(
    side: str, route: str, body: Any, key: dict[str, str], people: People, database: Database
) -> None:
    us: Caller = people.us
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, 20))
    job = us.ok("POST", "/jobs", {"title": "Baker"})
    method, path = route.split()
    path = path.format(interview=interview["interviewId"], application=people.us_application_id, job=job["id"])
    if path == "/interviews/schedule":
        body = invitation(people.us_application_id)
    before = everything(database)
    places = []
    for number in range(1, 30):
        with Fault(database.engine, number) as fault:
            response = people.caller(side).call(method, path, body, **key)
        if not fault.happened:
            break
        places.append(fault.happened.split()[0])
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1"), fault.happened
        assert everything(database) == before, fault.happened
        if places[-1] == "COMMIT":
            break
    if places == ["WITH"]:  # one statement on Postgres, which commits by itself, and has done so by now
        assert (side, method, response.status_code) == ("candidate", "PUT", 200)
    else:
        assert places[-1] == "COMMIT"
        assert len(places) >= (3 if database.engine.dialect.name == "sqlite" else 2)
        people.caller(side).ok(method, path, body, **key)
    assert everything(database) != before


_DISK_FULL = """
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = 'disk_full'; END $$
"""


@pytest.mark.parametrize("database_url", [BACKENDS[1]], indirect=True, scope="session")
@pytest.mark.parametrize("table", ["applications", "events"])
@pytest.mark.parametrize("when", ["INITIALLY IMMEDIATE", "INITIALLY DEFERRED"], ids=["within", "at its commit"])
@pytest.mark.parametrize(("side", "route", "body"), [move for move in TRANSITIONS if "{interview}" in move[1]])
def test_fault_within_the_combined_statement_rolls_back(
    side: str, route: str, body: Any, when: str, table: str, people: People, database: Database
) -> None:
    """Postgres fails within the combined statement or at its own commit."""
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, 20))
    method, path = route.format(interview=interview["interviewId"]).split()
    before = everything(database)
    with database.engine.begin() as connection:
        connection.execute(text(_DISK_FULL))
        connection.execute(
            text(
                f"CREATE CONSTRAINT TRIGGER fail AFTER INSERT OR UPDATE ON {table}"
                f" DEFERRABLE {when} FOR EACH ROW EXECUTE FUNCTION fail()"
            )
        )
    refused = people.caller(side).call(method, path, body)
    with database.engine.begin() as connection:
        connection.execute(text("DROP FUNCTION fail CASCADE"))
    follows = table == "events" or "request-reschedule" not in path
    assert refused.status_code == (503 if follows else 200)
    assert (everything(database) == before) is follows
    people.caller(side).ok(method, path, body)

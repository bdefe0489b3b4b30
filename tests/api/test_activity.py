"""`GET /auth/me/activity`, and the bound on failed sign-ins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from interviews_api.accounts.audit_models import SecurityEventType
from interviews_api.accounts.audit_repository import MAX_SIGN_INS_A_DAY
from interviews_api.db.connections import Database
from tests.support.api import PASSWORD, Caller
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.security_events import ACTIVITY, events
from tests.support.sessions import ACCOUNT, bearer, sign_in

LOGIN = "/auth/login"
WRONG = ACCOUNT | {"password": "wrong"}
FAILED = SecurityEventType.SIGN_IN_FAILED
NOON = datetime(2031, 5, 15, 12, tzinfo=UTC)


def fail(caller: Caller, address: str = "127.0.0.1", **changes: str) -> None:
    response = caller.client.post(LOGIN, json=WRONG | changes, environ_base={"REMOTE_ADDR": address})
    assert response.status_code == 401


def test_activity_is_paged_newest_first(ada_client: Caller) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(3):
            fail(ada_client)
            clock.shift(1)
        data = sign_in(ada_client)
        caller = bearer(ada_client, data["accessToken"])
        response = caller.call("GET", f"{ACTIVITY}?limit=2")
        rest = caller.ok("GET", f"{ACTIVITY}?limit=2&skip=2")
        beyond = caller.ok("GET", f"{ACTIVITY}?skip=9")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.get_json() == {
        "message": "Activity retrieved successfully",
        "data": {
            "events": [
                {"at": "2031-05-15T12:00:03.000Z", "type": "sign_in.succeeded", "by": "user",
                 "clientAddress": "127.0.0.0/24"},
                {"at": "2031-05-15T12:00:02.000Z", "type": "sign_in.failed", "by": "unknown",
                 "clientAddress": "127.0.0.0/24"},
            ],
            "total": 4,
        },
    }  # fmt: skip
    assert [event["at"][17:19] for event in rest["events"]] == ["01", "00"]
    assert (rest["total"], beyond) == (4, {"events": [], "total": 4})


def test_pages_of_events_of_one_moment_repeat_and_drop_nothing(
    ada_client: Caller, world: World, headers: Callable[..., dict[str, str]]
) -> None:
    """Events of the account and those that it caused are one list."""
    company = world.company()
    owner = world.company_user(company, email="owner@company.example", password=PASSWORD)
    member = world.company_user(company, role="member")
    world.load()
    with time_machine.travel(NOON, tick=False):
        session = ada_client.ok("POST", LOGIN, {"email": owner["email"], "password": PASSWORD})
        caller = bearer(ada_client, session["accessToken"])
        for role in ("owner", "member", "owner", "member"):
            caller.ok("PATCH", f"/auth/company/users/{member['id']}", {"role": role})
            caller.ok("POST", "/auth/company/users", {"email": "new@company.example"})
        whole = caller.ok("GET", f"{ACTIVITY}?limit=100")["events"]
        pages = [caller.ok("GET", f"{ACTIVITY}?limit=2&skip={skip}")["events"] for skip in range(0, 10, 2)]
    assert [event["type"] for page in pages for event in page] == [event["type"] for event in whole]
    types = sorted(event["type"] for event in whole)
    assert types == ["colleague.invited"] * 4 + ["colleague.role_changed"] * 4 + ["sign_in.succeeded"]
    assert {event["by"] for event in whole} == {"user"}


def test_activity_shows_nobody_elses_events(
    ada_client: Caller, world: World, headers: Callable[..., dict[str, str]]
) -> None:
    stranger = world.candidate()
    world.load()
    fail(ada_client)
    sign_in(ada_client)
    caller = Caller(ada_client.client, headers(stranger["id"]))
    assert caller.ok("GET", ACTIVITY) == {"events": [], "total": 0}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "skip=-1", "limit=1&limit=2"])
def test_wrong_page_is_refused(query: str, ada_client: Caller) -> None:
    caller = bearer(ada_client, sign_in(ada_client)["accessToken"])
    assert caller.refused("GET", f"{ACTIVITY}?{query}")[0] == 400


def test_signed_out_user_sees_no_activity(ada_client: Caller) -> None:
    caller = bearer(ada_client, sign_in(ada_client)["accessToken"])
    caller.ok("POST", "/auth/logout")
    assert caller.refused("GET", ACTIVITY) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("203.0.113.77:40000", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("[2001:db8:1:2::3]:443", "2001:db8:1::/48"),
        ("", None),
        ("not-an-address", None),
    ],
)
def test_client_address_is_stored_shortened(
    address: str, stored: str | None, ada_client: Caller, database: Database
) -> None:
    fail(ada_client, address)
    ada_client.client.post(LOGIN, json=ACCOUNT, environ_base={"REMOTE_ADDR": address})
    assert [row.client_address for row in events(database)] == [stored, stored]


def test_failed_sign_ins_have_twenty_rows_a_day_and_one_that_counts(ada_client: Caller, database: Database) -> None:
    midnight = NOON.replace(hour=0) + timedelta(days=1)
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(MAX_SIGN_INS_A_DAY + 5):
            fail(ada_client, f"203.0.{number}.1")
            clock.shift(1)
        rows = events(database, FAILED)
        assert [row.occurrences for row in rows] == [1] * MAX_SIGN_INS_A_DAY + [5]
        assert rows[-1].client_address == "203.0.24.0/24"
        assert rows[-1].at == NOON + timedelta(seconds=24)
        assert rows[-1].expires_at == rows[-1].at + timedelta(days=180)
        clock.move_to(midnight - timedelta(milliseconds=1))
        fail(ada_client)
        clock.move_to(midnight)
        fail(ada_client)
    assert [row.occurrences for row in events(database, FAILED)] == [1] * MAX_SIGN_INS_A_DAY + [6, 1]


def test_simultaneous_failures_are_counted_right(app: Flask, ada_client: Caller, database: Database) -> None:
    number = MAX_SIGN_INS_A_DAY + 8
    with time_machine.travel(NOON, tick=True), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fail(Caller(app.test_client(), {})), range(number)))
    rows = events(database, FAILED)
    assert len(rows) == MAX_SIGN_INS_A_DAY + 1
    assert sum(row.occurrences for row in rows) == number


def test_other_events_are_not_bounded(ada_client: Caller, database: Database) -> None:
    """A password that is right leaves a row, whatever a stranger tried before."""
    for _ in range(MAX_SIGN_INS_A_DAY + 2):
        fail(ada_client)
    sign_in(ada_client)
    assert len(events(database, SecurityEventType.SIGNED_IN)) == 1


def test_unknown_address_leaves_no_row_and_runs_the_same_statements(
    ada_client: Caller, database: Database, statements: list[tuple[str, Any]]
) -> None:
    def sent(email: str) -> list[str]:
        statements.clear()
        fail(ada_client, email=email)
        return [statement for statement, _ in statements]

    before = everything(database)
    for_unknown = sent("planted-canary@example.com")
    assert everything(database) == before
    for number in range(MAX_SIGN_INS_A_DAY + 2):
        for_known = sent(ACCOUNT["email"])
        if number < MAX_SIGN_INS_A_DAY:
            assert for_known == for_unknown
        assert len(for_known) == len(for_unknown)
    sent("planted-canary@example.com")
    assert "canary" not in str(everything(database))


def test_account_without_a_password_records_failures(client: FlaskClient, world: World, database: Database) -> None:
    candidate = world.candidate(email="no-password@example.com")
    world.load()
    fail(Caller(client, {}), email="no-password@example.com")
    assert [row.user_id for row in events(database, FAILED)] == [candidate["id"]]


def test_refused_attempt_over_the_limit_records_nothing(
    make_limited: Callable[..., FlaskClient], world: World, database: Database
) -> None:
    world.candidate(**ACCOUNT)
    world.load()
    limited = make_limited(LIMITS="login_account_address=2/300")
    assert [limited.post(LOGIN, json=WRONG).status_code for _ in range(4)] == [401, 401, 429, 429]
    assert len(events(database, FAILED)) == 2


def test_sign_ins_have_twenty_rows_a_day_and_one_that_counts(ada_client: Caller, database: Database) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(MAX_SIGN_INS_A_DAY + 3):
            sign_in(ada_client)
            clock.shift(1)
    rows = events(database, SecurityEventType.SIGNED_IN)
    assert [row.occurrences for row in rows] == [1] * MAX_SIGN_INS_A_DAY + [3]

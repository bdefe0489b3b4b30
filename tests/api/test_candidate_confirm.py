"""Confirmation by the candidate: once, by the owner, with refusals in order."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from interviews_api.accounts.models import Role
from interviews_api.db.connections import Database
from tests.support.database_rows import stored
from tests.support.factories import World
from tests.support.tokens import Headers

INTERVIEW = "641a5f123456789012345678"
PATH = f"/candidate/interviews/{INTERVIEW}/confirm"


@pytest.mark.parametrize("status", ["confirmed", "completed", "annule"])
def test_only_a_pending_interview_can_be_confirmed(
    status: str, client: FlaskClient, world: World, headers: Callable[..., Headers], database: Database
) -> None:
    me = world.candidate_with({"id": INTERVIEW, "status": status, "scheduledDate": "2999-01-01T09:00:00.000Z"})
    world.load()
    before = stored(database)
    response = client.put(PATH, headers=headers(me["id"]))
    assert (response.status_code, response.json) == (
        400,
        {"statusCode": 400, "message": "Interview is no longer pending confirmation", "error": "Bad Request"},
    )
    assert stored(database) == before


def test_pending_interview_of_the_past_can_be_confirmed(
    client: FlaskClient, world: World, headers: Callable[..., Headers]
) -> None:
    me = world.candidate_with({"id": INTERVIEW, "scheduledDate": "2001-01-01T09:00:00.000Z"})
    world.load()
    assert client.put(PATH, headers=headers(me["id"])).status_code == 200


def test_confirm_changes_only_status_and_confirmed_at(
    client: FlaskClient, world: World, headers: Callable[..., Headers]
) -> None:
    me = world.candidate_with({"id": INTERVIEW, "notes": "Bring a pen"}, {})
    world.load()
    authorization = headers(me["id"])
    before = client.get("/candidate/interviews", headers=authorization).get_json()["data"]["interviews"]
    confirmed = client.put(PATH, headers=authorization, json={}).get_json()["data"]
    after = client.get("/candidate/interviews", headers=authorization).get_json()["data"]["interviews"]
    for interview in before:
        if interview["interviewId"] == INTERVIEW:
            interview |= {"status": "confirmed", "confirmedAt": confirmed["confirmedAt"]}
    assert after == before


REFUSALS = [
    ("nobody", 401, "Unauthorized"),
    ("deleted", 401, "Unauthorized"),
    ("deleted company", 401, "Unauthorized"),
    ("company", 403, "Candidate credentials required"),
    ("me, absent id", 404, "Interview not found"),
    ("me, malformed id", 404, "Interview not found"),
    ("stranger", 403, "This interview does not belong to you"),
    ("me", 400, "x: Unknown field."),
]


@pytest.mark.parametrize(("caller", "status", "message"), REFUSALS)
def test_confirm_refusals_come_in_order(
    caller: str, status: int, message: str, client: FlaskClient, world: World, headers: Callable[..., Headers]
) -> None:
    """The body is invalid and the interview cancelled in each case; both are reported last."""
    me = world.candidate_with({"id": INTERVIEW, "status": "annule"})
    company_user = world.company_user(world.company())
    stranger = world.candidate()
    world.load()
    nobody = "f" * 24
    as_whom = {
        "nobody": {},
        "deleted": headers(nobody),
        "deleted company": headers(nobody, Role.COMPANY),
        "company": headers(company_user["id"], Role.COMPANY),
        "stranger": headers(stranger["id"]),
    }
    path = {"me, absent id": PATH.replace(INTERVIEW, "e" * 24), "me, malformed id": PATH.replace(INTERVIEW, "nope")}
    response = client.put(path.get(caller, PATH), headers=as_whom.get(caller, headers(me["id"])), json={"x": 1})
    assert response.status_code == status
    assert response.get_json()["message"] == message


@pytest.mark.parametrize(
    ("method", "suffix", "caller", "status"),
    [
        ("GET", "?limit=x", "deleted", 401),
        ("GET", "?limit=x", "company", 403),
        ("GET", "/pending?limit=x", "deleted", 401),
        ("GET", "/history?skip=x", "deleted", 401),
        ("GET", f"/{INTERVIEW}", "deleted", 401),
        ("GET", "/nope", "deleted", 401),
        ("GET", "/nope", "me", 404),
        ("GET", f"/{INTERVIEW.upper().replace('6', 'A')}", "me", 404),
        ("GET", "/%00", "me", 404),
        ("GET", "/%F0%9F%92%A9%ff", "me", 404),
        ("GET", f"/{INTERVIEW}%0A", "me", 404),
        ("GET", "/" + "9" * 4000, "me", 404),
    ],
)
def test_read_refusals_come_in_order(
    method: str,
    suffix: str,
    caller: str,
    status: int,
    client: FlaskClient,
    world: World,
    headers: Callable[..., Headers],
) -> None:
    me = world.candidate_with({"id": INTERVIEW})
    company_user = world.company_user(world.company())
    world.load()
    token = {
        "me": headers(me["id"]),
        "deleted": headers("f" * 24),
        "company": headers(company_user["id"], Role.COMPANY),
    }[caller]
    response = client.open(f"/candidate/interviews{suffix}", method=method, headers=token)
    assert response.status_code == status
    if status == 404:
        assert response.get_json()["message"] == "Interview not found"

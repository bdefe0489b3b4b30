"""Seed files and commands whose addresses a stranger has registered, and nobody has verified."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from interviews_api.db.connections import Database
from interviews_api.errors import SeedRefused
from interviews_api.seed.load import load_world
from tests.support.accounts import ADA, LUMEN, bearer, forget_verification, rows
from tests.support.api import PASSWORD, Caller
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.people import People

CANDIDATE, COMPANY = "/auth/register/candidate", "/auth/register/company"
AS_COMPANY = LUMEN | {"email": ADA["email"]}
OWN_PASSWORD = "the-owner's-own"  # for the tests
TAKEN = "Email is already registered."
CREATE_CANDIDATE = ["users", "create-candidate", "--first-name", "Ada", "--last-name", "Okafor"]
CREATE_COMPANY = ["users", "create-company", "--name", "Lumen"]


@pytest.fixture
def stranger(verifying_app: Flask) -> Caller:
    return Caller(verifying_app.test_client(), {})


def load(app: Flask, content: dict[str, Any]) -> None:
    with app.app_context():
        load_world(content)


def check_refused(app: Flask, content: dict[str, Any], database: Database, place: str) -> None:
    before = everything(database)
    with pytest.raises(SeedRefused) as refusal:
        load(app, content)
    assert refusal.value.problems == [f"{place}.email: {TAKEN}"]
    assert everything(database) == before


@pytest.mark.parametrize(("route", "body"), [(CANDIDATE, ADA), (COMPANY, AS_COMPANY)])
@pytest.mark.parametrize("array", ["candidates", "company_users"])
def test_import_replaces_unverified_accounts(
    route: str, body: Any, array: str, verifying_app: Flask, stranger: Caller, world: World, database: Database
) -> None:
    account = bearer(stranger.client, stranger.ok("POST", route, body))
    emails = {"email": "ADA@example.com", "password": OWN_PASSWORD}
    record = world.candidate(**emails) if array == "candidates" else world.company_user(world.company(), **emails)
    world.candidate(email="grace@example.com")
    load(verifying_app, world.content)
    assert account.refused("GET", "/auth/me") == (401, "Unauthorized")
    stranger.refused("POST", "/auth/login", {"email": ADA["email"], "password": PASSWORD})
    user = stranger.ok("POST", "/auth/login", {"email": ADA["email"], "password": OWN_PASSWORD})["user"]
    assert (user["id"], user["emailVerified"]) == (record["id"], True)
    assert rows(database) == ([2, 2, 0, 0] if array == "candidates" else [2, 1, 1, 1])
    stored = everything(database)
    assert (stored["email_verifications"], stored["account_mails"]) == ([], [])
    load(verifying_app, world.content)
    assert rows(database)[0] == 2


@pytest.mark.parametrize("command", [CREATE_CANDIDATE, CREATE_COMPANY])
def test_commands_replace_unverified_accounts(
    command: list[str], verifying_app: Flask, stranger: Caller, database: Database
) -> None:
    stranger.ok("POST", CANDIDATE, ADA)
    arguments = [*command, "--email", "ada@example.com", "--password", OWN_PASSWORD]
    result = verifying_app.test_cli_runner().invoke(args=arguments)
    assert (result.exit_code, rows(database)[0]) == (0, 1), result.output
    again = verifying_app.test_cli_runner().invoke(args=arguments)
    assert (again.exit_code, TAKEN in again.output) == (1, True)


def test_verified_account_is_not_replaced(verifying_app: Flask, world: World, database: Database) -> None:
    world.candidate(email="ada@example.com")
    world.load()
    other = {"id": "f" * 24, "email": "ADA@example.com", "firstName": "A", "lastName": "B"}
    check_refused(verifying_app, {"candidates": [other]}, database, "candidates[0]")


def test_unverified_account_is_not_replaced_where_none_must_be_verified(
    app: Flask, client: FlaskClient, world: World, database: Database
) -> None:
    Caller(client, {}).ok("POST", CANDIDATE, ADA)
    world.candidate(email="ada@example.com")
    check_refused(app, world.content, database, "candidates[0]")


def test_account_with_an_application_is_not_replaced(
    verifying_app: Flask, people: People, anonymous: Caller, stranger: Caller, database: Database
) -> None:
    account = bearer(anonymous.client, anonymous.ok("POST", CANDIDATE, ADA))
    job = people.us.ok("POST", "/jobs", {"title": "Baker"})
    account.ok("POST", f"/jobs/{job['id']}/applications")
    stranger.ok("POST", CANDIDATE, ADA | {"email": "grace@example.com"})
    names = {"firstName": "A", "lastName": "B"}
    emails = ("grace@example.com", "ada@example.com")
    records = [{"id": str(number) * 24, "email": email, **names} for number, email in enumerate(emails)]
    check_refused(verifying_app, {"candidates": records}, database, "candidates[1]")


def test_only_owner_is_not_replaced(verifying_app: Flask, world: World, database: Database) -> None:
    company = world.company()
    world.company_user(company, email="owner@x.example")
    world.company_user(company, email="member@x.example", role="member")
    world.load()
    for email in ("owner@x.example", "member@x.example"):
        forget_verification(database, email)
    names = {"firstName": "A", "lastName": "B"}
    for number, email in enumerate(("owner@x.example", "member@x.example")):
        content = {"candidates": [{"id": str(number) * 24, "email": email, **names}]}
        if email.startswith("owner"):
            check_refused(verifying_app, content, database, "candidates[0]")
        else:
            load(verifying_app, content)
    assert rows(database) == [2, 1, 1, 1]


def test_import_updates_an_unverified_account_by_its_id(
    verifying_app: Flask, stranger: Caller, database: Database
) -> None:
    account = stranger.ok("POST", CANDIDATE, ADA)["user"]
    names = {"firstName": "Grace", "lastName": "Hopper"}
    load(verifying_app, {"candidates": [{"id": account["id"], "email": ADA["email"], **names}]})
    assert [person.id for person in everything(database)["candidates"]] == [account["id"]]


def test_account_in_the_file_keeps_its_address(verifying_app: Flask, stranger: Caller, database: Database) -> None:
    account = stranger.ok("POST", CANDIDATE, ADA)["user"]
    names = {"firstName": "A", "lastName": "B"}
    records = [
        {"id": account["id"], "email": "new@x.example", **names},
        {"id": "f" * 24, "email": ADA["email"], **names},
    ]
    check_refused(verifying_app, {"candidates": records}, database, "candidates[1]")

"""Owners and members of a company, and what the owners are told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from interviews_api.accounts.models import AccountMail, CompanyUser, Invitation, Role
from interviews_api.clock import now
from interviews_api.db.connections import Database
from tests.support.api import PASSWORD, Caller
from tests.support.database_rows import everything
from tests.support.factories import World

USERS = "/auth/company/users"
NO_OWNER = (400, "A company needs an owner")


class Team:
    """A company with two owners and a member, by name, with their callers."""

    def __init__(self, app: Flask, world: World, headers: Callable[..., dict[str, str]]) -> None:
        company = world.company(name="Lumen")
        roles = {"ann": "owner", "bob": "owner", "mia": "member"}
        users = {
            name: world.company_user(company, email=f"{name}@lumen.example", role=role) for name, role in roles.items()
        }
        world.load()
        self.paths = {name: f"{USERS}/{user['id']}" for name, user in users.items()}
        self.callers = {
            name: Caller(app.test_client(), headers(user["id"], Role.COMPANY)) for name, user in users.items()
        }

    def roles(self) -> dict[str, str]:
        listed = self.callers["ann"].ok("GET", USERS)["users"]
        return {user["email"].partition("@")[0]: user["companyRole"] for user in listed}


@pytest.fixture
def team(app: Flask, world: World, headers: Callable[..., dict[str, str]]) -> Team:
    return Team(app, world, headers)


def mails(database: Database) -> list[tuple[str, str, str, str]]:
    """Return each mail about colleagues: recipient, person, change and webhooks."""
    with database.reads.connection() as connection:
        rows = connection.execute(select(AccountMail).order_by(AccountMail.email, AccountMail.id)).all()
    assert {row.kind for row in rows} <= {"colleague_changed"}
    return [(row.email, *(row.details[name] for name in ("person", "change", "webhooks"))) for row in rows]


def test_owner_changes_roles_and_all_owners_are_told(team: Team, database: Database) -> None:
    ann, mia = team.callers["ann"], team.callers["mia"]
    response = ann.call("PATCH", team.paths["mia"], {"role": "owner"})
    assert (response.status_code, response.get_json()["message"]) == (200, "Company user updated successfully")
    user = response.get_json()["data"]["user"]
    assert user == {
        "id": team.paths["mia"].rpartition("/")[2], "email": "mia@lumen.example", "role": "company",
        "company": user["company"], "companyRole": "owner", "emailVerified": True,
    }  # fmt: skip
    mia.ok("GET", "/webhooks")
    told = [(f"{name}@lumen.example", "mia@lumen.example", "owner", "") for name in ("ann", "bob", "mia")]
    assert mails(database) == told
    ann.ok("PATCH", team.paths["mia"], {"role": "owner"})
    assert mails(database) == told, "nothing has changed"
    ann.ok("PATCH", team.paths["ann"], {"role": "member"})
    assert ann.refused("PATCH", team.paths["ann"], {"role": "owner"}) == (403, "Owner rights required")
    assert team.roles() == {"ann": "member", "bob": "owner", "mia": "owner"}
    demoted = [mail for mail in mails(database) if mail[2] == "member"]
    assert [mail[0].partition("@")[0] for mail in demoted] == ["ann", "bob", "mia"], "the former owner too"


def test_company_keeps_an_owner(team: Team, database: Database) -> None:
    ann, bob = team.callers["ann"], team.callers["bob"]
    ann.ok("PATCH", team.paths["bob"], {"role": "member"})
    before = everything(database)
    assert ann.refused("PATCH", team.paths["ann"], {"role": "member"}) == NO_OWNER
    assert ann.refused("DELETE", team.paths["ann"]) == (400, "You cannot remove yourself")
    assert bob.refused("DELETE", team.paths["ann"]) == (403, "Owner rights required")
    assert everything(database) == before
    for body in ({}, {"role": "admin"}, {"role": None}, {"role": "owner", "email": "x@y.example"}):
        assert ann.refused("PATCH", team.paths["bob"], body)[0] == 400, body


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_two_owners_cannot_unseat_each_other(method: str, team: Team, database: Database) -> None:
    barrier = Barrier(2)

    def unseat(by: str, other: str) -> tuple[int, Any]:
        barrier.wait()
        response = team.callers[by].call(method, team.paths[other], {"role": "member"} if method == "PATCH" else None)
        return response.status_code, response.get_json()["message"]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(unseat, ("ann", "bob"), ("bob", "ann")))
    late = {"PATCH": (403, "Owner rights required"), "DELETE": (401, "Unauthorized")}[method]
    assert sorted(answers)[0][0] == 200
    assert sorted(answers)[1] == late
    with database.reads.connection() as connection:
        roles = connection.execute(select(CompanyUser.role)).scalars()
        assert list(roles).count("owner") == 1


def test_owners_are_told_what_a_removed_colleague_had_set_up(team: Team, database: Database) -> None:
    for number in range(2):
        team.callers["bob"].ok("POST", "/webhooks", {"url": f"https://nobody.invalid/{number}"})
    team.callers["ann"].ok("POST", "/webhooks", {"url": "https://nobody.invalid/ann"})
    team.callers["ann"].ok("DELETE", team.paths["bob"])
    webhooks = "https://nobody.invalid/0, https://nobody.invalid/1"
    change = ("bob@lumen.example", "removed", webhooks)
    assert mails(database) == [("ann@lumen.example", *change), ("bob@lumen.example", *change)]
    assert team.callers["ann"].ok("GET", "/webhooks")["total"] == 3


@pytest.mark.parametrize("change", ["address", "secret"])
def test_owners_are_told_which_webhooks_a_removed_colleague_had_changed(
    change: str, team: Team, database: Database
) -> None:
    url = "https://nobody.invalid/ann"
    path = f"/webhooks/{team.callers['ann'].ok('POST', '/webhooks', {'url': url})['id']}"
    if change == "address":
        url = "https://nobody.invalid/bob"
        team.callers["bob"].ok("PATCH", path, {"url": url})
    else:
        team.callers["bob"].ok("POST", f"{path}/rotate-secret")
    team.callers["bob"].ok("PATCH", path, {"events": ["interview.confirmed"]})
    team.callers["ann"].ok("DELETE", team.paths["bob"])
    assert {webhooks for *_, webhooks in mails(database)} == {url}


def test_new_colleague_is_a_member(team: Team, client: FlaskClient, database: Database) -> None:
    body = {"email": "new@lumen.example", "password": PASSWORD}
    team.callers["ann"].ok("POST", USERS, body)
    assert team.roles()["new"] == "member"
    change = ("new@lumen.example", "added", "")
    assert mails(database) == [("ann@lumen.example", *change), ("bob@lumen.example", *change)]
    account = client.post("/auth/login", json=body).get_json()["data"]
    newcomer = Caller(client, {"Authorization": f"Bearer {account['accessToken']}"})
    assert newcomer.refused("DELETE", team.paths["ann"]) == (403, "Owner rights required")


def test_registered_company_has_an_owner(anonymous: Caller) -> None:
    body = {"email": "hr@x.example", "password": PASSWORD, "company": {"name": "X"}}
    account = anonymous.ok("POST", "/auth/register/company", body)
    caller = Caller(anonymous.client, {"Authorization": f"Bearer {account['accessToken']}"})
    assert caller.ok("GET", USERS)["users"] == [account["user"] | {"companyRole": "owner"}]


def add_members(world: World, owner: Caller, number: int) -> None:
    """Load so many members into the owner's company."""
    company_id = owner.ok("GET", "/auth/me")["user"]["company"]["id"]
    for _ in range(number):
        world.company_user({"id": company_id}, role="member")
    world.load()


def test_company_has_at_most_two_hundred_users_and_open_invitations(
    team: Team, world: World, database: Database
) -> None:
    """Rate limits are off: this bound always holds."""
    ann, full = team.callers["ann"], (409, "A company may have at most 200 users")
    add_members(world, ann, 195)
    for name in ("first", "second"):
        ann.ok("POST", USERS, {"email": f"{name}@lumen.example"})
    before = everything(database)
    assert ann.refused("POST", USERS, {"email": "third@lumen.example"}) == full
    assert ann.refused("POST", USERS, {"email": "third@lumen.example", "password": PASSWORD}) == full
    assert everything(database) == before
    ann.ok("POST", USERS, {"email": "first@lumen.example"})  # replaces its invitation
    ann.ok("DELETE", team.paths["mia"])
    ann.ok("POST", USERS, {"email": "third@lumen.example", "password": PASSWORD})
    assert ann.refused("POST", USERS, {"email": "fourth@lumen.example"}) == full
    with database.engine.begin() as connection:
        connection.execute(update(Invitation).values(expires_at=now()))
    ann.ok("POST", USERS, {"email": "fourth@lumen.example"})


def test_invitations_of_a_former_owner_do_not_count(team: Team, world: World, database: Database) -> None:
    """Neither while the inviter is a member, nor as an owner again: the bound would not hold."""
    ann, bob = team.callers["ann"], team.callers["bob"]
    add_members(world, ann, 195)
    for name in ("first", "second"):
        bob.ok("POST", USERS, {"email": f"{name}@lumen.example"})
    ann.ok("PATCH", team.paths["bob"], {"role": "member"})
    for name in ("third", "fourth"):
        ann.ok("POST", USERS, {"email": f"{name}@lumen.example"})
    ann.ok("PATCH", team.paths["bob"], {"role": "owner"})
    assert ann.refused("POST", USERS, {"email": "fifth@lumen.example"})[0] == 409
    assert sorted(row.email for row in everything(database)["invitations"]) == [
        "fourth@lumen.example",
        "third@lumen.example",
    ]


def test_simultaneous_invitations_keep_the_bound(team: Team, world: World, app: Flask) -> None:
    ann = team.callers["ann"]
    add_members(world, ann, 196)

    def invite(number: int) -> int:
        caller = Caller(app.test_client(), ann.headers)
        return caller.call("POST", USERS, {"email": f"new{number}@lumen.example"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(invite, range(4))) == [202, 409, 409, 409]

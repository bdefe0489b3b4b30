"""Invitations of colleagues: the same answer for all addresses, and a link that opens one account once."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from interviews_api.accounts.mailed_links import INVITATION_LINK, RESET_LINK
from interviews_api.accounts.models import AccountMail, Invitation, Role, User
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.models import Channel, Delivery
from tests.support.api import PASSWORD, Caller
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.fixtures import MakeLimited
from tests.support.receivers import wait_for, working
from tests.support.settings import SECRETS
from tests.support.timing import assert_equal_times

USERS, NEW = "/auth/company/users", "new@lumen.example"
INVALID = (400, "Invalid invitation")
FORM = "application/x-www-form-urlencoded"
PUBLIC_ORIGIN = "http://127.0.0.1:8000"


class Company:
    """A company with two owners, by name, and their callers."""

    def __init__(self, app: Flask, world: World, headers: Callable[..., dict[str, str]]) -> None:
        company = world.company(name="Lumen <Works>")
        ids = {name: world.company_user(company, email=f"{name}@lumen.example")["id"] for name in ("ann", "bob")}
        world.candidate(email="known@example.com")
        world.load()
        self.ann, self.bob = (Caller(app.test_client(), headers(id_, Role.COMPANY)) for id_ in ids.values())
        self.ann_path, self.bob_path = (f"{USERS}/{id_}" for id_ in ids.values())


@pytest.fixture
def company(app: Flask, world: World, headers: Callable[..., dict[str, str]]) -> Company:
    return Company(app, world, headers)


def paths(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        ids = connection.execute(select(Invitation.id).order_by(Invitation.created_at, Invitation.id)).scalars()
        return [f"/auth/invitations/{INVITATION_LINK.token(SECRETS['SECRET_KEY'], id_)}" for id_ in ids]


def invite(company: Company, database: Database, email: str = NEW) -> str:
    assert company.ann.ok("POST", USERS, {"email": email}) == {}
    return paths(database)[-1]


def post_form(client: FlaskClient, path: str, fields: Any, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, data=fields, content_type=FORM, headers={"Accept": "text/html"} | named)


def test_mailed_link_makes_a_colleague_once(
    app: Flask, company: Company, anonymous: Caller, database: Database, mail_settings: Settings
) -> None:
    response = company.ann.call("POST", USERS, {"email": f" {NEW} "})
    assert (response.status_code, response.get_json()) == (202, {"message": "Invitation sent", "data": {}})
    sent: list[Any] = []
    with working(app, {Channel.EMAIL: lambda user, context: sent.append(compose(mail_settings, user, context))}):
        wait_for(lambda: sent)
    assert sent[0]["To"] == NEW
    text = sent[0].get_body(("plain",)).get_content()
    assert "ann@lumen.example invites you to act for Lumen <Works>" in text
    (path,) = re.findall(r"http://127.0.0.1:8000(/auth/invitations/\S+)", text)
    assert company.ann.ok("GET", USERS)["total"] == 2, "the address is not taken yet"
    shown = anonymous.call("GET", path, Accept="application/json")
    assert shown.get_json()["message"] == "Invitation retrieved successfully"
    details = shown.get_json()["data"]
    assert details == details | {"email": NEW, "invitedBy": "ann@lumen.example"}
    assert details.keys() == {"email", "company", "invitedBy", "expiresAt"}
    assert details["company"]["name"] == "Lumen <Works>"
    answer = anonymous.call("POST", path, {"password": PASSWORD})
    assert (answer.status_code, answer.get_json()["message"]) == (200, "Logged in successfully")
    session = answer.get_json()["data"]
    login = anonymous.ok("POST", "/auth/login", {"email": NEW, "password": PASSWORD})
    assert session.keys() == login.keys()
    assert session["user"] == login["user"]
    newcomer = Caller(anonymous.client, {"Authorization": f"Bearer {session['accessToken']}"})
    assert newcomer.refused("POST", USERS, {"email": "x@y.example"}) == (403, "Owner rights required")
    assert newcomer.ok("GET", USERS)["users"][-1]["companyRole"] == "member"
    for method in ("GET", "POST"):
        body = {"password": PASSWORD} if method == "POST" else None
        assert anonymous.refused(method, path, body, Accept="application/json") == INVALID
    with database.reads.connection() as connection:
        assert connection.execute(select(User.email_verified_at).where(User.email == NEW)).scalar_one() is not None
        told = select(AccountMail.email, AccountMail.details).where(AccountMail.kind == "colleague_changed")
        mails = [(row.email, row.details["person"], row.details["change"]) for row in connection.execute(told)]
    assert sorted(mails) == [(f"{name}@lumen.example", NEW, "joined") for name in ("ann", "bob")]


def test_invitation_does_not_reveal_registered_addresses(company: Company, database: Database) -> None:
    def invite_one(email: str) -> tuple[int, str]:
        response = company.ann.call("POST", USERS, {"email": email})
        assert response.headers.pop("X-Request-Id")
        return response.status_code, f"{response.headers}{response.text}"

    emails = ("known@example.com", "bob@lumen.example", "unknown@example.com")
    answers = assert_equal_times(*(partial(invite_one, email) for email in emails), rounds=15)
    assert len(set(answers)) == 1
    assert len(paths(database)) == 3, "a new invitation ends the company's earlier one"


def test_invitation_of_a_registered_address_opens_nothing(
    company: Company, anonymous: Caller, database: Database
) -> None:
    path = invite(company, database, "known@example.com")
    before = everything(database)
    assert anonymous.refused("POST", path, {"password": PASSWORD}) == (409, "Email is already registered")
    assert everything(database) == before


def test_invitation_leaves_the_address_free(company: Company, anonymous: Caller, database: Database) -> None:
    path = invite(company, database)
    person = {"email": NEW, "password": PASSWORD, "firstName": "N", "lastName": "O"}
    anonymous.ok("POST", "/auth/register/candidate", person)
    assert anonymous.refused("POST", path, {"password": PASSWORD}) == (409, "Email is already registered")


def test_invitation_ends(company: Company, anonymous: Caller, database: Database) -> None:
    def is_refused(path: str) -> bool:
        shown = anonymous.call("GET", path, Accept="application/json").status_code
        return {shown, anonymous.call("POST", path, {"password": PASSWORD}).status_code} == {400}

    path = invite(company, database)
    reset = RESET_LINK.token(SECRETS["SECRET_KEY"], "f" * 24)
    for forged in (path[:-1], path + "A", f"{path}.x", f"/auth/invitations/{reset}", "/auth/invitations/%00"):
        assert is_refused(forged), forged
    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, seconds=1)):
        assert is_refused(path)
    assert not is_refused(invite(company, database))
    assert is_refused(path), "a newer one was sent"

    second = invite(company, database, "second@lumen.example")
    company.bob.ok("PATCH", company.ann_path, {"role": "member"})
    assert is_refused(second), "the inviter is no owner"
    company.bob.ok("PATCH", company.ann_path, {"role": "owner"})
    company.bob.ok("DELETE", company.ann_path)
    assert is_refused(second), "the inviter is gone"


def test_new_password_ends_the_invitations_of_the_owner(
    app: Flask, company: Company, anonymous: Caller, world: World, database: Database
) -> None:
    """An attacker who had the owner's account for a minute invited an accomplice."""
    account = {"email": "hr@x.example", "password": PASSWORD}
    owner = anonymous.ok("POST", "/auth/register/company", account | {"company": {"name": "X"}})
    caller = Caller(anonymous.client, {"Authorization": f"Bearer {owner['accessToken']}"})
    caller.ok("POST", USERS, {"email": "accomplice@x.example"})
    (path,) = paths(database)
    caller.ok("PUT", "/auth/password", {"currentPassword": PASSWORD, "newPassword": "another-password"})
    assert anonymous.refused("POST", path, {"password": PASSWORD}) == INVALID
    sent: list[Any] = []
    with working(app, {Channel.EMAIL: lambda user, _context: sent.append(user["email"])}):
        wait_for(lambda: sorted(statuses(database)) == ["sent", "suppressed"])
    assert sent == ["hr@x.example"], "only the mail about the new password"


def statuses(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery.status)).scalars())


def test_invitation_is_used_once_by_many_at_once(app: Flask, company: Company, database: Database) -> None:
    path = invite(company, database)
    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(lambda _: app.test_client().post(path, json={"password": PASSWORD}), range(4)))
    answers = sorted((response.status_code, response.get_json()["message"]) for response in responses)
    assert answers == [(200, "Logged in successfully"), *[INVALID] * 3]


def test_password_of_an_invitation_is_judged(company: Company, anonymous: Caller, database: Database) -> None:
    path = invite(company, database)
    before = everything(database)
    for body in ({}, {"password": "short"}, {"password": "password123"}, {"password": NEW}, {"password": "x" * 129}):
        response = anonymous.call("POST", path, body)
        assert (response.status_code, list(response.get_json()["details"])) == (400, ["password"]), body
    assert anonymous.refused("POST", path[:-1], {})[1] == "Invalid invitation", "before the body is judged"
    assert everything(database) == before
    assert company.ann.refused("POST", USERS, {"email": "nobody"})[0] == 400


def test_form_of_the_page_makes_a_colleague(company: Company, client: FlaskClient, database: Database) -> None:
    path = invite(company, database)
    page = client.get(path)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "Lumen &lt;Works&gt;" in page.text
    assert '<form method="post">' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'" in policy
    assert "script" not in policy + page.text
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    weak = post_form(client, path, {"password": "password123"}, Sec_Fetch_Site="same-origin")
    assert (weak.status_code, weak.mimetype) == (400, "text/html")
    joined = post_form(client, path, {"password": "with a blank & ü+"}, Sec_Fetch_Site="same-origin")
    assert (joined.status_code, joined.mimetype) == (200, "text/html")
    assert "You have joined" in joined.text
    assert joined.headers["Cache-Control"] == "no-store"
    login = {"email": NEW, "password": "with a blank & ü+"}
    assert client.post("/auth/login", json=login).status_code == 200
    again = client.get(path)
    assert (again.status_code, again.mimetype, again.headers["Cache-Control"]) == (400, "text/html", "no-store")


@pytest.mark.parametrize("sent", [
    {}, {"Origin": "null"}, {"Origin": "https://evil.example"}, {"Origin": PUBLIC_ORIGIN + ".evil.example"},
    {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Sec_Fetch_Site": "none"},
    {"Sec_Fetch_Site": ""}, {"Sec_Fetch_Site": "cross-site", "Origin": PUBLIC_ORIGIN},
    {"Origin": "http://localhost", "Host": "localhost"},
])  # fmt: skip
def test_form_of_another_site_is_refused(
    sent: dict[str, str], company: Company, client: FlaskClient, database: Database
) -> None:
    path = invite(company, database)
    before = everything(database)
    response = post_form(client, path, {"password": PASSWORD}, **sent)
    assert (response.status_code, response.mimetype) == (403, "text/html")
    assert everything(database) == before
    assert post_form(client, path, {"password": PASSWORD}, Origin=PUBLIC_ORIGIN).status_code == 200


@pytest.mark.parametrize("fields", [
    b"password=a-good-password&password=another-one", b"password=%ff" + b"x" * 20, b"password=%00" + b"x" * 20,
    b"\xff=x", b"&".join(b"a%d=b" % number for number in range(200)), b"password", b"", b"password=a-good-password&x=y",
])  # fmt: skip
def test_malformed_form_is_refused(fields: bytes, company: Company, client: FlaskClient, database: Database) -> None:
    path = invite(company, database)
    before = everything(database)
    assert post_form(client, path, fields, Sec_Fetch_Site="same-origin").status_code == 400
    assert everything(database) == before


def test_address_gets_three_invitations_an_hour_from_all_companies(
    make_limited: MakeLimited,
    company: Company,
    world: World,
    headers: Callable[..., dict[str, str]],
    database: Database,
) -> None:
    client = make_limited()
    other = world.company_user(world.company())["id"]
    world.load()
    callers = [Caller(client, company.ann.headers), Caller(client, headers(other, Role.COMPANY))]
    for number in range(6):
        callers[number % 2].ok("POST", USERS, {"email": NEW})
    with database.reads.connection() as connection:
        mails = connection.execute(select(AccountMail.id).where(AccountMail.kind == "invitation")).scalars().all()
    assert len(mails) == 3
    assert len(paths(database)) == 2, "the last link of each company stays valid"
    callers[0].ok("POST", USERS, {"email": "another@lumen.example"})
    assert len(paths(database)) == 3

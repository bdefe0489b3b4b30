"""Verified addresses: the link that proves one, and what is closed to a user without it."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from werkzeug.test import TestResponse

from interviews_api.accounts.mailed_links import INVITATION_LINK, RESET_LINK, VERIFICATION_LINK
from interviews_api.accounts.models import Invitation, Role
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.models import Channel
from interviews_api.services import service
from tests.support.access_rules import CANDIDATE, COMPANY, ID, RULES
from tests.support.accounts import (
    ADA,
    LUMEN,
    bearer,
    forget_verification,
    verification_paths,
    verification_tokens,
)
from tests.support.api import PASSWORD, Caller
from tests.support.database_rows import everything
from tests.support.fixtures import MakeLimited
from tests.support.people import People
from tests.support.receivers import wait_for, working
from tests.support.settings import SECRETS
from tests.support.statements import hooked

VERIFY, AGAIN = "/auth/email/verify", "/auth/email/verification"
CLOSED = (403, "Verify your email address first")
INVALID = (400, "Invalid verification token")
PUBLIC_ORIGIN = "http://127.0.0.1:8000"


@pytest.fixture
def stranger(verifying_app: Flask) -> Caller:
    return Caller(verifying_app.test_client(), {})


def form(client: FlaskClient, path: str, fields: Any, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = "application/x-www-form-urlencoded"
    return client.post(path, data=fields, content_type=kind, headers={"Accept": "text/html"} | named)


def test_mailed_link_opens_the_routes(
    verifying_app: Flask, stranger: Caller, database: Database, mail_settings: Settings
) -> None:
    account = stranger.ok("POST", "/auth/register/candidate", ADA)
    assert account["user"]["emailVerified"] is False
    ada = bearer(stranger.client, account)
    assert ada.refused("GET", "/candidate/interviews") == CLOSED
    assert ada.ok("GET", "/auth/me")["user"]["emailVerified"] is False
    sent: list[Any] = []
    with working(verifying_app, {Channel.EMAIL: lambda user, mail: sent.append(compose(mail_settings, user, mail))}):
        wait_for(lambda: sent)
    assert sent[0]["To"] == "Ada@example.com", "the domain as it goes on the wire"
    text = sent[0].get_body(("plain",)).get_content()
    assert "Okafor" not in text, "no words of the one who registered"
    (path,) = re.findall(r"http://127.0.0.1:8000(/auth/email/verify/\S+)", text)
    shown = stranger.call("GET", path, Accept="application/json").get_json()
    assert shown["message"] == "Registration retrieved successfully"
    expected = {"email": "Ada@Example.com", "role": "candidate", "name": "Ada Okafor"}
    assert shown["data"] == expected | {"expiresAt": shown["data"]["expiresAt"]}
    answer = stranger.call("POST", VERIFY, {"token": path.rpartition("/")[2]})
    assert (answer.status_code, answer.get_json()["message"]) == (200, "Email verified successfully")
    assert answer.get_json()["data"] == {"user": account["user"] | {"emailVerified": True}}
    assert ada.ok("GET", "/candidate/interviews")["total"] == 0, "with the earlier token"
    assert stranger.refused("POST", VERIFY, {"token": path.rpartition("/")[2]}) == INVALID
    assert ada.refused("POST", AGAIN) == (400, "Email is already verified")
    assert stranger.ok("POST", "/auth/login", {"email": ADA["email"], "password": PASSWORD})["user"]["emailVerified"]
    refresh = Caller(stranger.client, {"Authorization": f"Bearer {account['refreshToken']}"})
    assert refresh.ok("POST", "/auth/refresh")["user"]["emailVerified"] is True


UNPROTECTED = [route for route, rule in RULES.items() if rule.role in (CANDIDATE, COMPANY) and " /auth/" in route]
PROTECTED = [route for route, rule in RULES.items() if rule.role in (CANDIDATE, COMPANY) and " /auth/" not in route]


def test_route_is_closed_to_the_unverified(
    verifying_app: Flask, people: People, database: Database, headers: Callable[..., dict[str, str]]
) -> None:
    """Refused before the path, the ownership and the body, but after the role."""
    for email in ("candidate0@example.com", "user3@company.example"):
        forget_verification(database, email)
    client = verifying_app.test_client()
    callers = {
        CANDIDATE: Caller(client, headers(people.candidate_id)),
        COMPANY: Caller(client, headers(people.us_user_id, Role.COMPANY)),
    }
    assert len(PROTECTED) > 25
    before = everything(database)
    for route in PROTECTED:
        method, template = route.split()
        role, other = (COMPANY, CANDIDATE) if RULES[route].role == COMPANY else (CANDIDATE, COMPANY)
        for path in (re.sub("<[a-z_]+>", ID, template), re.sub("<[a-z_]+>", "nope", template)):
            for body in (RULES[route].body, {"x": 1}):
                assert callers[role].refused(method, path, body) == CLOSED, route
            assert callers[other].refused(method, path)[1] == f"{role.capitalize()} credentials required", route
    assert everything(database) == before
    for route in UNPROTECTED:
        method, template = route.split()
        response = callers[RULES[route].role].call(method, re.sub("<[a-z_]+>", ID, template), {"x": 1})
        assert (response.status_code, response.get_json()["message"]) != CLOSED, route
    for method, path in (("GET", "/jobs"), ("GET", "/auth/me"), ("GET", "/auth/company/users")):
        callers[COMPANY].ok(method, path)


def test_token_of_a_verified_user_costs_no_statement(client: FlaskClient, verifying_app: Flask, people: People) -> None:
    statements, paths = [], ("/candidate/interviews", "/candidate/interviews/history?limit=1")
    for each in (client, verifying_app.test_client()):
        sent: list[str] = []
        caller = Caller(each, people.candidate.headers)
        for path in paths:  # fills the cache, which the first application has kept from other tests
            caller.ok("GET", path)
        engine = service(Database, each.application).engine
        with hooked(engine, lambda statement, _parameters, sent=sent: sent.append(statement)):  # type: ignore[misc]
            for path in paths:
                caller.ok("GET", path)
        statements.append(sent)
    assert statements[0] == statements[1] != []


def test_ended_session_is_unauthorized_before_it_is_unverified(stranger: Caller) -> None:
    ada = bearer(stranger.client, stranger.ok("POST", "/auth/register/candidate", ADA))
    ada.ok("POST", "/auth/logout")
    for path in ("/candidate/interviews", "/candidate/calendar-feed"):
        assert ada.refused("GET", path) == (401, "Unauthorized")


def test_off_leaves_everything_open(anonymous: Caller, database: Database) -> None:
    ada = bearer(anonymous.client, anonymous.ok("POST", "/auth/register/candidate", ADA))
    assert verification_paths(database) == []
    ada.ok("GET", "/candidate/interviews")
    assert anonymous.refused("POST", "/auth/register/candidate", ADA) == (409, "Email is already registered")
    response = ada.call("POST", AGAIN)
    assert (response.status_code, response.get_json()) == (202, {"message": "Verification mail sent", "data": {}})
    (token,) = verification_tokens(database)
    assert anonymous.ok("POST", VERIFY, {"token": token})["user"]["emailVerified"] is True


def test_users_of_commands_are_verified(runner: FlaskCliRunner, database: Database, stranger: Caller) -> None:
    person = ["--first-name", "A", "--last-name", "B", "--email", "a@x.example", "--password", PASSWORD]
    company = ["--name", "C", "--email", "b@x.example", "--password", PASSWORD]
    for args in (["create-candidate", *person], ["create-company", *company]):
        assert runner.invoke(args=["users", *args]).exit_code == 0
    for email, path in (("a@x.example", "/candidate/interviews"), ("b@x.example", "/interviews/by-status")):
        caller = bearer(stranger.client, stranger.ok("POST", "/auth/login", {"email": email, "password": PASSWORD}))
        caller.ok("GET", path)
        issued = runner.invoke(args=["tokens", "issue", email]).output.strip()
        bearer(stranger.client, {"accessToken": issued}).ok("GET", path)


def test_verification_link_ends(stranger: Caller, database: Database) -> None:
    stranger.ok("POST", "/auth/register/candidate", ADA)
    (path,) = verification_paths(database)
    token = path.rpartition("/")[2]
    reset = RESET_LINK.token(SECRETS["SECRET_KEY"], "f" * 24)
    absent = VERIFICATION_LINK.token(SECRETS["SECRET_KEY"], new_id())
    before = everything(database)
    for forged in (token[:-1], f"{token}.x", reset, absent, "x", "", "\ud83d\ude00", "%00", "a" * 5000):
        assert stranger.refused("POST", VERIFY, {"token": forged}) == INVALID, forged
        assert stranger.refused("POST", "/auth/email/not-me", {"token": forged}) == INVALID, forged
    for body in ({}, {"token": None}, {"token": 5}, {"token": token, "x": 1}, []):
        assert stranger.refused("POST", VERIFY, body)[0] == 400
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3, seconds=1)):
        assert stranger.refused("GET", path, Accept="application/json") == INVALID
        assert stranger.refused("POST", VERIFY, {"token": token}) == INVALID
    assert everything(database) == before
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3, seconds=-5)):
        stranger.ok("POST", VERIFY, {"token": token})


def test_link_is_used_once_by_many_at_once(verifying_app: Flask, stranger: Caller, database: Database) -> None:
    stranger.ok("POST", "/auth/register/candidate", ADA)
    body = {"token": verification_tokens(database)[0]}
    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(lambda _: verifying_app.test_client().post(VERIFY, json=body), range(4)))
    assert sorted(response.status_code for response in responses) == [200, 400, 400, 400]


def test_page_of_the_link(stranger: Caller, database: Database) -> None:
    company = LUMEN | {"company": {"name": "Lumen <Works>"}}
    stranger.ok("POST", "/auth/register/company", company)
    (path,) = verification_paths(database)
    page = stranger.client.get(path)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "Lumen &lt;Works&gt;" in page.text
    assert "This was not me" in page.text
    assert re.findall('action="([^"]+)"', page.text) == ["../verify", "../not-me"]
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in policy + page.text
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    (token,) = set(re.findall('name="token" value="([^"]+)"', page.text))
    before = everything(database)
    for sent in ({}, {"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "same-site"}, {"Host": "evil.example"}):
        for target in (VERIFY, "/auth/email/not-me"):
            response = form(stranger.client, target, {"token": token}, **sent)
            assert (response.status_code, response.mimetype) == (403, "text/html")
    assert everything(database) == before
    proved = form(stranger.client, VERIFY, {"token": token}, Sec_Fetch_Site="same-origin")
    assert (proved.status_code, proved.mimetype, proved.headers["Cache-Control"]) == (200, "text/html", "no-store")
    assert "hr@lumen.example is verified" in proved.text
    again = form(stranger.client, VERIFY, {"token": token}, Origin=PUBLIC_ORIGIN)
    assert (again.status_code, again.mimetype, again.headers["Cache-Control"]) == (400, "text/html", "no-store")


@pytest.mark.parametrize("mode", ["off", "required"])
def test_reset_proves_the_address(mode: str, client: FlaskClient, verifying_app: Flask, database: Database) -> None:
    caller = Caller(verifying_app.test_client() if mode == "required" else client, {})
    account = caller.ok("POST", "/auth/register/candidate", ADA)
    caller.ok("POST", "/auth/password/forgot", {"email": ADA["email"]})
    reset = everything(database)["password_resets"][0].id
    body = {"token": RESET_LINK.token(SECRETS["SECRET_KEY"], reset), "newPassword": "the-owner's-own"}
    caller.ok("POST", "/auth/password/reset", body)
    assert verification_paths(database) == []
    assert bearer(caller.client, account).refused("GET", "/auth/me") == (401, "Unauthorized")
    assert caller.refused("POST", "/auth/login", {"email": ADA["email"], "password": PASSWORD})[0] == 401
    owner = caller.ok("POST", "/auth/login", {"email": ADA["email"], "password": "the-owner's-own"})
    assert owner["user"]["emailVerified"] is True
    bearer(caller.client, owner).ok("GET", "/candidate/interviews")


def test_invitation_proves_the_address(
    verifying_app: Flask, people: People, stranger: Caller, database: Database
) -> None:
    """A stranger had registered the address: the password and the account end."""
    us = Caller(stranger.client, people.us.headers)
    account = stranger.ok("POST", "/auth/register/candidate", ADA)
    refused = us.call("POST", "/auth/company/users", {"email": "x@y.example", "password": PASSWORD})
    assert (refused.status_code, list(refused.get_json()["details"])) == (400, ["password"])
    us.ok("POST", "/auth/company/users", {"email": ADA["email"]})
    with database.reads.connection() as connection:
        invitation_id = connection.execute(select(Invitation.id)).scalar_one()
    path = f"/auth/invitations/{INVITATION_LINK.token(SECRETS['SECRET_KEY'], invitation_id)}"
    session = stranger.ok("POST", path, {"password": "the-owner's-own"})
    assert session["user"] == session["user"] | {"role": "company", "emailVerified": True}
    bearer(stranger.client, session).ok("GET", "/interviews/by-status")
    assert bearer(stranger.client, account).refused("GET", "/auth/me") == (401, "Unauthorized")
    assert stranger.refused("POST", "/auth/login", {"email": ADA["email"], "password": PASSWORD})[0] == 401


def test_account_gets_its_mails_of_an_hour(make_limited: MakeLimited, database: Database) -> None:
    """The registration's and two more, also from its client address, and the same answer for what is over."""
    client = make_limited(EMAIL_VERIFICATION="required")
    ada = bearer(client, Caller(client, {}).ok("POST", "/auth/register/candidate", ADA))
    answers = {(response.status_code, response.data) for response in (ada.call("POST", AGAIN) for _ in range(5))}
    assert len(answers) == 1
    tokens = verification_tokens(database)
    assert len(tokens) == 3
    Caller(client, {}).ok("POST", VERIFY, {"token": tokens[0]})
    assert verification_tokens(database) == []


def test_client_address_has_twenty_requests_and_attempts_an_hour(make_limited: MakeLimited) -> None:
    client = make_limited(EMAIL_VERIFICATION="required")
    ada = bearer(client, Caller(client, {}).ok("POST", "/auth/register/candidate", ADA))
    assert [ada.call("POST", AGAIN).status_code for _ in range(21)] == [202] * 20 + [429]
    for _ in range(20):
        assert client.post(VERIFY, json={"token": "x"}).status_code == 400
    for path in (VERIFY, "/auth/email/not-me"):
        response = client.post(path, json={"token": "x"})
        assert (response.status_code, 0 < int(response.headers["Retry-After"]) <= 3600) == (429, True)
    assert client.post(VERIFY, json={}).status_code == 400, "not counted"

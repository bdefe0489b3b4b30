"""Registrations of an address that nobody has proved: the newest one counts, and the mail's page ends it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from interviews_api.accounts.mailed_links import RESET_LINK
from interviews_api.accounts.models import AccountMail, Approval, Company, User
from interviews_api.db.connections import Database
from interviews_api.notifications.models import Channel, Delivery, Webhook
from tests.support.accounts import ADA, LUMEN, bearer, forget_verification, rows, verification_tokens
from tests.support.api import PASSWORD, Caller
from tests.support.browser import Browser
from tests.support.database_rows import everything, subscriptions
from tests.support.factories import World
from tests.support.fixtures import MakeLimited
from tests.support.people import People
from tests.support.receivers import wait_for, working
from tests.support.settings import SECRETS

CANDIDATE, COMPANY = "/auth/register/candidate", "/auth/register/company"
VERIFY, NOT_ME = "/auth/email/verify", "/auth/email/not-me"
TAKEN = (409, "Email is already registered")
UNAUTHORIZED = (401, "Unauthorized")
INVALID = (400, "Invalid verification token")
OWN_PASSWORD = "the-owner's-own"  # for the tests
GRACE = ADA | {"password": OWN_PASSWORD, "firstName": "Grace", "lastName": "Hopper", "phone": "+1"}
AS_COMPANY = LUMEN | {"email": ADA["email"]}


@pytest.fixture
def stranger(verifying_app: Flask) -> Caller:
    return Caller(verifying_app.test_client(), {})


def signs_in(caller: Caller, password: str) -> bool:
    body = {"email": ADA["email"], "password": password}
    return caller.call("POST", "/auth/login", body).status_code == 200


def test_newest_registration_replaces_an_unverified_one(
    anonymous: Caller, stranger: Caller, database: Database
) -> None:
    """The first one made a feed and a subscription while nothing was required, and asked for mails."""
    first = anonymous.ok("POST", CANDIDATE, ADA)
    attacker = bearer(anonymous.client, first)
    feed = attacker.ok("POST", "/candidate/calendar-feed")["url"].removeprefix("http://127.0.0.1:8000")
    attacker.ok("POST", "/candidate/push-subscriptions", Browser().subscription("https://nobody.invalid/attacker"))
    attacker.ok("POST", "/auth/email/verification")
    attacker.ok("POST", "/auth/password/forgot", {"email": ADA["email"]})
    (old_link,) = verification_tokens(database)
    reset = RESET_LINK.token(SECRETS["SECRET_KEY"], everything(database)["password_resets"][0].id)

    second = stranger.ok("POST", CANDIDATE, GRACE | {"email": "ADA@example.com"})
    assert second["user"] == second["user"] | {
        "email": "ADA@example.com", "firstName": "Grace", "lastName": "Hopper", "phone": "+1", "emailVerified": False
    }  # fmt: skip
    assert rows(database) == [1, 1, 0, 0]
    assert attacker.refused("GET", "/auth/me") == UNAUTHORIZED
    refresh = Caller(anonymous.client, {"Authorization": f"Bearer {first['refreshToken']}"})
    assert refresh.refused("POST", "/auth/refresh") == UNAUTHORIZED
    assert anonymous.refused("GET", feed) == (404, "Calendar not found")
    assert subscriptions(database) == []
    assert (signs_in(stranger, PASSWORD), signs_in(stranger, OWN_PASSWORD)) == (False, True)
    new_password = {"token": reset, "newPassword": "the-attacker's-own"}
    assert stranger.refused("POST", "/auth/password/reset", new_password) == (400, "Invalid reset token")
    assert stranger.refused("POST", VERIFY, {"token": old_link}) == INVALID
    (link,) = verification_tokens(database)
    assert stranger.ok("POST", VERIFY, {"token": link})["user"]["firstName"] == "Grace"
    assert signs_in(stranger, OWN_PASSWORD), "the own link keeps the own password"
    bearer(stranger.client, second).ok("GET", "/candidate/interviews")
    before = everything(database)
    for route, body in ((CANDIDATE, ADA), (COMPANY, AS_COMPANY)):
        assert stranger.refused("POST", route, body) == TAKEN, "it is verified now"
    assert everything(database) == before


def test_only_the_mail_of_the_newest_registration_is_sent(
    verifying_app: Flask, stranger: Caller, database: Database
) -> None:
    for person in (ADA, GRACE):
        stranger.ok("POST", CANDIDATE, person)
    sent: list[Any] = []
    with working(verifying_app, {Channel.EMAIL: lambda user, mail: sent.append((user["email"], mail["kind"]))}):
        wait_for(lambda: sent)
    assert sent == [(ADA["email"].strip(), "verification")]
    with database.reads.connection() as connection:
        assert connection.execute(select(AccountMail.kind)).scalars().all() == ["verification"]


def test_replaced_mail_is_suppressed_after_its_fan_out(
    verifying_app: Flask, stranger: Caller, database: Database
) -> None:
    stranger.ok("POST", CANDIDATE, ADA)
    with working(verifying_app, {}):
        wait_for(lambda: delivery_statuses(database) == ["pending"])
    stranger.ok("POST", CANDIDATE, GRACE)
    with working(verifying_app, {Channel.EMAIL: lambda *_mail: None}):
        wait_for(lambda: sorted(delivery_statuses(database)) == ["sent", "suppressed"])


def delivery_statuses(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery.status).order_by(Delivery.id)).scalars())


@pytest.mark.parametrize("order", [(CANDIDATE, COMPANY), (COMPANY, CANDIDATE)])
def test_registration_in_another_role_deletes_an_unverified_account(
    order: tuple[str, str], stranger: Caller, database: Database
) -> None:
    bodies = {CANDIDATE: ADA, COMPANY: AS_COMPANY}
    first = stranger.ok("POST", order[0], bodies[order[0]])
    (old_link,) = verification_tokens(database)
    second = stranger.ok("POST", order[1], bodies[order[1]])
    assert second["user"]["role"] == order[1].rpartition("/")[2]
    assert rows(database) == ([1, 1, 0, 0] if order[1] == CANDIDATE else [1, 0, 1, 1])
    assert bearer(stranger.client, first).refused("GET", "/auth/me") == UNAUTHORIZED
    assert stranger.refused("POST", VERIFY, {"token": old_link}) == INVALID
    (link,) = verification_tokens(database)
    stranger.ok("POST", VERIFY, {"token": link})


def test_account_with_an_application_stays(
    people: People, stranger: Caller, anonymous: Caller, database: Database
) -> None:
    """It stays a candidate's, so a company's registration is refused, and a candidate's shows nothing of it."""
    account = anonymous.ok("POST", CANDIDATE, ADA)
    job = people.us.ok("POST", "/jobs", {"title": "Baker"})
    bearer(anonymous.client, account).ok("POST", f"/jobs/{job['id']}/applications")
    before = everything(database)
    assert stranger.refused("POST", COMPANY, AS_COMPANY) == TAKEN
    assert everything(database) == before
    owner = bearer(stranger.client, stranger.ok("POST", CANDIDATE, GRACE))
    for path in ("/candidate/interviews", "/application-status/candidate"):
        assert owner.refused("GET", path) == (403, "Verify your email address first")
    (link,) = verification_tokens(database)
    stranger.ok("POST", VERIFY, {"token": link})
    assert owner.ok("GET", "/application-status/candidate")["total"] == 1


def test_company_is_replaced_with_its_first_user(anonymous: Caller, stranger: Caller, database: Database) -> None:
    """The first one invited an accomplice and set up a webhook while nothing was required."""
    attacker = bearer(anonymous.client, anonymous.ok("POST", COMPANY, LUMEN))
    attacker.ok("POST", "/webhooks", {"url": "https://attacker.invalid/hook"})
    attacker.ok("POST", "/auth/company/users", {"email": "accomplice@x.example"})
    with database.engine.begin() as connection:
        connection.execute(update(Company).values(approval=Approval.SUSPENDED))
    stranger.ok("POST", COMPANY, LUMEN | {"password": OWN_PASSWORD, "company": {"name": "Mine"}})
    assert rows(database) == [1, 0, 1, 1]
    with database.reads.connection() as connection:
        company = connection.execute(select(Company)).mappings().one()
        assert connection.execute(select(Webhook.id)).all() == []
    assert dict(company) == dict(company) | {
        "name": "Mine", "logo": None, "address": None, "phone": None, "email": None, "time_zone": "UTC",
        "approval": "suspended",
    }  # fmt: skip
    assert everything(database)["invitations"] == []
    assert attacker.refused("GET", "/auth/me") == UNAUTHORIZED


def test_company_with_colleagues_is_left_to_them(stranger: Caller, world: World, database: Database) -> None:
    company = world.company(name="Ours")
    owner = world.company_user(company, email="owner@x.example", password=PASSWORD)
    world.company_user(company, email="member@x.example", role="member", password=PASSWORD)
    world.load()
    for email in ("owner@x.example", "member@x.example"):
        forget_verification(database, email)
    before = everything(database)
    for route, body in ((CANDIDATE, ADA), (COMPANY, LUMEN)):
        assert stranger.refused("POST", route, body | {"email": "owner@x.example"}) == TAKEN, "the only owner"
    assert everything(database) == before
    newcomer = stranger.ok("POST", COMPANY, LUMEN | {"email": "member@x.example"})
    assert newcomer["user"]["company"]["name"] == "Lumen Works"
    colleagues = bearer(stranger.client, newcomer).ok("GET", "/auth/company/users")
    assert [user["email"] for user in colleagues["users"]] == ["member@x.example"]
    owners = bearer(
        stranger.client, stranger.ok("POST", "/auth/login", {"email": "owner@x.example", "password": PASSWORD})
    ).ok("GET", "/auth/company/users")
    assert [user["id"] for user in owners["users"]] == [owner["id"]]


@pytest.mark.parametrize(("route", "body"), [(CANDIDATE, ADA), (COMPANY, AS_COMPANY)])
def test_this_was_not_me_deletes_the_registration(route: str, body: Any, stranger: Caller, database: Database) -> None:
    account = stranger.ok("POST", route, body)
    (token,) = verification_tokens(database)
    response = stranger.call("POST", NOT_ME, {"token": token})
    assert (response.status_code, response.get_json()) == (
        200, {"message": "Registration ended successfully", "data": {}}
    )  # fmt: skip
    assert rows(database) == [0, 0, 0, 0]
    assert bearer(stranger.client, account).refused("GET", "/auth/me") == UNAUTHORIZED
    assert stranger.refused("POST", NOT_ME, {"token": token}) == INVALID


def test_this_was_not_me_leaves_applications_without_a_password(
    people: People, anonymous: Caller, stranger: Caller, database: Database
) -> None:
    account = bearer(anonymous.client, anonymous.ok("POST", CANDIDATE, ADA))
    job = people.us.ok("POST", "/jobs", {"title": "Baker"})
    account.ok("POST", f"/jobs/{job['id']}/applications")
    account.ok("POST", "/auth/email/verification")
    (token,) = verification_tokens(database)
    client = stranger.client
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    page = client.post(NOT_ME, data={"token": token}, headers=headers)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "has ended" in page.text
    assert not signs_in(stranger, PASSWORD)
    assert account.refused("GET", "/auth/me") == UNAUTHORIZED
    with database.reads.connection() as connection:
        stored = select(User.password_hash, User.email_verified_at).where(User.email_key == "ada@example.com")
        assert tuple(connection.execute(stored).one()) == (None, None)


def test_many_registrations_at_once_leave_one(verifying_app: Flask, database: Database) -> None:
    def register(number: int) -> tuple[int, bool]:
        body = ADA | {"password": f"password-of-{number}-x", "firstName": f"N{number}"}
        response = verifying_app.test_client().post(CANDIDATE, json=body)
        return response.status_code, response.status_code == 201

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(register, range(4))) == [(201, True)] * 4
    assert rows(database) == [1, 1, 0, 0]
    stored = everything(database)
    assert [len(stored[name]) for name in ("sessions", "email_verifications", "account_mails")] == [1, 1, 1]
    caller = Caller(verifying_app.test_client(), {})
    assert sum(signs_in(caller, f"password-of-{number}-x") for number in range(4)) == 1


def test_registrations_of_an_address_are_limited(make_limited: MakeLimited, database: Database) -> None:
    """An address gets three mails an hour. A fourth registration would end the link of the third, so it is refused."""
    client = make_limited(EMAIL_VERIFICATION="required")

    def register(address: str, route: str, body: Any) -> int:
        return client.post(route, json=body, environ_base={"REMOTE_ADDR": address}).status_code

    roles = [(CANDIDATE, ADA), (COMPANY, AS_COMPANY), (CANDIDATE, GRACE)]
    assert [register(f"10.0.0.{n}", *role) for n, role in enumerate(roles)] == [201] * 3
    (token,) = verification_tokens(database)
    assert [register(f"10.0.1.{n}", *role) for n, role in enumerate(roles)] == [429] * 3
    assert verification_tokens(database) == [token]
    assert register("10.0.1.1", CANDIDATE, ADA | {"email": "other@example.com"}) == 201
    assert register("10.0.0.2", CANDIDATE, GRACE) == 429, "its session proves nothing: the address is not verified"
    Caller(client, {}).ok("POST", VERIFY, {"token": token})


def test_page_shows_what_was_registered(client: FlaskClient, stranger: Caller, database: Database) -> None:
    stranger.ok("POST", CANDIDATE, GRACE | {"firstName": "<b>Grace</b>"})
    (token,) = verification_tokens(database)
    page = client.get(f"{VERIFY}/{token}")
    assert "&lt;b&gt;Grace&lt;/b&gt; Hopper" in page.text
    assert "The candidate" in page.text


def test_page_warns_of_a_registration_by_somebody_else(stranger: Caller, database: Database) -> None:
    """With the same name, the second one looks like the owner's own. Its link would keep the second password."""
    stranger.ok("POST", CANDIDATE, ADA)
    (owners_token,) = verification_tokens(database)
    stranger.ok("POST", CANDIDATE, ADA | {"password": OWN_PASSWORD})
    assert stranger.refused("POST", VERIFY, {"token": owners_token}) == INVALID
    (token,) = verification_tokens(database)
    page = stranger.client.get(f"{VERIFY}/{token}").text
    assert "keeps the password that was set then" in page
    assert "If an earlier link of yours has ended" in page
    stranger.ok("POST", NOT_ME, {"token": token})
    assert not signs_in(stranger, OWN_PASSWORD)
    stranger.ok("POST", CANDIDATE, ADA)


def test_sessions_of_an_unverified_account_bring_no_further_mails(
    make_limited: MakeLimited, database: Database
) -> None:
    """A stranger that has registered an address signs in from many client addresses, and asks for mails from each."""
    client = make_limited(EMAIL_VERIFICATION="required")

    def post(address: str, path: str, body: Any, **headers: str) -> int:
        return client.post(path, json=body, headers=headers, environ_base={"REMOTE_ADDR": address}).status_code

    assert post("10.0.0.1", CANDIDATE, ADA) == 201
    login = {"email": ADA["email"], "password": PASSWORD}
    for number in range(4):
        address = f"10.0.1.{number}"
        assert post(address, "/auth/login", login) == 200
        assert {post(address, "/auth/password/forgot", {"email": ADA["email"]}) for _ in range(3)} == {202}
    assert len(everything(database)["password_resets"]) == 3
    with database.engine.begin() as connection:
        connection.execute(update(User).values(email_verified_at=User.created_at))
    assert post("10.0.1.0", "/auth/password/forgot", {"email": ADA["email"]}) == 202
    assert len(everything(database)["password_resets"]) == 4, "now the client address is the owner's"

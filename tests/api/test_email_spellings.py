"""One mailbox is one account, however its address is spelled; hidden characters and odd domains are refused."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from interviews_api.accounts.models import Invitation, PasswordReset
from interviews_api.db.connections import Database
from tests.support.accounts import ADA, LUMEN, bearer
from tests.support.addresses import DOMAINS, LOCAL_PARTS, MAILBOX, SPELLINGS, WITH_HIDDEN
from tests.support.api import PASSWORD, Caller
from tests.support.fixtures import MakeLimited
from tests.support.people import People

USERS, FORGOT = "/auth/company/users", "/auth/password/forgot"
TAKEN = (409, "Email is already registered")
WRONG = (401, "Invalid email or password")


def count(database: Database, model: Any) -> int:
    with database.reads.connection() as connection:
        return connection.execute(select(func.count()).select_from(model)).scalar_one()


@pytest.mark.parametrize("typed", SPELLINGS)
def test_one_mailbox_is_one_account(typed: str, people: People, anonymous: Caller, database: Database) -> None:
    user = anonymous.ok("POST", "/auth/register/candidate", ADA | {"email": typed})["user"]
    assert user["email"] == typed.strip()
    for spelling in SPELLINGS:
        login = anonymous.ok("POST", "/auth/login", {"email": spelling, "password": PASSWORD})
        assert login["user"] == user
        assert anonymous.refused("POST", "/auth/register/candidate", ADA | {"email": spelling}) == TAKEN
        assert anonymous.refused("POST", "/auth/register/company", LUMEN | {"email": spelling}) == TAKEN
        assert people.us.refused("POST", USERS, {"email": spelling, "password": PASSWORD}) == TAKEN
    for number, spelling in enumerate(SPELLINGS, 1):
        anonymous.ok("POST", FORGOT, {"email": spelling})
        assert count(database, PasswordReset) == number
        people.us.ok("POST", USERS, {"email": spelling})
        assert count(database, Invitation) == 1, "the newest invitation of an address is the only one"


def test_limits_count_a_mailbox_and_no_spellings(make_limited: MakeLimited, database: Database) -> None:
    client = make_limited(LIMITS="login_account_address=3/300")
    caller = Caller(client, {})
    registered = caller.ok("POST", "/auth/register/candidate", ADA | {"email": SPELLINGS[1]})
    bearer(client, registered).ok("POST", "/auth/logout")
    answers = [caller.call("POST", "/auth/login", {"email": each, "password": "wrong"}) for each in SPELLINGS[:4]]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    for spelling in SPELLINGS:
        caller.ok("POST", FORGOT, {"email": spelling})
    assert count(database, PasswordReset) == 3


def test_own_address_in_another_spelling_is_no_password(anonymous: Caller) -> None:
    for spelling in SPELLINGS[:3]:
        body = ADA | {"email": "ada@bücher.example", "password": spelling}
        response = anonymous.call("POST", "/auth/register/candidate", body)
        assert (response.status_code, list(response.get_json()["details"])) == (400, ["password"])


def bodies(email: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return side, path, field and body of each request with an e-mail address."""
    return [
        ("anonymous", "/auth/register/candidate", "email", ADA | {"email": email}),
        ("anonymous", "/auth/register/company", "email", LUMEN | {"email": email}),
        ("anonymous", "/auth/register/company", "company.email", LUMEN | {"company": {"name": "A", "email": email}}),
        ("anonymous", "/auth/login", "email", {"email": email, "password": PASSWORD}),
        ("anonymous", FORGOT, "email", {"email": email}),
        ("us", USERS, "email", {"email": email}),
        ("us", USERS, "email", {"email": email, "password": PASSWORD}),
    ]


@pytest.mark.parametrize("number", range(7))
def test_hidden_character_in_an_address_is_refused_by_name(number: int, people: People, anonymous: Caller) -> None:
    for email in WITH_HIDDEN:
        side, path, field, body = bodies(email)[number]
        response = (anonymous if side == "anonymous" else people.us).call("POST", path, body)
        assert response.status_code == 400, ascii(email)
        ((name, (problem, *others)),) = response.get_json()["details"].items()
        assert (name, others, "hidden character (U+" in problem) == (field, [], True), ascii(email)


@pytest.mark.parametrize("number", range(7))
def test_address_that_no_mail_reaches_is_refused(number: int, people: People, anonymous: Caller) -> None:
    """Where it is only looked up, it is unknown, if its local part cannot be mistaken for another."""
    for email in (
        *(f"{part}@example.com" for part in LOCAL_PARTS),
        *(f"ada@{each}" for each in (*DOMAINS, "192.0.2.1")),
    ):
        side, path, field, body = bodies(email)[number]
        response = (anonymous if side == "anonymous" else people.us).call("POST", path, body)
        if path == "/auth/login" and email.startswith("ada@"):
            assert (response.status_code, response.get_json()["message"]) == WRONG, ascii(email)
        else:
            assert (response.status_code, list(response.get_json()["details"])) == (400, [field]), ascii(email)


def test_company_contact_is_shown_as_typed(client: FlaskClient, anonymous: Caller) -> None:
    body = LUMEN | {"company": {"name": "A", "email": " HR@Bücher.example "}}
    registered = anonymous.ok("POST", "/auth/register/company", body)
    assert bearer(client, registered).ok("GET", "/auth/me")["user"]["email"] == LUMEN["email"]
    assert MAILBOX not in str(registered)

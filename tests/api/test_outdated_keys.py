"""A user whose e-mail key is outdated, because another spelling of its address has the key: it stays itself."""

from flask import Flask
from sqlalchemy import update

from interviews_api.accounts.models import User
from interviews_api.db.connections import Database
from tests.support.accounts import bearer, verification_tokens
from tests.support.api import PASSWORD, Caller
from tests.support.factories import World
from tests.support.people import People


def outdate(database: Database, user_id: str, email: str) -> None:
    """Give the user another spelling of an address whose key another user has, as before the keys were made anew."""
    with database.engine.begin() as connection:
        values = {"email": email, "email_key": f"{email} of before"}
        connection.execute(update(User).where(User.id == user_id).values(**values))


def test_colleague_with_an_outdated_key_changes_its_role(people: People, world: World, database: Database) -> None:
    colleague = world.company_user({"id": people.us_company_id}, role="member")
    world.candidate(email="ada@xn--bcher-kva.example")
    world.load()
    outdate(database, colleague["id"], "Ada@b\u00fccher.example")
    user = people.us.ok("PATCH", f"/auth/company/users/{colleague['id']}", {"role": "owner"})["user"]
    assert (user["id"], user["email"]) == (colleague["id"], "Ada@b\u00fccher.example")


def test_user_with_an_outdated_key_verifies_its_own_address(
    verifying_app: Flask, world: World, database: Database
) -> None:
    anonymous = Caller(verifying_app.test_client(), {})
    ada = {"email": "ada@b\u00fccher.example", "password": PASSWORD, "firstName": "Ada", "lastName": "Okafor"}
    account = anonymous.ok("POST", "/auth/register/candidate", ada)
    outdate(database, account["user"]["id"], "Ada@b\u00fccher.example")
    world.candidate(email="ada@xn--bcher-kva.example")
    world.load()
    (token,) = verification_tokens(database)
    user = anonymous.ok("POST", "/auth/email/verify", {"token": token})["user"]
    assert (user["id"], user["emailVerified"]) == (account["user"]["id"], True)
    assert bearer(anonymous.client, account).ok("GET", "/auth/me")["user"]["emailVerified"] is True

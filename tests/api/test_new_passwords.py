"""Passwords that are refused on every route that takes a new one, and the mail that tells of a change."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from interviews_api.accounts.mailed_links import INVITATION_LINK, RESET_LINK
from interviews_api.accounts.models import AccountMail, Invitation, PasswordReset
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.models import Channel, Delivery, Priority
from interviews_api.notifications.worker.fan_out import DeliveryFanOut
from tests.support.accounts import ADA, LUMEN, bearer
from tests.support.api import PASSWORD, Caller
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.people import People
from tests.support.receivers import wait_for, working
from tests.support.settings import SECRETS

ADDRESS = "ada.okafor@example.com"
REFUSED = {
    "password123": "Must not be blank or one of the commonest passwords.",
    " PASSWORD123 ": "Must not be blank or one of the commonest passwords.",
    " " * 10: "Must not be blank or one of the commonest passwords.",
    ADDRESS: "Must not be the e-mail address.",
    f" {ADDRESS.upper()}": "Must not be the e-mail address.",
}


@pytest.fixture
def ada(anonymous: Caller) -> Caller:
    data = anonymous.ok("POST", "/auth/register/candidate", ADA | {"email": ADDRESS})
    return bearer(anonymous.client, data)


def reset_token(anonymous: Caller, database: Database) -> str:
    anonymous.ok("POST", "/auth/password/forgot", {"email": ADDRESS})
    with database.reads.connection() as connection:
        reset_id = connection.execute(select(PasswordReset.id).order_by(PasswordReset.id.desc())).scalars().first()
    return RESET_LINK.token(SECRETS["SECRET_KEY"], str(reset_id))


@pytest.mark.parametrize("password", REFUSED)
@pytest.mark.parametrize("route", ["candidate", "company"])
def test_registration_refuses_the_password(route: str, password: str, anonymous: Caller, database: Database) -> None:
    before = everything(database)
    body = {"candidate": ADA, "company": LUMEN}[route] | {"email": ADDRESS, "password": password}
    response = anonymous.call("POST", f"/auth/register/{route}", body)
    assert (response.status_code, response.get_json()["details"]) == (400, {"password": [REFUSED[password]]})
    assert everything(database) == before


@pytest.mark.parametrize("password", REFUSED)
def test_change_and_reset_refuse_the_password(
    password: str, ada: Caller, anonymous: Caller, database: Database
) -> None:
    token = reset_token(anonymous, database)
    before = everything(database)
    for caller, method, path, proof in (
        (ada, "PUT", "/auth/password", {"currentPassword": PASSWORD}),
        (anonymous, "POST", "/auth/password/reset", {"token": token}),
    ):
        response = caller.call(method, path, proof | {"newPassword": password})
        assert (response.status_code, response.get_json()["details"]) == (400, {"newPassword": [REFUSED[password]]})
    assert everything(database) == before
    anonymous.ok("POST", "/auth/password/reset", {"token": token, "newPassword": "another-password"})


def mails(database: Database) -> list[tuple[str, str]]:
    with database.reads.connection() as connection:
        rows = connection.execute(select(AccountMail.kind, AccountMail.email).order_by(AccountMail.id))
        return [tuple(row) for row in rows]


def owners_and_priorities(database: Database) -> set[tuple[str, int]]:
    with database.reads.connection() as connection:
        return {tuple(row) for row in connection.execute(select(Delivery.originator_id, Delivery.priority))}


def test_mail_tells_of_each_change(app: Flask, ada: Caller, anonymous: Caller, database: Database) -> None:
    token = reset_token(anonymous, database)
    told = ("password_changed", ADDRESS)
    ada.refused("PUT", "/auth/password", {"currentPassword": "wrong", "newPassword": "another-password"})
    anonymous.refused("POST", "/auth/password/reset", {"token": "wrong", "newPassword": "another-password"})
    assert mails(database) == []
    anonymous.ok("POST", "/auth/password/reset", {"token": token, "newPassword": "another-password"})
    assert mails(database) == [told]
    login = {"email": ADDRESS, "password": "another-password"}
    ada = bearer(anonymous.client, anonymous.ok("POST", "/auth/login", login))
    ada.ok("PUT", "/auth/password", {"currentPassword": "another-password", "newPassword": "a-third-password"})
    assert mails(database) == [told, told]
    user_id = ada.ok("GET", "/auth/me")["user"]["id"]
    with app.app_context(), transaction() as connection:
        DeliveryFanOut(connection).run(now())
    assert owners_and_priorities(database) == {(user_id, Priority.ACCOUNT)}


def test_mails_of_a_company_are_its_own_and_of_the_account_queue(
    app: Flask, people: People, world: World, database: Database
) -> None:
    colleague = world.company_user({"id": people.us_company_id})
    world.load()
    people.us.ok("POST", "/auth/company/users", {"email": "new@us.example"})
    people.us.ok("DELETE", f"/auth/company/users/{colleague['id']}")
    with database.reads.connection() as connection:
        invitation_id = connection.execute(select(Invitation.id)).scalar_one()
    path = f"/auth/invitations/{INVITATION_LINK.token(SECRETS['SECRET_KEY'], invitation_id)}"
    Caller(people.us.client, {}).ok("POST", path, {"password": PASSWORD})
    with app.app_context(), transaction() as connection:
        assert DeliveryFanOut(connection).run(now()) == 4, "an invitation, two mails of a removal, one of a newcomer"
    assert owners_and_priorities(database) == {(people.us_company_id, Priority.ACCOUNT)}


def test_changed_password_is_told_to_the_address(
    app: Flask, ada: Caller, database: Database, mail_settings: Any
) -> None:
    ada.ok("PUT", "/auth/password", {"currentPassword": PASSWORD, "newPassword": "another-password"})
    sent: list[Any] = []
    with working(app, {Channel.EMAIL: lambda user, context: sent.append(compose(mail_settings, user, context))}):
        wait_for(lambda: sent)
    (message,) = sent
    assert (message["To"], message["Subject"]) == (ADDRESS, "Your password was changed")
    with app.app_context(), transaction() as connection:
        assert DeliveryFanOut(connection).run(now()) == 0, "each mail has one delivery"

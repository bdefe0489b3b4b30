"""Each sign-in and each change of passwords, colleagues and webhooks leaves a security event, in its transaction."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from interviews_api import create_app
from interviews_api.accounts.audit_models import RETENTION, SecurityEventType
from interviews_api.accounts.mailed_links import INVITATION_LINK, RESET_LINK
from interviews_api.accounts.models import Invitation, PasswordReset, Role
from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.notifications.delivery_errors import TargetGone
from interviews_api.notifications.models import Channel
from interviews_api.notifications.worker.target_health_repository import WebhookHealthRepository
from interviews_api.services import service
from tests.api.test_identity_provider import claims, signed
from tests.support.api import PASSWORD, Caller, invitation
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.faults import Fault
from tests.support.people import People
from tests.support.provider import KEYS, pem, settings_for
from tests.support.receivers import wait_for, working
from tests.support.security_events import ACTIVITY, events
from tests.support.sessions import ACCOUNT, bearer
from tests.support.settings import SECRETS
from tests.support.webhooks import hook, webhook_row

USERS = "/auth/company/users"
NEW_PASSWORD = "another-password"


@dataclass
class Cast:
    """A company's owners Ann and Bob and its member Mia, and the candidate Ada, with ids and callers by name."""

    database: Database
    company_id: str
    ids: dict[str, str]
    callers: dict[str, Caller]


@pytest.fixture
def cast(app: Flask, world: World, headers: Callable[..., dict[str, str]], database: Database) -> Cast:
    company = world.company(name="Lumen")
    roles = {"ann": "owner", "bob": "owner", "mia": "member"}
    ids = {
        name: world.company_user(company, email=f"{name}@lumen.example", role=role)["id"]
        for name, role in roles.items()
    }
    ids["ada"] = world.candidate(**ACCOUNT)["id"]
    world.load()
    callers = {"nobody": Caller(app.test_client(), {})}
    for name, user_id in ids.items():
        role = Role.CANDIDATE if name == "ada" else Role.COMPANY
        callers[name] = Caller(app.test_client(), headers(user_id, role))
    return Cast(database, company["id"], ids, callers)


@dataclass(frozen=True)
class Action:
    """A request, and what its event says: the account, the cause with the colleague's name, and the detail."""

    caller: str
    route: str
    body: Any
    user: str
    actor: str = "user"
    actor_name: str | None = None
    detail: str | None = None
    status: int = 200
    also: tuple[SecurityEventType, ...] = field(default=())


def change_role(cast: Cast) -> Action:
    return Action(
        "ann", f"PATCH {USERS}/{cast.ids['mia']}", {"role": "owner"}, "mia", "colleague", "ann", detail="owner"
    )


def reset_password(cast: Cast) -> Action:
    cast.callers["nobody"].ok("POST", "/auth/password/forgot", {"email": ACCOUNT["email"]})
    with cast.database.reads.connection() as connection:
        reset_id = connection.execute(select(PasswordReset.id)).scalar_one()
    token = RESET_LINK.token(SECRETS["SECRET_KEY"], reset_id)
    return Action("nobody", "POST /auth/password/reset", {"token": token, "newPassword": NEW_PASSWORD}, "ada")


def join(cast: Cast) -> Action:
    cast.callers["ann"].ok("POST", USERS, {"email": "new@lumen.example"})
    with cast.database.reads.connection() as connection:
        invitation_id = connection.execute(select(Invitation.id)).scalar_one()
    path = f"/auth/invitations/{INVITATION_LINK.token(SECRETS['SECRET_KEY'], invitation_id)}"
    also = (SecurityEventType.SIGNED_IN,)
    return Action("nobody", f"POST {path}", {"password": PASSWORD}, "new", detail=invitation_id, also=also)


def delete_webhook(cast: Cast) -> Action:
    webhook_id = hook(cast.database, cast.company_id, "/ok")
    return Action("ann", f"DELETE /webhooks/{webhook_id}", None, "ann", detail=webhook_id)


def change_webhook(cast: Cast) -> Action:
    webhook_id = hook(cast.database, cast.company_id, "/ok")
    return Action("ann", f"PATCH /webhooks/{webhook_id}", {"enabled": False}, "ann", detail=webhook_id)


def rotate_secret(cast: Cast) -> Action:
    webhook_id = hook(cast.database, cast.company_id, "/ok")
    return Action("ann", f"POST /webhooks/{webhook_id}/rotate-secret", None, "ann", detail=webhook_id)


ACTIONS: dict[SecurityEventType, Callable[[Cast], Action]] = {
    SecurityEventType.SIGNED_IN: lambda _: Action("nobody", "POST /auth/login", ACCOUNT, "ada"),
    SecurityEventType.SIGN_IN_FAILED: lambda _: Action(
        "nobody", "POST /auth/login", ACCOUNT | {"password": "wrong"}, "ada", "unknown", status=401
    ),
    SecurityEventType.PASSWORD_CHANGED: lambda _: Action(
        "ada", "PUT /auth/password", {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}, "ada"
    ),
    SecurityEventType.PASSWORD_RESET: reset_password,
    SecurityEventType.COLLEAGUE_INVITED: lambda _: Action(
        "ann", f"POST {USERS}", {"email": "new@lumen.example"}, "ann", detail="invitation", status=202
    ),
    SecurityEventType.COLLEAGUE_JOINED: join,
    SecurityEventType.COLLEAGUE_ADDED: lambda _: Action(
        "ann", f"POST {USERS}", {"email": "new@lumen.example", "password": PASSWORD}, "new", "colleague", "ann",
        status=201,
    ),
    SecurityEventType.COLLEAGUE_ROLE_CHANGED: change_role,
    SecurityEventType.COLLEAGUE_REMOVED: lambda cast: Action(
        "ann", f"DELETE {USERS}/{cast.ids['bob']}", None, "bob", "colleague", "ann"
    ),
    SecurityEventType.WEBHOOK_CREATED: lambda _: Action(
        "ann", "POST /webhooks", {"url": "https://nobody.invalid/"}, "ann", detail="webhook", status=201
    ),
    SecurityEventType.WEBHOOK_UPDATED: change_webhook,
    SecurityEventType.WEBHOOK_SECRET_ROTATED: rotate_secret,
    SecurityEventType.WEBHOOK_DELETED: delete_webhook,
}  # fmt: skip
"""The types that routes record, with a request for each."""


def test_each_type_is_recorded_here() -> None:
    elsewhere = {SecurityEventType.ACCOUNT_CLAIMED, SecurityEventType.WEBHOOK_DISABLED}
    assert set(ACTIONS) | elsewhere == set(SecurityEventType)


@pytest.mark.parametrize("event_type", ACTIONS)
def test_change_records_one_event(event_type: SecurityEventType, cast: Cast, database: Database) -> None:
    action = ACTIONS[event_type](cast)
    before = events(database)
    response = cast.callers[action.caller].call(*action.route.split(), action.body, Accept="application/json")
    assert response.status_code == action.status, response.text
    added = [row for row in events(database) if row not in before]
    assert sorted(row.type for row in added) == sorted((event_type, *action.also))
    (row,) = (row for row in added if row.type == event_type)
    answer = response.get_json().get("data", {})
    ids = cast.ids | {"new": answer.get("user", {}).get("id")}
    with database.reads.connection() as connection:
        invitation_id = connection.execute(select(Invitation.id)).scalar()
    details = {"webhook": answer.get("id"), "invitation": invitation_id}
    assert (row.user_id, row.actor) == (ids[action.user], action.actor)
    assert row.actor_id == (ids[action.actor_name] if action.actor_name else None)
    assert row.detail == details.get(action.detail or "", action.detail)
    assert (row.client_address, row.occurrences, row.expires_at) == ("127.0.0.0/24", 1, row.at + RETENTION)
    if event_type is SecurityEventType.PASSWORD_RESET:  # the session has ended
        session = cast.callers["nobody"].ok("POST", "/auth/login", ACCOUNT | {"password": NEW_PASSWORD})
        cast.callers["ada"] = bearer(cast.callers["nobody"], session["accessToken"])
    for name in {action.user, action.actor_name or action.user} - {"new", "bob"}:
        seen = cast.callers[name].ok("GET", ACTIVITY)["events"]
        by = "user" if name == action.actor_name else action.actor
        entry = {"type": event_type, "by": by, "clientAddress": "127.0.0.0/24"}
        assert [event for event in seen if event | entry == event], (name, seen)


@pytest.mark.parametrize("event_type", [name for name in ACTIONS if name != SecurityEventType.SIGN_IN_FAILED])
def test_event_is_in_the_transaction_of_the_change(
    event_type: SecurityEventType, cast: Cast, database: Database
) -> None:
    action = ACTIONS[event_type](cast)
    before = everything(database)
    places: list[str] = []
    while not places or places[-1] != "COMMIT":
        with Fault(database.engine, len(places) + 1) as fault:
            response = cast.callers[action.caller].call(*action.route.split(), action.body)
        places.append(fault.happened)
        assert response.status_code == 503, fault.happened
        assert everything(database) == before, fault.happened
    assert [place for place in places if "INSERT INTO security_events" in place]


def test_refused_change_records_nothing(cast: Cast, database: Database) -> None:
    ann, mia, ada = (cast.callers[name] for name in ("ann", "mia", "ada"))
    before = everything(database)
    assert ann.ok("PATCH", f"{USERS}/{cast.ids['bob']}", {"role": "owner"})["user"]["companyRole"] == "owner"
    assert ann.refused("DELETE", f"{USERS}/{cast.ids['ann']}")[0] == 400
    assert mia.refused("POST", USERS, {"email": "x@lumen.example"})[0] == 403
    assert ann.refused("DELETE", f"/webhooks/{'f' * 24}")[0] == 404
    assert ada.refused("PUT", "/auth/password", {"currentPassword": "wrong", "newPassword": NEW_PASSWORD})[0] == 400
    body = {"token": RESET_LINK.token(SECRETS["SECRET_KEY"], "f" * 24), "newPassword": NEW_PASSWORD}
    assert cast.callers["nobody"].refused("POST", "/auth/password/reset", body)[0] == 400
    assert everything(database) == before


def test_registration_is_a_sign_in(anonymous: Caller, database: Database) -> None:
    person = {"email": "a@example.com", "password": PASSWORD, "firstName": "A", "lastName": "B"}
    candidate = anonymous.ok("POST", "/auth/register/candidate", person)["user"]
    company = {"email": "b@example.com", "password": PASSWORD, "company": {"name": "X"}}
    owner = anonymous.ok("POST", "/auth/register/company", company)["user"]
    rows = [(row.type, row.user_id) for row in events(database)]
    assert rows == [("sign_in.succeeded", candidate["id"]), ("sign_in.succeeded", owner["id"])]


def test_first_sign_in_through_a_provider_is_recorded_once(
    app: Flask, database_url: str, anonymous: Caller, database: Database, tmp_path: Path
) -> None:
    """It takes the account from an owner that was never verified, and deletes the password."""
    person = {"email": "a@example.com", "password": PASSWORD, "firstName": "A", "lastName": "B"}
    candidate = anonymous.ok("POST", "/auth/register/candidate", person)["user"]
    settings = settings_for(tmp_path, pem(KEYS["RS256"]), IDP_SUBJECT_IS="email")
    provided_app = create_app(settings | {"DATABASE_URL": database_url})
    token = signed(claims("a@example.com", email_verified=True))
    caller = Caller(provided_app.test_client(), {"Authorization": f"Bearer {token}"})
    seen = [caller.ok("GET", ACTIVITY) for _ in range(2)][-1]
    service(Database, provided_app).dispose()
    assert [event["type"] for event in seen["events"]] == ["account.claimed", "sign_in.succeeded"]
    (row,) = events(database, SecurityEventType.ACCOUNT_CLAIMED)
    assert (row.user_id, row.actor, row.client_address) == (candidate["id"], "user", "127.0.0.0/24")


def test_disabled_webhook_is_recorded_for_each_owner(
    app: Flask, people: People, world: World, database: Database
) -> None:
    owner = world.company_user({"id": people.us_company_id}, role="owner")
    world.company_user({"id": people.us_company_id}, role="member")
    world.load()
    webhook_id = hook(database, people.us_company_id, "/gone")

    def answer_gone(*_about: Any) -> None:
        raise TargetGone("answered 410")

    with working(app, {Channel.WEBHOOK: answer_gone}):
        people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
        wait_for(lambda: people.us.ok("GET", "/webhooks")["webhooks"][0]["disabledAt"])
    with database.engine.begin() as connection:  # another delivery that was on its way
        WebhookHealthRepository(connection).record_gone(webhook_row(database, webhook_id), now())
    rows = events(database, SecurityEventType.WEBHOOK_DISABLED)
    assert {(row.user_id, row.actor, row.detail, row.client_address) for row in rows} == {
        (user_id, "system", webhook_id, None) for user_id in (people.us_user_id, owner["id"])
    }
    assert len(rows) == 2
    (event,) = people.us.ok("GET", ACTIVITY)["events"]
    assert (event["type"], event["by"], event["clientAddress"]) == ("webhook.disabled", "system", None)


def test_simultaneous_deletes_of_a_webhook_record_one_event(app: Flask, cast: Cast, database: Database) -> None:
    path = delete_webhook(cast).route.split()[1]

    def delete(_number: int) -> int:
        return Caller(app.test_client(), cast.callers["ann"].headers).call("DELETE", path).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(delete, range(4))) == [200, 404, 404, 404]
    assert len(events(database)) == 1


def test_simultaneous_changes_of_a_role_record_one_event(app: Flask, cast: Cast, database: Database) -> None:
    path = f"{USERS}/{cast.ids['mia']}"

    def promote(_number: int) -> int:
        return Caller(app.test_client(), cast.callers["ann"].headers).call("PATCH", path, {"role": "owner"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(promote, range(4))) == {200}
    assert len(events(database)) == 1


def test_addresses_of_persons_are_in_no_row(cast: Cast, client: FlaskClient, database: Database) -> None:
    """Neither the address of an invitation nor that of a colleague."""
    for event_type in ACTIONS:
        if event_type not in (SecurityEventType.PASSWORD_RESET, SecurityEventType.COLLEAGUE_JOINED):
            action = ACTIONS[event_type](cast)
            cast.callers[action.caller].call(*action.route.split(), action.body)
    rows = events(database)
    assert len(rows) >= 8
    assert "@" not in str(rows)

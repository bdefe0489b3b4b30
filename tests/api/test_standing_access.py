"""Calendar feeds, push subscriptions and sessions end when the owner takes the account back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, update

from interviews_api import create_app
from interviews_api.accounts.models import Session, User
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.notifications.models import Channel
from interviews_api.notifications.worker.fan_out import DeliveryFanOut
from interviews_api.services import service
from tests.api.test_identity_provider import claims, signed
from tests.support.accounts import bearer
from tests.support.api import PASSWORD, Caller, invitation
from tests.support.attacker import (
    ENDPOINT,
    FEED,
    NEW_PASSWORD,
    SUBSCRIPTIONS,
    UNAUTHORIZED,
    VICTIM,
    VICTIM_LOGIN,
    Attacker,
    push_statuses,
    reset_tokens,
)
from tests.support.browser import Browser
from tests.support.database_rows import everything, subscriptions
from tests.support.people import People
from tests.support.provider import KEYS, pem, settings_for
from tests.support.receivers import wait_for, working


@pytest.fixture
def victim_account(anonymous: Caller) -> dict[str, Any]:
    account: dict[str, Any] = anonymous.ok("POST", "/auth/register/candidate", VICTIM)
    return account


def test_attacker_has_nothing_after_a_reset(
    app: Flask, anonymous: Caller, people: People, database: Database, victim_account: dict[str, Any]
) -> None:
    """The attacker registered the victim's address first; deliveries to its browser were written before the reset."""
    attacker = Attacker(anonymous.client, victim_account)
    job = people.us.ok("POST", "/jobs", {"title": "Engineer"})
    application = attacker.caller.ok("POST", f"/jobs/{job['id']}/applications")
    people.us.ok("POST", "/interviews/schedule", invitation(application["applicationId"], notes="door code 4711"))
    assert b"4711" in attacker.anonymous.call("GET", attacker.feed).data
    with app.app_context(), transaction() as connection:
        DeliveryFanOut(connection).run(now())
    before, token = reset_tokens(database)[0], reset_tokens(database)[-1]
    anonymous.ok("POST", "/auth/password/reset", {"token": token, "newPassword": NEW_PASSWORD})
    attacker.assert_has_nothing(database)
    stolen = {"token": before, "newPassword": "the-attacker's-password"}
    assert anonymous.refused("POST", "/auth/password/reset", stolen) == (400, "Invalid reset token")
    pushed: list[Any] = []
    with working(app, {Channel.PUSH: lambda *push: pushed.append(push)}):
        wait_for(lambda: push_statuses(database) == ["suppressed"])
    assert pushed == []
    owner = bearer(anonymous.client, anonymous.ok("POST", "/auth/login", VICTIM_LOGIN | {"password": NEW_PASSWORD}))
    assert owner.ok("GET", SUBSCRIPTIONS) == {"subscriptions": [], "total": 0}
    assert owner.ok("GET", FEED) == {"isActive": False, "createdAt": None, "lastReadAt": None}


def test_attacker_has_nothing_after_a_change_of_password(
    anonymous: Caller, database: Database, victim_account: dict[str, Any]
) -> None:
    attacker = Attacker(anonymous.client, victim_account)
    (stolen,) = reset_tokens(database)
    owner = bearer(anonymous.client, anonymous.ok("POST", "/auth/login", VICTIM_LOGIN))
    change = {"currentPassword": "wrong", "newPassword": NEW_PASSWORD}
    before = everything(database)
    assert owner.refused("PUT", "/auth/password", change)[0] == 400
    assert everything(database) == before
    owner.ok("PUT", "/auth/password", change | {"currentPassword": PASSWORD})
    attacker.assert_has_nothing(database)
    body = {"token": stolen, "newPassword": "the-attacker's-password"}
    assert anonymous.refused("POST", "/auth/password/reset", body) == (400, "Invalid reset token")
    owner.ok("GET", "/candidate/interviews")


@pytest.mark.parametrize("subject_is", ["id", "email"])
def test_attacker_has_nothing_after_the_owner_comes_by_a_provider(
    subject_is: str, anonymous: Caller, database: Database, victim_account: dict[str, Any], tmp_path: Path
) -> None:
    attacker = Attacker(anonymous.client, victim_account)
    user_id = victim_account["user"]["id"]
    url = {"DATABASE_URL": database.engine.url.render_as_string(hide_password=False)}
    provided = create_app(settings_for(tmp_path, pem(KEYS["RS256"]), IDP_SUBJECT_IS=subject_is) | url)
    payload = claims(user_id) if subject_is == "id" else claims(VICTIM["email"], email_verified=True)
    owner = Caller(provided.test_client(), {"Authorization": f"Bearer {signed(payload)}"})
    owner.ok("GET", "/candidate/interviews")
    attacker.assert_has_nothing(database)
    assert anonymous.refused("POST", "/auth/login", VICTIM_LOGIN) == (401, "Invalid email or password")
    feed = owner.ok("POST", FEED)["url"].removeprefix("http://127.0.0.1:8000")
    owner.ok("POST", SUBSCRIPTIONS, Browser().subscription(ENDPOINT))
    owner.ok("GET", "/candidate/interviews")
    assert anonymous.call("GET", feed).status_code == 200, "only the first sign-in ends what there was"
    assert subscriptions(database) == [ENDPOINT]
    service(Database, provided).dispose()


def test_provider_leaves_a_verified_account_as_it_is(
    people: People, anonymous: Caller, database: Database, calendar_feed: str, tmp_path: Path
) -> None:
    url = {"DATABASE_URL": database.engine.url.render_as_string(hide_password=False)}
    provided = create_app(settings_for(tmp_path, pem(KEYS["RS256"])) | url)
    token = signed(claims(people.candidate_id))
    Caller(provided.test_client(), {"Authorization": f"Bearer {token}"}).ok("GET", "/candidate/interviews")
    assert anonymous.call("GET", calendar_feed).status_code == 200
    service(Database, provided).dispose()


@pytest.mark.parametrize(
    ("path", "body"), [(FEED, None), (SUBSCRIPTIONS, Browser().subscription(ENDPOINT))], ids=["feed", "push"]
)
def test_request_that_a_reset_overtakes_leaves_nothing(
    path: str, body: Any, anonymous: Caller, database: Database, victim_account: dict[str, Any], app: Flask
) -> None:
    """The request has begun, and waits, while the reset ends its session."""
    caller = bearer(app.test_client(), victim_account)
    user_id = victim_account["user"]["id"]
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            connection.execute(select(User.id).where(User.id == user_id).with_for_update())
            connection.execute(update(User).where(User.id == user_id).values(password_hash="x"))
            overtaken = pool.submit(caller.refused, "POST", path, body)
            with pytest.raises(TimeoutError):
                overtaken.result(timeout=0.5)
            connection.execute(delete(Session).where(Session.user_id == user_id))
        assert overtaken.result(timeout=30) == UNAUTHORIZED
    assert subscriptions(database) == []


def test_candidate_sees_its_subscriptions_and_feed(
    people: People, anonymous: Caller, headers: Callable[..., dict[str, str]]
) -> None:
    candidate = people.candidate
    empty = candidate.call("GET", SUBSCRIPTIONS)
    assert empty.get_json() == {
        "message": "Push subscriptions retrieved successfully", "data": {"subscriptions": [], "total": 0}
    }  # fmt: skip
    for number in range(3):
        candidate.ok("POST", SUBSCRIPTIONS, Browser().subscription(f"https://nobody.invalid/{number}"))
    listed = candidate.call("GET", SUBSCRIPTIONS + "?limit=2&skip=1")
    assert (listed.headers["Cache-Control"], listed.headers["Vary"]) == ("private, no-cache", "Authorization, Origin")
    assert (
        candidate.call("GET", SUBSCRIPTIONS + "?limit=2&skip=1", If_None_Match=listed.headers["ETag"]).status_code
        == 304
    )
    page = listed.get_json()["data"]
    assert [row["endpoint"] for row in page["subscriptions"]] == [f"https://nobody.invalid/{n}" for n in (1, 2)]
    assert page["subscriptions"][0].keys() == {"endpoint", "createdAt"}
    assert page["total"] == 3
    assert candidate.refused("GET", SUBSCRIPTIONS + "?limit=0")[0] == 400

    secret = candidate.ok("POST", FEED)["url"]
    shown = candidate.call("GET", FEED)
    assert shown.get_json()["message"] == "Calendar feed retrieved successfully"
    assert secret.rpartition("/")[2].removesuffix(".ics") not in shown.text
    state = shown.get_json()["data"]
    assert (state["isActive"], state["lastReadAt"]) == (True, None)
    created = state["createdAt"]
    reads = []
    for seconds in (0, 59, 61):
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=False):
            anonymous.call("GET", secret.removeprefix("http://127.0.0.1:8000"))
            reads.append(candidate.ok("GET", FEED)["lastReadAt"])
    assert reads[0] == reads[1] < reads[2], "written at most once a minute"
    candidate.ok("POST", FEED)
    assert candidate.ok("GET", FEED)["lastReadAt"] is None
    assert candidate.ok("GET", FEED)["createdAt"] >= created
    candidate.ok("DELETE", FEED)
    assert candidate.ok("GET", FEED)["isActive"] is False

"""Push subscriptions: one owner an endpoint, validated keys, and the public key."""

import base64
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from interviews_api import create_app
from interviews_api.config import Settings
from interviews_api.crypto.vapid import new_private_key, public_key, read_private_key
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.api import Caller
from tests.support.browser import Browser, encoded
from tests.support.database_rows import subscriptions
from tests.support.factories import World
from tests.support.people import People
from tests.support.settings import SETTINGS


def test_push_endpoint_has_one_owner(people: People, database: Database, app: Flask, headers: Any) -> None:
    browser, candidate = Browser(), people.candidate
    body = browser.subscription("https://nobody.invalid/1")
    for _ in range(2):
        candidate.ok("POST", "/candidate/push-subscriptions", body)
    assert len(subscriptions(database)) == 1
    registered = Caller(app.test_client(), {}).ok(
        "POST", "/auth/register/candidate",
        {"email": "other@example.com", "password": "good" * 3, "firstName": "O", "lastName": "T"},
    )  # fmt: skip
    other = Caller(app.test_client(), {"Authorization": f"Bearer {registered['accessToken']}"})
    other.ok("POST", "/candidate/push-subscriptions", body)
    assert candidate.ok("DELETE", "/candidate/push-subscriptions", {"endpoint": body["endpoint"]}) == {}
    assert len(subscriptions(database)) == 1  # it is the other's now
    other.ok("DELETE", "/candidate/push-subscriptions", {"endpoint": body["endpoint"]})
    assert subscriptions(database) == []


def test_candidate_sees_only_its_own_browsers_and_feed(
    people: People, world: World, headers: Any, client: FlaskClient
) -> None:
    other = world.candidate()
    world.load()
    stranger = Caller(client, headers(other["id"]))
    body = Browser().subscription("https://nobody.invalid/1")
    people.candidate.ok("POST", "/candidate/push-subscriptions", body)
    secret = people.candidate.ok("POST", "/candidate/calendar-feed")["url"].rpartition("/")[2].removesuffix(".ics")
    for caller, count in ((people.candidate, 1), (stranger, 0)):
        listed = caller.call("GET", "/candidate/push-subscriptions")
        assert listed.get_json()["data"]["total"] == len(listed.get_json()["data"]["subscriptions"]) == count
        assert body["keys"]["p256dh"] not in listed.text
        assert body["keys"]["auth"] not in listed.text
        shown = caller.call("GET", "/candidate/calendar-feed")
        assert shown.get_json()["data"].keys() == {"isActive", "createdAt", "lastReadAt"}
        assert shown.get_json()["data"]["isActive"] == bool(count)
        assert secret not in shown.text
        for response in (listed, shown):
            assert response.headers["Cache-Control"] == "private, no-cache"
            assert caller.call("GET", response.request.path, If_None_Match=response.headers["ETag"]).status_code == 304


P256DH = public_key(read_private_key(new_private_key()))
AUTH = encoded(b"x" * 16)


@pytest.mark.parametrize(("wrong", "named"), [
    ({"keys": {"p256dh": "AAAA", "auth": AUTH}}, ["keys.p256dh"]),
    ({"keys": {"p256dh": P256DH, "auth": encoded(b"short")}}, ["keys.auth"]),
    ({"keys": {"p256dh": P256DH, "auth": "*"}}, ["keys.auth"]),
    ({"keys": {"p256dh": "*", "auth": "*"}}, ["keys.p256dh", "keys.auth"]),
    ({"keys": {"p256dh": "A" * 201, "auth": AUTH}}, ["keys.p256dh"]),
    ({"keys": {"auth": AUTH}}, ["keys.p256dh"]),
    ({"keys": None}, ["keys"]),
    ({"other": 1}, ["other"]),
    ({"endpoint": None}, ["endpoint"]),
    *(({"expirationTime": bad}, ["expirationTime"]) for bad in ("1", "soon", True, [], {}, [1])),
])  # fmt: skip
def test_invalid_subscription_is_refused(wrong: Any, named: list[str], people: People) -> None:
    body = Browser().subscription("https://nobody.invalid/1") | wrong
    response = people.candidate.call("POST", "/candidate/push-subscriptions", body)
    assert response.status_code == 400
    assert list(response.get_json()["details"]) == named
    assert response.get_json()["message"].startswith(named[0])


@pytest.mark.parametrize("when", [None, 0, 1764000000000, 1764000000000.5])
def test_expiration_is_a_number_or_null(when: object, people: People) -> None:
    body = Browser().subscription("https://nobody.invalid/1") | {"expirationTime": when}
    people.candidate.ok("POST", "/candidate/push-subscriptions", body)


def test_public_key_is_shown_when_configured(app: Flask, runner: FlaskCliRunner) -> None:
    assert Caller(app.test_client(), {}).refused("GET", "/push/public-key") == (404, "Web Push is not set up")
    line, comment = runner.invoke(args=["push", "keys"]).output.strip().splitlines()
    private, public = line.partition("=")[2], comment.rpartition(" ")[2]
    url = service(Settings, app).database_url
    with_key = {"DATABASE_URL": url, "VAPID_PRIVATE_KEY": private, "VAPID_SUBJECT": "mailto:ops@jobs.example"}
    other = create_app(SETTINGS | with_key)
    assert Caller(other.test_client(), {}).ok("GET", "/push/public-key") == {"publicKey": public}
    assert len(base64.urlsafe_b64decode(public + "=")) == 65
    service(Database, other).dispose()

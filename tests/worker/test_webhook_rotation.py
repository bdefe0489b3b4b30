"""Tests of webhooks, and signatures during and after a rotation, verified by the libraries that receivers use."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select, update
from standardwebhooks import Webhook as StandardVerifier
from svix.webhooks import Webhook as SvixVerifier

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.webhook import WebhookSender
from interviews_api.notifications.models import Channel, Webhook
from tests.support.api import invitation
from tests.support.openapi import is_valid
from tests.support.people import People
from tests.support.receivers import HttpsReceiver, wait_for, working
from tests.support.webhooks import hook

FAST: dict[str, Any] = {"backoff": lambda _attempts: timedelta(seconds=0.1)}
VERIFIERS: list[Callable[[str], Any]] = [StandardVerifier, SvixVerifier]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpsReceiver]:
    receiver = HttpsReceiver(tmp_path, seconds=2)
    yield receiver
    receiver.stop()


@pytest.fixture
def senders(receiver: HttpsReceiver) -> dict[Channel, Any]:
    return {Channel.WEBHOOK: WebhookSender(receiver.https_client)}


def secret_of(database: Database, webhook_id: str) -> str:
    with database.reads.connection() as connection:
        return str(connection.execute(select(Webhook.secret).where(Webhook.id == webhook_id)).scalar_one())


def verifies(verifier: Callable[[str], Any], secret: str, request: Any) -> bool:
    try:
        verifier(secret).verify(request.body, dict(request.headers))
    except Exception as error:
        assert "signature" in str(error)  # noqa: PT017  # the two libraries have errors of their own
        return False
    return True


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_each_secret_verifies_during_a_rotation(
    verifier: Callable[[str], Any], app: Flask, people: People, database: Database, receiver: HttpsReceiver,
    senders: dict[Channel, Any],
) -> None:  # fmt: skip
    us, webhook_id = people.us, hook(database, people.us_company_id, "/ok")
    secrets = [secret_of(database, webhook_id)]

    def deliver(count: int) -> Any:
        """Send a test and the event of an interview, and return the last request."""
        us.ok("POST", f"/webhooks/{webhook_id}/test")
        us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, days=2 + count))
        wait_for(lambda: len(receiver.requests) == 2 * count)
        return receiver.requests[-2:]

    with working(app, senders, **FAST):
        for count in (1, 2, 3):
            for request in deliver(count):
                assert [verifies(verifier, secret, request) for secret in secrets] == [True] * count
                assert len(request.headers["webhook-signature"].split(" ")) == count
                document = app.test_client().get("/openapi.json").get_json()
                for header in document["webhooks"]["interviewChange"]["post"]["parameters"]:
                    assert is_valid(document, header["schema"], request.headers[header["name"]])
            secrets.append(us.ok("POST", f"/webhooks/{webhook_id}/rotate-secret")["secret"])
        with database.engine.begin() as connection:  # a day later
            previous = connection.execute(select(Webhook.previous_secrets)).scalar_one()
            ended = [[secret, int(now().timestamp())] for secret, _ in previous]
            connection.execute(update(Webhook).values(previous_secrets=ended))
        for request in deliver(4):
            assert [verifies(verifier, secret, request) for secret in secrets] == [False, False, False, True]
            assert " " not in request.headers["webhook-signature"]


def test_test_message_is_delivered_and_listed(
    app: Flask, people: People, database: Database, receiver: HttpsReceiver, senders: dict[Channel, Any],
    runner: FlaskCliRunner,
) -> None:  # fmt: skip
    """Also by a webhook that has another event alone, and not to other webhooks of the company."""
    webhook_id = hook(database, people.us_company_id, "/ok")
    hook(database, people.us_company_id, "/other")
    path = f"/webhooks/{webhook_id}"
    people.us.ok("PATCH", path, {"events": ["interview.cancelled"]})
    queued = people.us.ok("POST", f"{path}/test")
    with working(app, senders, **FAST):
        wait_for(lambda: people.us.ok("GET", f"{path}/deliveries")["deliveries"][0]["status"] == "sent")
    (request,) = receiver.requests
    assert request.path == "/ok"
    assert request.headers["webhook-id"] == queued["id"]
    body = json.loads(request.body)
    assert body == {"type": "webhook.test", "timestamp": queued["at"], "data": {"webhookId": webhook_id}}
    document = app.test_client().get("/openapi.json").get_json()
    schema = document["webhooks"]["webhookTest"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert is_valid(document, schema, body)
    assert not is_valid(document, schema, body | {"type": "interview.confirmed"})
    assert people.us.ok("GET", f"{path}/deliveries")["deliveries"] == [
        queued | {"status": "sent", "attempts": 1, "lastStatusCode": 200}
    ]
    assert "webhook test" in runner.invoke(args=["deliveries", "list", "--status", "sent"]).output


@pytest.mark.parametrize(
    ("address", "status_code"), [("/500", 500), ("/redirect", 302), ("/410", 410), ("/hang", None)]
)
def test_test_is_retried_with_the_status_of_the_last_response(
    address: str, status_code: int | None, app: Flask, people: People, database: Database, receiver: HttpsReceiver,
    senders: dict[Channel, Any],
) -> None:  # fmt: skip
    path = f"/webhooks/{hook(database, people.us_company_id, address)}"
    people.us.ok("POST", f"{path}/test")

    def listed() -> Any:
        (delivery,) = people.us.ok("GET", f"{path}/deliveries")["deliveries"]
        return delivery

    attempts = 1 if address in ("/410", "/hang") else 3
    with working(app, senders, **FAST):
        wait_for(lambda: len(receiver.requests) >= attempts and listed()["attempts"] >= attempts)
        wait_for(lambda: listed()["lastStatusCode"] == status_code)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert listed()["status"] == ("failed" if status_code == 410 else "pending")
    (webhook,) = people.us.ok("GET", "/webhooks")["webhooks"]
    assert (webhook["disabledAt"] is not None) == (status_code == 410)


def test_pending_test_follows_its_webhook(
    app: Flask, people: People, database: Database, receiver: HttpsReceiver, senders: dict[Channel, Any]
) -> None:
    """To its new address; not at all while it is disabled or once it was deleted."""
    moved, disabled, deleted = (hook(database, people.us_company_id, f"/500/{number}") for number in range(3))
    for webhook_id in (moved, disabled, deleted):
        people.us.ok("POST", f"/webhooks/{webhook_id}/test")
    people.us.ok("PATCH", f"/webhooks/{moved}", {"url": "https://a.hooks.example/ok"})
    people.us.ok("PATCH", f"/webhooks/{disabled}", {"enabled": False})
    people.us.ok("DELETE", f"/webhooks/{deleted}")
    with working(app, senders, **FAST):
        wait_for(lambda: people.us.ok("GET", f"/webhooks/{moved}/deliveries")["deliveries"][0]["status"] == "sent")
        wait_for(
            lambda: people.us.ok("GET", f"/webhooks/{disabled}/deliveries")["deliveries"][0]["status"] == "suppressed"
        )
    assert [request.path for request in receiver.requests] == ["/ok"]
    assert people.us.refused("GET", f"/webhooks/{deleted}/deliveries") == (404, "Webhook not found")

"""Webhooks: signatures, retries, and slow receivers that hold up no other delivery."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from standardwebhooks import Webhook as Verifier

from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.https_client import HttpsClient
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.channels.webhook import WebhookSender
from interviews_api.notifications.commands import CONCURRENCY
from interviews_api.notifications.models import Channel, Delivery, Webhook
from interviews_api.services import service
from tests.support.api import invitation
from tests.support.openapi import is_valid
from tests.support.people import People
from tests.support.receivers import HttpsReceiver, Mailbox, wait_for, working
from tests.support.webhooks import hook


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpsReceiver]:
    receiver = HttpsReceiver(tmp_path, seconds=2)
    yield receiver
    receiver.stop()


def rows(database: Database) -> list[Any]:
    with database.reads.connection() as connection:
        hooks = select(Delivery).where(Delivery.channel == Channel.WEBHOOK)
        return list(connection.execute(hooks.order_by(Delivery.id)))


def test_webhook_signature_is_verified_independently(
    app: Flask, people: People, database: Database, receiver: HttpsReceiver
) -> None:
    us = people.us
    webhook_id = hook(database, people.us_company_id, "/ok")
    hook(database, people.them_company_id, "/foreign")
    with working(app, {Channel.WEBHOOK: WebhookSender(receiver.https_client)}):
        request_body = invitation(people.us_application_id, internalNotes="for us")
        interview_id = us.ok("POST", "/interviews/schedule", request_body)["interviewId"]
        wait_for(lambda: [row.status for row in rows(database)] == ["sent"])
    (request,) = receiver.requests
    with database.reads.connection() as connection:
        secret = connection.execute(select(Webhook.secret).where(Webhook.id == webhook_id)).scalar_one()
    body = Verifier(secret).verify(request.body, request.headers)
    (event,) = people.candidate.ok("GET", f"/candidate/interviews/{interview_id}/timeline")["events"]
    assert request.headers["webhook-id"] == str(event["id"])
    assert body == {
        "type": "interview.scheduled", "timestamp": event["at"],
        "data": {"id": event["id"], "at": event["at"], "by": "company",
                 "interview": us.ok("GET", f"/interviews/{interview_id}")},
    }  # fmt: skip
    document = app.test_client().get("/openapi.json").get_json()
    operation = document["webhooks"]["interviewChange"]["post"]
    (media_type,) = operation["requestBody"]["content"].values()
    assert is_valid(document, media_type["schema"], body)
    assert not is_valid(document, media_type["schema"], body | {"type": "interview.nudge"})
    assert {header["name"] for header in operation["parameters"]} == {
        "webhook-id", "webhook-timestamp", "webhook-signature",
    }  # fmt: skip
    for header in operation["parameters"]:
        assert is_valid(document, header["schema"], request.headers[header["name"]])
    assert {"2XX", "410"} <= set(operation["responses"])
    for wrong in (request.body + b" ", request.body.replace(b"for us", b"for me")):
        with pytest.raises(Exception, match="signature"):
            Verifier(secret).verify(wrong, request.headers)


def test_webhook_is_retried_with_the_same_id(
    app: Flask, people: People, database: Database, receiver: HttpsReceiver
) -> None:
    flaky, gone = (hook(database, people.us_company_id, path) for path in ("/500/flaky", "/410"))
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    senders = {Channel.WEBHOOK: WebhookSender(receiver.https_client)}
    with working(app, senders, backoff=lambda _attempts: timedelta(seconds=0.1)):
        wait_for(lambda: sum(request.path == "/500/flaky" for request in receiver.requests) >= 3)
    tried = [request.headers for request in receiver.requests if request.path == "/500/flaky"]
    assert len({headers["webhook-id"] for headers in tried}) == 1
    by_target = {row.target_id: row for row in rows(database)}
    assert (by_target[flaky].status, by_target[flaky].error) == ("pending", "answered 500")
    assert by_target[gone].status == "failed"
    webhooks = {webhook["id"]: webhook for webhook in people.us.ok("GET", "/webhooks")["webhooks"]}
    assert webhooks[gone]["disabledAt"]
    assert not webhooks[flaky]["disabledAt"]


def test_webhook_redirect_is_not_followed(
    app: Flask, people: People, database: Database, receiver: HttpsReceiver
) -> None:
    hook(database, people.us_company_id, "/redirect")
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with working(app, {Channel.WEBHOOK: WebhookSender(receiver.https_client)}):
        wait_for(lambda: [row.error for row in rows(database)] == ["answered 302"])
    assert [request.path for request in receiver.requests] == ["/redirect"]


def test_bad_receivers_hold_up_no_other_delivery(
    app: Flask, people: People, database: Database, receiver: HttpsReceiver
) -> None:
    """Sixteen good receivers, then four bad ones beside them: one hangs, two drip, one answers a gigabyte."""
    mailbox = Mailbox()
    bad = ["/hang", "/drip/close", "/drip/status", "/gigabyte"]
    good = [f"/ok/{number}" for number in range(16)]
    settings = replace(
        service(Settings, app), smtp_host="127.0.0.1", smtp_port=mailbox.port, smtp_tls="none"
    )  # fmt: skip
    senders = {Channel.WEBHOOK: WebhookSender(receiver.https_client), Channel.EMAIL: mail_sender(settings)}
    target_ids = {path: hook(database, people.us_company_id, path) for path in good}

    def deliver(first: int, count: int, seconds: float) -> float:
        """Return the seconds until each good receiver and the mailbox have so many new events."""
        began, seen = time.monotonic(), len(mailbox.messages)
        for number in range(first, first + count):
            people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, days=3 + number))
        wait_for(lambda: len(mailbox.messages) == seen + count, began + seconds - time.monotonic())
        heard = (first + count) * len(good)
        wait_for(lambda: sum(it.path in good for it in receiver.requests) == heard, began + seconds - time.monotonic())
        return time.monotonic() - began

    def first_of(path: str) -> Any:
        return next(row for row in rows(database) if row.target_id == target_ids[path])

    with working(app, senders, concurrency=32):
        alone = deliver(0, 9, 30)
        target_ids |= {path: hook(database, people.us_company_id, path) for path in bad}
        deliver(9, 9, alone + 5)
        assert sum(it.path == "/hang" for it in receiver.requests) == 1  # the others wait for their turn
        wait_for(lambda: first_of("/hang").error and first_of("/drip/status").error)
        wait_for(lambda: first_of("/drip/close").status == first_of("/gigabyte").status == "sent")
        deliver(18, 2, alone + 5)  # 20 open interviews are the most
    mailbox.stop()
    assert {first_of(path).error for path in ("/hang", "/drip/status")} == {"no answer: TimeoutError"}
    assert json.loads(receiver.requests[0].body)["type"] == "interview.scheduled"


def test_bad_receivers_of_a_company_delay_no_other_company(
    app: Flask, people: People, database: Database, tmp_path: Path
) -> None:
    """Twice as many as the product has slots, with the product's own limit on an attempt."""
    receiver = HttpsReceiver(tmp_path)
    for number in range(130):
        hook(database, people.us_company_id, f"/hang/{number}")
    hook(database, people.them_company_id, "/ok")
    with working(
        app, {Channel.WEBHOOK: WebhookSender(receiver.https_client)}, concurrency=CONCURRENCY[Channel.WEBHOOK]
    ):
        people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
        wait_for(lambda: len(receiver.requests) > 8)
        time.sleep(1)
        people.them.ok("POST", "/interviews/schedule", invitation(people.them_application_id, days=4))
        wait_for(lambda: any(request.path == "/ok" for request in receiver.requests), 10)
        receiver.is_over.set()
    receiver.stop()


def test_webhook_name_that_became_private_is_refused(app: Flask, people: People, database: Database) -> None:
    hook(database, people.us_company_id, "/ok")
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with working(app, {Channel.WEBHOOK: WebhookSender(HttpsClient(lambda _host: ["127.0.0.1"]))}):
        wait_for(lambda: [row.status for row in rows(database)] == ["failed"])
    assert rows(database)[0].error == "It leads into a private network."

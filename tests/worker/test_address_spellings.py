"""What leaves the worker has e-mail addresses and links in their form on the wire, however they are stored."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from interviews_api.accounts.models import User
from interviews_api.crypto.vapid import new_private_key, read_private_key
from interviews_api.db.connections import Database
from interviews_api.interviews.models import Interview
from interviews_api.notifications.channels.web_push import PushSender
from interviews_api.notifications.channels.webhook import WebhookSender
from interviews_api.notifications.delivery_errors import Sender
from interviews_api.notifications.models import Channel, PushSubscription
from tests.support.addresses import MAILBOX
from tests.support.api import invitation
from tests.support.browser import Browser
from tests.support.people import People
from tests.support.receivers import HttpsReceiver, Mailbox, wait_for, working
from tests.support.webhooks import hook

STORED, URI = "HTTPS://Bücher.example/ü\u200b?x=[1]", "https://xn--bcher-kva.example/%C3%BC?x=%5B1%5D"
PATH, SENT_PATH = '/ok/{1}?x="%20%', "/ok/%7B1%7D?x=%22%20%25"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpsReceiver]:
    receiver = HttpsReceiver(tmp_path, seconds=2)
    yield receiver
    receiver.stop()


def test_stored_addresses_and_links_are_sent_in_their_form_on_the_wire(
    app: Flask,
    people: People,
    database: Database,
    mail: dict[Channel, Sender],
    mailbox: Mailbox,
    receiver: HttpsReceiver,
) -> None:
    people.candidate.ok("POST", "/candidate/push-subscriptions", Browser().subscription("https://nobody.invalid/"))
    hook(database, people.us_company_id, PATH)
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, type="Video", meetingLink=URI))
    with database.engine.begin() as connection:  # as older rules stored them
        of_candidate = update(User).where(User.id == people.candidate_id)
        connection.execute(of_candidate.values(email="ada@BU\u0308CHER.example"))
        connection.execute(update(Interview).values(meeting_link=STORED))
        connection.execute(update(PushSubscription).values(endpoint=f"https://b.hooks.example{PATH}"))
    senders = mail | {
        Channel.WEBHOOK: WebhookSender(receiver.https_client),
        Channel.PUSH: PushSender(receiver.https_client, read_private_key(new_private_key()), "mailto:ops@jobs.example"),
    }
    with working(app, senders):
        wait_for(lambda: mailbox.messages and len(receiver.requests) == 2)
    assert mailbox.attempts == [MAILBOX]
    (message,) = mailbox.messages
    assert message["To"] == MAILBOX
    text, html, calendar = (part.get_content() for part in message.iter_parts())  # type: ignore[attr-defined]
    assert URI in text
    assert URI in html
    lines = calendar.replace("\r\n", "\n").replace("\n ", "").splitlines()
    assert {f"URL:{URI}", f"LOCATION:{URI}"} <= set(lines)
    assert [line.rpartition(":mailto:")[2] for line in lines if line.startswith("ATTENDEE")] == [f"{MAILBOX}"]
    assert [request.path for request in receiver.requests] == [SENT_PATH] * 2
    bodies = [request.body for request in receiver.requests if "webhook-id" in request.headers]
    assert [json.loads(body)["data"]["interview"]["meetingLink"] for body in bodies] == [URI]

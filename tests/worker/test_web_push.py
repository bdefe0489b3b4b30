"""Web Push to a receiver that decrypts as a browser does (RFC 8291)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import select

from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.crypto.vapid import new_private_key, public_key, read_private_key
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.https_client import HttpsClient
from interviews_api.notifications.channels.web_push import PushSender
from interviews_api.notifications.commands import senders
from interviews_api.notifications.delivery_errors import Obsolete, Rejected, RetryLater
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.services import service
from tests.support.api import Caller, invitation
from tests.support.browser import Browser
from tests.support.database_rows import subscriptions
from tests.support.factories import World
from tests.support.people import People
from tests.support.receivers import HttpsReceiver, wait_for, working


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpsReceiver]:
    receiver = HttpsReceiver(tmp_path, seconds=2)
    yield receiver
    receiver.stop()


def deliveries(database: Database) -> list[Any]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery).where(Delivery.channel == "push").order_by(Delivery.id)))


def test_browser_decrypts_a_push(
    app: Flask, people: People, database: Database, receiver: HttpsReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    browser, gone, key = Browser(), Browser(), read_private_key(new_private_key())
    candidate = people.candidate
    endpoint = "https://push.hooks.example/ok"
    for target, address in ((browser, endpoint), (gone, "https://push.hooks.example/410")):
        subscription = target.subscription(address)
        assert candidate.ok("POST", "/candidate/push-subscriptions", subscription) == {"endpoint": address}
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with working(app, {Channel.PUSH: PushSender(receiver.https_client, key, "mailto:ops@jobs.example")}):
        wait_for(lambda: sorted(row.status for row in deliveries(database)) == ["failed", "sent"])
    request = next(arrived for arrived in receiver.requests if arrived.path == "/ok")
    (event,) = candidate.ok("GET", f"/candidate/interviews/{interview['interviewId']}/timeline")["events"]
    assert browser.decrypt(request.body) == {
        "id": event["id"], "event": "interview.scheduled", "title": "Interview invitation",
        "body": "Senior Frontend Developer - us", "interviewId": interview["interviewId"],
        "scheduledDate": interview["scheduledDate"], "timeZone": "UTC",
    }  # fmt: skip
    assert request.headers["topic"] == str(event["id"])
    assert (request.headers["content-encoding"], request.headers["ttl"]) == ("aes128gcm", "86400")
    scheme, _, rest = request.headers["authorization"].partition(" ")
    token, shown_key = rest.removeprefix("t=").split(", k=")
    assert (scheme, shown_key) == ("vapid", public_key(key))
    claims = jwt.decode(token, key.public_key(), ["ES256"], audience="https://push.hooks.example")
    assert claims["sub"] == "mailto:ops@jobs.example"
    assert subscriptions(database) == [endpoint]  # 410: nobody there any more
    assert [row.recipient for row in deliveries(database)] == ["push.hooks.example"] * 2
    assert "/ok" not in caplog.text


def test_pending_push_does_not_reach_the_next_owner(
    app: Flask, people: People, database: Database, headers: Any
) -> None:
    us, body = people.us, Browser().subscription("https://nobody.invalid/1")
    other = World(app)
    other.content = {"candidates": [{"id": "f" * 24, "email": "next@example.com", "firstName": "N", "lastName": "X"}]}
    other.load()
    people.candidate.ok("POST", "/candidate/push-subscriptions", body)
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/interviews/{interview['interviewId']}/notices"
    (waiting,) = [
        notice
        for notice in us.ok("GET", path)["notices"]
        if (notice["channel"], notice["status"]) == ("push", "pending")
    ]
    Caller(app.test_client(), headers("f" * 24)).ok("POST", "/candidate/push-subscriptions", body)
    sent: list[Any] = []
    with working(app, {Channel.PUSH: lambda *notice: sent.append(notice)}):
        wait_for(lambda: [row.status for row in deliveries(database)] == ["suppressed"])
        us.ok("POST", f"{path}/{waiting['id']}/resend")
        wait_for(lambda: [row.status for row in deliveries(database)] == ["suppressed"] * 2)
    assert sent == []
    assert {row.error for row in deliveries(database)} == {"the recipient is no longer there"}
    assert len(subscriptions(database)) == 1


@pytest.mark.parametrize(
    ("path", "failure", "words"),
    [("/413", Rejected, "too large"), ("/500", RetryLater, "answered 500"), ("/hang", RetryLater, "no answer")],
)
def test_push_service_refusals_are_classified(
    path: str, failure: type[Exception], words: str, receiver: HttpsReceiver
) -> None:
    with pytest.raises(failure, match=words):
        send(receiver.https_client, f"https://push.hooks.example{path}")


def test_reminder_is_pushed_urgently_and_only_until_the_start(receiver: HttpsReceiver) -> None:
    begins_in = timedelta(minutes=30)
    send(
        receiver.https_client, "https://push.hooks.example/ok", event_type="interview.reminder",
        starts_at=now() + begins_in,
    )  # fmt: skip
    (request,) = receiver.requests
    assert request.headers["urgency"] == "high"
    assert begins_in.total_seconds() - 30 < int(request.headers["ttl"]) <= begins_in.total_seconds()


def test_private_push_endpoint_is_rejected() -> None:
    with pytest.raises(Rejected, match="private"):
        send(HttpsClient(lambda _host: ["10.0.0.1"]), "https://push.example/x")


def send(https_client: HttpsClient, endpoint: str, **values: object) -> None:
    subscription = Browser().subscription(endpoint)
    sender = PushSender(https_client, read_private_key(new_private_key()), "mailto:ops@jobs.example")
    about = {
        "key": "1", "event_id": 1, "event_type": "interview.nudge", "job_title": "Baker", "company_name": "Us",
        "interview_id": "a" * 24, "starts_at": now(), "time_zone": "UTC",
    } | values  # fmt: skip
    sender({"endpoint": endpoint, **subscription["keys"]}, about)  # type: ignore[arg-type]


def test_without_a_key_pushes_are_suppressed(app: Flask) -> None:
    with pytest.raises(Obsolete, match="not set up"):
        senders(service(Settings, app), HttpsClient())[Channel.PUSH](None, None)  # type: ignore[arg-type]
    keyed = replace(service(Settings, app), vapid_private_key=new_private_key(), vapid_subject="mailto:a@b.example")
    assert isinstance(senders(keyed, HttpsClient())[Channel.PUSH], PushSender)

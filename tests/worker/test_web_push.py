"""Web Push: a real endpoint that decrypts what it gets, as a browser would (RFC 8291), written after the RFC alone."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from interviews_api import create_app
from interviews_api.clock import now
from interviews_api.crypto.vapid import new_private_key, public_key, read_private_key
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.delivery_errors import Obsolete, Rejected, RetryLater
from interviews_api.notifications.channels.https_client import HttpsClient
from interviews_api.notifications.channels.web_push import PushSender
from interviews_api.notifications.commands import senders
from interviews_api.notifications.models import Channel, Delivery, PushSubscription
from tests.conftest import SETTINGS
from tests.support.api import Caller, invitation
from tests.support.factories import World
from tests.support.receivers import HttpsReceiver, wait_for, working


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Browser:
    """With its keys, and what it makes of a message."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        self._auth = b"0123456789abcdef"
        self._public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, endpoint: str) -> dict[str, Any]:
        keys = {"p256dh": encoded(self._public), "auth": encoded(self._auth)}
        return {"endpoint": endpoint, "expirationTime": None, "keys": keys}

    def decrypt(self, body: bytes) -> Any:
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size
        shared = self._key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender))

        def derive(secret: bytes, salt: bytes, info: bytes, count: int) -> bytes:
            return HKDF(hashes.SHA256(), count, salt, info).derive(secret)

        ikm = derive(shared, self._auth, b"WebPush: info\0" + self._public + sender, 32)
        key = derive(ikm, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = derive(ikm, salt, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
        assert plain[-1:] == b"\2"  # RFC 8188, section 2: the last record
        return json.loads(plain[:-1])


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpsReceiver]:
    made = HttpsReceiver(tmp_path, seconds=2)
    yield made
    made.stop()


def deliveries(database: Database) -> list[Any]:
    with database.reader.connect() as connection:
        return list(connection.execute(select(Delivery).where(Delivery.channel == "push").order_by(Delivery.id)))


def subscriptions(database: Database) -> list[str]:
    with database.reader.connect() as connection:
        return list(connection.execute(select(PushSubscription.endpoint).order_by(PushSubscription.id)).scalars())


def test_a_browser_reads_it(
    app: Flask, people: dict[str, Any], database: Database, receiver: HttpsReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    browser, gone, key = Browser(), Browser(), read_private_key(new_private_key())
    candidate = people["candidate"]
    endpoint = "https://push.hooks.example/ok"
    for one, address in ((browser, endpoint), (gone, "https://push.hooks.example/410")):
        assert candidate.ok("POST", "/candidate/push-subscriptions", one.subscription(address)) == {"endpoint": address}
    made = people["us"].ok("POST", "/interviews/schedule", invitation(people["us application"]))
    with working(app, {Channel.PUSH: PushSender(receiver.https_client, key, "mailto:ops@jobs.example")}):
        wait_for(lambda: sorted(row.status for row in deliveries(database)) == ["failed", "sent"])
    request = next(one for one in receiver.requests if one.path == "/ok")
    (event,) = candidate.ok("GET", f"/candidate/interviews/{made['interviewId']}/timeline")["events"]
    assert browser.decrypt(request.body) == {
        "id": event["id"], "event": "interview.scheduled", "title": "Interview invitation",
        "body": "Senior Frontend Developer - us", "interviewId": made["interviewId"],
        "scheduledDate": made["scheduledDate"], "timeZone": "UTC",
    }  # fmt: skip
    assert request.headers["topic"] == str(event["id"])
    assert (request.headers["content-encoding"], request.headers["ttl"]) == ("aes128gcm", "86400")
    scheme, _, rest = request.headers["authorization"].partition(" ")
    token, shown = rest.removeprefix("t=").split(", k=")
    assert (scheme, shown) == ("vapid", public_key(key))
    claims = jwt.decode(token, key.public_key(), ["ES256"], audience="https://push.hooks.example")
    assert claims["sub"] == "mailto:ops@jobs.example"
    assert subscriptions(database) == [endpoint]  # 410: nobody there any more
    assert [row.recipient for row in deliveries(database)] == ["push.hooks.example"] * 2
    assert "/ok" not in caplog.text


def test_the_same_endpoint_has_one_owner_and_can_be_left(
    people: dict[str, Any], database: Database, app: Flask, headers: Any
) -> None:
    browser, candidate = Browser(), people["candidate"]
    body = browser.subscription("https://nobody.invalid/1")
    for _ in range(2):
        candidate.ok("POST", "/candidate/push-subscriptions", body)
    assert len(subscriptions(database)) == 1
    registered = Caller(app.test_client(), {}).ok(
        "POST", "/auth/register/candidate",
        {"email": "other@example.com", "password": "x" * 10, "firstName": "O", "lastName": "T"},
    )  # fmt: skip
    other = Caller(app.test_client(), {"Authorization": f"Bearer {registered['accessToken']}"})
    other.ok("POST", "/candidate/push-subscriptions", body)
    assert candidate.ok("DELETE", "/candidate/push-subscriptions", {"endpoint": body["endpoint"]}) == {}
    assert len(subscriptions(database)) == 1  # it is the other's now
    other.ok("DELETE", "/candidate/push-subscriptions", {"endpoint": body["endpoint"]})
    assert subscriptions(database) == []


def test_what_waits_for_one_owner_never_goes_to_the_next(
    app: Flask, people: dict[str, Any], database: Database, headers: Any
) -> None:
    us, body = people["us"], Browser().subscription("https://nobody.invalid/1")
    other = World(app)
    other.content = {"candidates": [{"id": "f" * 24, "email": "next@example.com", "firstName": "N", "lastName": "X"}]}
    other.load()
    people["candidate"].ok("POST", "/candidate/push-subscriptions", body)
    made = us.ok("POST", "/interviews/schedule", invitation(people["us application"]))
    path = f"/interviews/{made['interviewId']}/notices"
    (waiting,) = [
        one for one in us.ok("GET", path)["notices"] if (one["channel"], one["status"]) == ("push", "pending")
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
def test_a_subscription_that_is_none_is_refused(wrong: Any, named: list[str], people: dict[str, Any]) -> None:
    body = Browser().subscription("https://nobody.invalid/1") | wrong
    response = people["candidate"].call("POST", "/candidate/push-subscriptions", body)
    assert response.status_code == 400
    assert list(response.get_json()["details"]) == named
    assert response.get_json()["message"].startswith(named[0])


@pytest.mark.parametrize("when", [None, 0, 1764000000000, 1764000000000.5])
def test_an_expiration_is_a_number_or_null(when: object, people: dict[str, Any]) -> None:
    body = Browser().subscription("https://nobody.invalid/1") | {"expirationTime": when}
    people["candidate"].ok("POST", "/candidate/push-subscriptions", body)


def test_the_key_is_public_where_there_is_one(app: Flask, runner: FlaskCliRunner) -> None:
    assert Caller(app.test_client(), {}).refused("GET", "/push/public-key") == (404, "Web Push is not set up")
    line, comment = runner.invoke(args=["push", "keys"]).output.strip().splitlines()
    private, public = line.partition("=")[2], comment.rpartition(" ")[2]
    url = app.extensions["settings"].database_url
    with_key = {"DATABASE_URL": url, "VAPID_PRIVATE_KEY": private, "VAPID_SUBJECT": "mailto:ops@jobs.example"}
    other = create_app(SETTINGS | with_key)
    assert Caller(other.test_client(), {}).ok("GET", "/push/public-key") == {"publicKey": public}
    assert len(base64.urlsafe_b64decode(public + "=")) == 65
    other.extensions["database"].dispose()


@pytest.mark.parametrize(
    ("path", "failure", "words"),
    [("/413", Rejected, "too large"), ("/500", RetryLater, "answered 500"), ("/hang", RetryLater, "no answer")],
)
def test_a_push_service_that_will_not(path: str, failure: type[Exception], words: str, receiver: HttpsReceiver) -> None:
    with pytest.raises(failure, match=words):
        send(receiver.https_client, f"https://push.hooks.example{path}")


def test_an_endpoint_that_leads_inside_is_not_asked() -> None:
    with pytest.raises(Rejected, match="private"):
        send(HttpsClient(lambda _host: ["10.0.0.1"]), "https://push.example/x")


def send(https_client: HttpsClient, endpoint: str) -> None:
    subscription = Browser().subscription(endpoint)
    sender = PushSender(https_client, read_private_key(new_private_key()), "mailto:ops@jobs.example")
    about = {
        "key": "1", "event_id": 1, "event_type": "interview.nudge", "job_title": "Baker", "company_name": "Us",
        "interview_id": "a" * 24, "starts_at": now(), "time_zone": "UTC",
    }  # fmt: skip
    sender({"endpoint": endpoint, **subscription["keys"]}, about)  # type: ignore[arg-type]


def test_without_a_key_pushes_are_suppressed(app: Flask) -> None:
    with pytest.raises(Obsolete, match="not set up"):
        senders(app.extensions["settings"], HttpsClient())[Channel.PUSH](None, None)  # type: ignore[arg-type]
    keyed = replace(app.extensions["settings"], vapid_private_key=new_private_key(), vapid_subject="mailto:a@b.example")
    assert isinstance(senders(keyed, HttpsClient())[Channel.PUSH], PushSender)

"""The channel worker: claims, leases, and senders that fail."""

import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import OperationalError

from interviews_api.accounts.models import User
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.events.log import EventLog
from interviews_api.events.models import EventType
from interviews_api.ids import new_id
from interviews_api.notifications.delivery_errors import RetryLater
from interviews_api.notifications.models import Channel, Delivery, DeliveryStatus, PushSubscription, Webhook
from interviews_api.notifications.worker import worker
from interviews_api.notifications.worker.delivery_repository import LEASE_TIME, DeliveryRepository, Queue
from interviews_api.notifications.worker.worker import work_once
from tests.support.api import invitation
from tests.support.factories import World
from tests.support.people import People
from tests.support.receivers import wait_for, working
from tests.support.statements import hooked

SOME_DAY = {"scheduledDate": "2999-01-01T09:00:00.000Z"}


@pytest.fixture
def three(app: Flask, people: People) -> None:
    """Make three mails to one candidate due."""
    for number in range(3):
        people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, 3 + number))
    with app.app_context():
        while work_once(now()):
            pass


def rows(database: Database) -> list[Any]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery).order_by(Delivery.id)))


@pytest.mark.usefixtures("three")
def test_expired_lease_cannot_finish_a_delivery(app: Flask, database: Database) -> None:
    queue = Queue(Channel.EMAIL)

    def claim(lease_token: str, moment: Any, limit: int = 1) -> Any:
        with app.app_context(), transaction() as connection:
            repository = DeliveryRepository(connection)
            (originator,) = repository.due_originators(queue, now=moment, limit=9) or [""]
            due = repository.lock_due(queue, originator, now=moment, limit=limit)
            return repository.claim(due, lease_token, moment + LEASE_TIME) if due else []

    def finish(claimed: Any) -> bool:
        with app.app_context(), transaction() as connection:
            return DeliveryRepository(connection).finish(claimed, DeliveryStatus.SENT, now=now())

    (first,) = claim("a", now())
    assert [claimed.id for claimed in claim("b", now(), 10)] == [first.id + 1, first.id + 2]
    assert claim("c", now(), 10) == []
    again = claim("d", now() + timedelta(seconds=61), 10)
    assert [(claimed.id, claimed.attempts) for claimed in again] == [(first.id + number, 2) for number in range(3)]
    assert not finish(first)
    assert finish(again[0])
    assert not finish(again[0])
    assert [row.status for row in rows(database)] == ["sent", "pending", "pending"]


@pytest.mark.usefixtures("three")
def test_failure_releases_the_targets_other_claims(app: Flask, database: Database) -> None:
    tried: list[Any] = []

    def fail(_user: Any, about: Any) -> None:
        tried.append(about["key"])
        raise RetryLater("busy")

    with working(app, {Channel.EMAIL: fail}):
        wait_for(lambda: rows(database)[0].error == "busy")
        wait_for(lambda: [row.lease for row in rows(database)] == [None] * 3)
    assert [row.attempts for row in rows(database)] == [1, 0, 0]
    assert len(tried) == 1
    assert rows(database)[0].due_at > now() + timedelta(seconds=5)
    assert rows(database)[1].due_at <= now()


@pytest.mark.usefixtures("three")
def test_unexpected_error_is_retried(app: Flask, database: Database) -> None:
    calls: list[Any] = []

    def stumble(*about: Any) -> None:
        calls.append(about)
        if len(calls) == 1:
            raise KeyError("planted")

    with working(app, {Channel.EMAIL: stumble}, backoff=lambda _attempts: timedelta(seconds=0.1)):
        wait_for(lambda: [row.status for row in rows(database)] == ["sent"] * 3)
    assert len(calls) == 4


@pytest.mark.usefixtures("three")
def test_stop_releases_claims_that_are_not_sent(app: Flask, database: Database) -> None:
    began, go_on = threading.Event(), threading.Event()

    def send(*_about: Any) -> None:
        began.set()
        go_on.wait(10)

    with working(app, {Channel.EMAIL: send}) as worker:
        assert began.wait(10)
        worker.stop()
        threading.Timer(0.5, go_on.set).start()
    assert [(row.status, row.attempts, row.lease) for row in rows(database)] == [
        ("sent", 1, None), ("pending", 0, None), ("pending", 0, None),
    ]  # fmt: skip


@pytest.mark.usefixtures("three")
def test_delivery_to_a_missing_recipient_is_suppressed(app: Flask, people: People, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(target_id="f" * 24))
        connection.execute(delete(User).where(User.id == people.us_user_id))
    with working(app, {Channel.EMAIL: lambda *_about: None}):
        wait_for(lambda: {row.status for row in rows(database)} == {"suppressed"})
    assert rows(database)[0].error == "the recipient is no longer there"


@pytest.mark.usefixtures("three")
def test_database_errors_delay_but_lose_no_delivery(app: Flask, database: Database) -> None:
    """Errors occur at claims, at reads of a delivery and at marking it as sent."""
    sent: list[str] = []
    failures = {"SELECT EXISTS": [RuntimeError("planted")], "mail_details": [None], "SET status": [None, None]}

    def stumble(statement: str, _parameters: object) -> None:
        if "deliveries" not in statement or threading.current_thread().name == "MainThread":
            return
        for kind, left in failures.items():
            if kind in statement and left:
                raise left.pop() or OperationalError(statement, {}, Exception("planted"))

    senders = {Channel.EMAIL: lambda _user, about: sent.append(about["key"])}
    with hooked(database.engine, stumble), working(app, senders, backoff=lambda _attempts: timedelta(seconds=0.1)):
        wait_for(lambda: [row.status for row in rows(database)] == ["sent"] * 3, 60)
    assert not any(failures.values())
    assert len(sent) == len(set(sent)) == 3


@pytest.mark.usefixtures("three")
def test_failed_read_is_no_attempt(app: Flask, database: Database) -> None:
    """A database error starts no backoff of the target."""
    left = [1, 2, 3]

    def stumble(statement: str, _parameters: object) -> None:
        if "mail_details" in statement and left:
            left.pop()
            raise OperationalError(statement, {}, Exception("planted"))

    with hooked(database.engine, stumble), working(app, {Channel.EMAIL: lambda *_about: None}):
        wait_for(lambda: [row.status for row in rows(database)] == ["sent"] * 3, 4)
    assert [(row.attempts, row.error) for row in rows(database)] == [(1, None)] * 3
    assert left == []


@pytest.mark.parametrize("channel", [Channel.WEBHOOK, Channel.PUSH])
def test_hanging_receivers_delay_no_other_originator(
    channel: Channel, app: Flask, world: World, database: Database
) -> None:
    """Three originators have more hanging receivers than there are slots; a fourth has a good one."""
    originators = []
    for _ in range(4):
        company, person = world.company(), world.candidate()
        interview = world.interview(world.application(person, world.job(company)), **SOME_DAY)["id"]
        originators.append({"candidate_id": person["id"], "company_id": company["id"], "revision": 0, "id": interview})
    world.load()
    originator_key = "company_id" if channel is Channel.WEBHOOK else "candidate_id"
    go_on, served = threading.Event(), list[str]()

    def send(target: Any, _about: Any) -> None:
        served.append(target[originator_key])
        if served[-1] != originators[3][originator_key]:
            go_on.wait(20)

    def happen(interview: dict[str, Any], receivers: int) -> None:
        with app.app_context(), transaction() as connection:
            for _ in range(receivers):
                connection.execute(receiver(channel, interview[originator_key]))
            EventLog(connection).append(interview, EventType.SCHEDULED, at=now(), actor="company")

    for originator in originators[:3]:
        happen(originator, 20)
    with working(app, {channel: send}, concurrency=16):
        wait_for(lambda: len(set(served)) == 3)
        time.sleep(0.5)
        in_hand = sum(row.lease is not None for row in rows(database))
        assert in_hand == len(served), "what waits in hand is lost to other workers"
        assert max(Counter(served).values()) <= 4
        happen(originators[3], 1)
        wait_for(lambda: originators[3][originator_key] in served, 10)
        go_on.set()
        wait_for(lambda: len(served) == 61)


def receiver(channel: Channel, originator_id: str) -> Any:
    values = {"id": new_id(), "created_at": now()}
    if channel is Channel.WEBHOOK:
        return insert(Webhook).values(**values, company_id=originator_id, url="https://x.example", secret="x")
    keys = {"p256dh": "x", "auth": "x"}
    endpoint = f"https://x.example/{values['id']}"
    return insert(PushSubscription).values(**values, **keys, candidate_id=originator_id, endpoint=endpoint)


class Stumbling:
    """A commit listener that fails twice."""

    def __init__(self) -> None:
        self.failures = iter((RuntimeError("planted"), OperationalError("x", {}, Exception("planted"))))

    def wait(self, _seconds: float) -> bool:
        for failure in self.failures:
            raise failure
        time.sleep(0.05)
        return False

    def close(self) -> None:
        """Do nothing; this listener has no connection."""


@pytest.mark.usefixtures("three")
def test_worker_survives_errors_of_its_listener(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stumbling = Stumbling()
    monkeypatch.setattr(worker, "listen_for_commits", lambda _engine: stumbling)
    with working(app, {Channel.EMAIL: lambda *_about: None}):
        wait_for(lambda: [row.status for row in rows(database)] == ["sent"] * 3)
        wait_for(lambda: caplog.text.count("cannot work") == 2)

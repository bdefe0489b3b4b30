"""Webhooks that fail for a whole day are disabled, and the owners of their company are told by mail."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select, update

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.webhook import WebhookSender
from interviews_api.notifications.delivery_errors import (
    DeliveryError,
    MessageDeferred,
    Rejected,
    RetryLater,
    TargetGone,
)
from interviews_api.notifications.models import Channel, Delivery, Webhook
from interviews_api.notifications.worker.target_health_repository import WebhookHealthRepository
from tests.support.api import invitation
from tests.support.factories import World
from tests.support.people import People
from tests.support.receivers import HttpsReceiver, Mailbox, part, wait_for, working
from tests.support.webhooks import hook, webhook_row

FAST = {"backoff": lambda _attempts: timedelta(seconds=0.1)}


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpsReceiver]:
    receiver = HttpsReceiver(tmp_path, seconds=2)
    yield receiver
    receiver.stop()


def rows(database: Database, channel: Channel = Channel.WEBHOOK) -> list[Any]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery).where(Delivery.channel == channel).order_by(Delivery.id)))


def failing_since(database: Database) -> datetime | None:
    with database.reads.connection() as connection:
        return connection.execute(select(Webhook.failing_since)).scalar_one()


def set_failing(database: Database, hours: float) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Webhook).values(failing_since=now() - timedelta(hours=hours)))


def test_webhook_that_failed_for_a_day_is_disabled_and_its_company_told(
    app: Flask, people: People, database: Database, receiver: HttpsReceiver, mail: Any, mailbox: Mailbox,
    runner: FlaskCliRunner,
) -> None:  # fmt: skip
    webhook_id = hook(database, people.us_company_id, "/500")
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    senders = mail | {Channel.WEBHOOK: WebhookSender(receiver.https_client)}
    with working(app, senders, **FAST):
        wait_for(lambda: len(receiver.requests) >= 3)
        (webhook,) = people.us.ok("GET", "/webhooks")["webhooks"]
        assert webhook["disabledAt"] is None
        assert failing_since(database)
        set_failing(database, 24)
        address = people.us.ok("GET", "/auth/me")["user"]["email"]
        wait_for(lambda: mailbox.to(address))
        wait_for(lambda: [row.status for row in rows(database)] == ["suppressed"])
        seen = len(receiver.requests)
        people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, days=5))
        wait_for(lambda: len(mailbox.messages) == 3)
    (webhook,) = people.us.ok("GET", "/webhooks")["webhooks"]
    assert webhook["disabledAt"]
    assert len(receiver.requests) == seen
    (message,) = mailbox.to(address)
    assert message["Subject"] == "Webhook disabled"
    assert "https://a.hooks.example/500" in part(message, "text/plain")
    assert "of us has failed for a whole day" in part(message, "text/plain")
    assert webhook_id in rows(database, Channel.EMAIL)[1].key
    assert "disabled webhook" in runner.invoke(args=["deliveries", "list", "--status", "sent"]).output


def test_disabled_webhook_is_told_to_owners_alone(people: People, world: World, database: Database) -> None:
    world.company_user({"id": people.us_company_id}, role="member")
    owner = world.company_user({"id": people.us_company_id}, role="owner")
    world.load()
    webhook_id = hook(database, people.us_company_id, "/500")
    set_failing(database, 24)
    with database.engine.begin() as connection:
        WebhookHealthRepository(connection).record_failure(webhook_row(database, webhook_id), now())
    owners = {people.us.ok("GET", "/auth/me")["user"]["email"], owner["email"]}
    assert {row.recipient for row in rows(database, Channel.EMAIL)} == owners


def test_success_ends_the_failing_time(app: Flask, people: People, database: Database, receiver: HttpsReceiver) -> None:
    hook(database, people.us_company_id, "/ok")
    set_failing(database, 30)
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with working(app, {Channel.WEBHOOK: WebhookSender(receiver.https_client)}):
        wait_for(lambda: [row.status for row in rows(database)] == ["sent"])
    assert failing_since(database) is None


def test_refused_delivery_counts_as_a_failure(app: Flask, people: People, database: Database) -> None:
    hook(database, people.us_company_id, "/ok")
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))

    def refuse(*_about: Any) -> None:
        raise Rejected("It leads into a private network.")

    with working(app, {Channel.WEBHOOK: refuse}):
        wait_for(lambda: [row.status for row in rows(database)] == ["failed"])
    assert failing_since(database)


def test_last_attempt_comes_after_a_whole_day(app: Flask, people: People, database: Database) -> None:
    """A backoff that leads past the day is cut, so one delivery suffices to see a day of failures."""
    hook(database, people.us_company_id, "/500")
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    attempts: list[datetime] = []

    def fail(*_about: Any) -> None:
        attempts.append(now())
        if len(attempts) == 1:
            raise RetryLater("answered 500")
        raise KeyError("planted")

    with working(app, {Channel.WEBHOOK: fail}, backoff=lambda _attempts: timedelta(hours=4)):
        wait_for(lambda: [row.error for row in rows(database)] == ["answered 500"])
    (row,) = rows(database)
    assert now() + timedelta(hours=3) < row.due_at < row.give_up_at
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(due_at=now(), give_up_at=now() + timedelta(seconds=2)))
    with working(app, {Channel.WEBHOOK: fail}, backoff=lambda _attempts: timedelta(hours=4)):
        wait_for(lambda: [row.status for row in rows(database)] == ["failed"])
    (row,) = rows(database)
    assert row.attempts == 3
    assert attempts[-1] >= row.give_up_at


@pytest.mark.parametrize("error", [TargetGone("answered 410"), RetryLater("answered 500"), Rejected("private"), None])
@pytest.mark.parametrize("failing_hours", [0, 25])
def test_late_answer_of_the_old_url_is_not_about_the_new_one(
    error: DeliveryError | None, failing_hours: int, app: Flask, people: People, database: Database
) -> None:
    """The URL changes while the attempt runs, and the new receiver has its own failures or none."""
    webhook_id = hook(database, people.us_company_id, "/old")

    def answer_late(webhook: Any, _context: Any) -> int:
        if webhook["url"] == "https://nobody.invalid/new":
            raise MessageDeferred("not yet")  # which is nobody's fault
        people.us.ok("PATCH", f"/webhooks/{webhook_id}", {"url": "https://nobody.invalid/new"})
        if failing_hours:
            set_failing(database, failing_hours)
        if error is not None:
            raise error
        return 200

    people.us.ok("POST", f"/webhooks/{webhook_id}/test")
    with working(app, {Channel.WEBHOOK: answer_late}):
        wait_for(lambda: [row.attempts > 0 and row.lease is None for row in rows(database)] == [True])
    webhook = webhook_row(database, webhook_id)
    assert webhook["disabled_at"] is None
    assert (webhook["failing_since"] is not None) == bool(failing_hours)


def test_delivery_of_a_webhook_that_moved_meanwhile_goes_to_the_new_url(
    app: Flask, people: People, database: Database
) -> None:
    webhook_id, urls = hook(database, people.us_company_id, "/old"), []

    def answer_late(webhook: Any, _context: Any) -> int:
        urls.append(webhook["url"])
        if len(urls) > 1:
            return 200
        people.us.ok("PATCH", f"/webhooks/{webhook_id}", {"url": "https://nobody.invalid/new"})
        raise TargetGone("answered 410", status_code=410)

    people.us.ok("POST", f"/webhooks/{webhook_id}/test")
    with working(app, {Channel.WEBHOOK: answer_late}):
        wait_for(lambda: [row.status for row in rows(database)] == ["sent"])
    assert urls == ["https://a.hooks.example/old", "https://nobody.invalid/new"]

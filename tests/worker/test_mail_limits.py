"""Limits on the mails of a day: how many arrive, which come first, and what becomes of held mails."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from interviews_api.clock import format_instant, now
from interviews_api.config import Settings
from interviews_api.db.connections import Database, transaction
from interviews_api.events.log import EventLog
from interviews_api.events.models import EventType
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.delivery_errors import RetryLater, Sender
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.notifications.worker.worker import work_once
from interviews_api.services import service
from tests.support.api import in_days, invitation, local
from tests.support.factories import World
from tests.support.people import People
from tests.support.receivers import Mailbox, part, wait_for, working

DAY = timedelta(days=1)
SOME_DAY = "2999-01-01T09:00:00.000Z"


@pytest.fixture
def mail(app: Flask, mailbox: Mailbox) -> dict[Channel, Sender]:
    """Return a sender with the product's deadline, which a busy machine does not reach."""
    return {Channel.EMAIL: mail_sender(replace(service(Settings, app), **mailbox.settings))}


def rows(database: Database) -> list[Any]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery).order_by(Delivery.id)))


def is_settled(database: Database) -> bool:
    """Return whether no delivery is due or claimed, that is, pending ones are held."""
    return all(row.status != "pending" or (row.lease is None and row.due_at > now()) for row in rows(database))


def let_a_day_pass(database: Database) -> None:
    """Move all deliveries a day into the past, at one moment for a worker that runs."""
    with database.engine.begin() as connection:
        for row in rows(database):
            moved = {"due_at": row.due_at - DAY, "give_up_at": row.give_up_at - DAY}
            if row.sent_at:
                moved["sent_at"] = row.sent_at - DAY
            connection.execute(update(Delivery).where(Delivery.id == row.id).values(**moved))


def load_interview(world: World, company: Any, candidate: Any, **values: Any) -> dict[str, Any]:
    """Store an interview; return the values that `EventLog.append` needs."""
    application = world.application(candidate, world.job(company))
    interview = world.interview(application, **({"scheduledDate": SOME_DAY} | values))
    return {"id": interview["id"], "candidate_id": candidate["id"], "company_id": company["id"], "revision": 0}


def append(interview: dict[str, Any], count: int = 1, event_type: EventType = EventType.SCHEDULED) -> None:
    with transaction() as connection:
        for _ in range(count):
            EventLog(connection).append(interview, event_type, at=now(), actor="company")


def fan_out() -> None:
    while work_once(now()):
        pass


def test_moves_of_an_interview_send_at_most_twenty_mails_a_day(
    app: Flask, people: People, mail: Any, mailbox: Mailbox, database: Database
) -> None:
    """A company moves an interview 200 times and resends its notices; a day later the newest time arrives."""
    us = people.us
    path = f"/interviews/{us.ok('POST', '/interviews/schedule', invitation(people.us_application_id))['interviewId']}"
    with working(app, mail, limits_mails=True):
        for number in range(200):
            us.ok("PUT", f"{path}/reschedule", local(in_days(5 + number)))
            if number < 25:  # each of these mails may go out
                notices = us.ok("GET", f"{path}/notices")["notices"]
                wait_for(lambda: is_settled(database))
                for notice in [each for each in notices if each["sentAt"]][-1:]:
                    us.ok("POST", f"{path}/notices/{notice['id']}/resend")
        newest = us.ok("GET", f"{path}/notices")["notices"][-3]  # the last two are planned
        wait_for(lambda: is_settled(database))
        sent_before = len(mailbox.messages)
        assert sent_before == 20
        newest = next(each for each in us.ok("GET", f"{path}/notices")["notices"] if each["id"] == newest["id"])
        assert (newest["status"], newest["attempts"]) == ("pending", 0)
        assert newest["dueAt"] > format_instant(now() + DAY - timedelta(minutes=5))
        let_a_day_pass(database)
        wait_for(lambda: not any(row.status == "pending" for row in rows(database)))
    assert len(mailbox.messages) - sent_before <= 20
    assert (in_days(5 + 199)).strftime("%-d %B %Y") in part(mailbox.messages[-1], "text/plain")


def test_limits_hold_over_workers(app: Flask, world: World, mail: Any, mailbox: Mailbox, database: Database) -> None:
    """Three workers deliver at once: 20 mails of a company, 50 in all, and the first three of each further company."""
    candidate = world.candidate(email="ada@example.com")
    interviews = [load_interview(world, world.company(), candidate) for _ in range(6)]
    company = world.company()
    world.company_user(company, email="us@company.example")
    ours = load_interview(world, company, candidate)
    world.load()
    with app.app_context():
        for interview in interviews[:3]:
            append(interview, 30)
        append(ours, 25, EventType.RESCHEDULE_REQUESTED)
        fan_out()
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(working(app, mail, limits_mails=True))
            wait_for(lambda: is_settled(database))
            assert len(mailbox.to("ada@example.com")) == 50
            assert len(mailbox.to("us@company.example")) == 20
            for interview in interviews[3:]:
                append(interview, 5)
            wait_for(lambda: len(rows(database)) == 90 + 25 + 15 and is_settled(database))
    assert len(mailbox.to("ada@example.com")) == 50 + 3 * 3
    sent = [row for row in rows(database) if row.status == "sent" and row.originator_id == interviews[0]["company_id"]]
    held = [row for row in rows(database) if row.status == "pending"]
    assert len(sent) <= 20
    assert len(held) == 90 + 25 + 15 - 79
    for row in held:
        assert row.attempts == 0
        assert now() < row.due_at <= now() + DAY
        assert row.give_up_at == row.due_at + DAY
        assert row.held_at is not None


def test_freed_limit_sends_the_newest_state_by_priority(
    app: Flask, world: World, mail: Any, mailbox: Mailbox, database: Database
) -> None:
    candidate, company = world.candidate(), world.company()
    full = load_interview(world, company, candidate)
    early, reminded, cancelled = (
        load_interview(world, company, candidate, status=status) for status in ("en_attente", "confirmed", "annule")
    )
    begun = {"scheduledDate": "2025-01-01T09:00:00.000Z"}
    begun_one, begun_and_cancelled = (load_interview(world, company, candidate, **begun) for _ in range(2))
    world.load()
    with app.app_context(), working(app, mail, limits_mails=True):
        append(full, 20)
        wait_for(lambda: len(mailbox.messages) == 20)
        append(early, 2)
        append(early, 1, EventType.CONFIRMED)
        append(begun_one)
        append(reminded, 1, EventType.REMINDER)
        append(begun_and_cancelled, 1, EventType.CANCELLED)
        append(cancelled, 1, EventType.CANCELLED)
        wait_for(lambda: len(rows(database)) == 27 and is_settled(database))
        assert len(mailbox.messages) == 20
        let_a_day_pass(database)
        wait_for(lambda: not any(row.status == "pending" for row in rows(database)))
    subjects = [message["Subject"].partition(":")[0] for message in mailbox.messages[20:]]
    assert subjects == ["Cancelled", "Cancelled", "Reminder", "Confirmed"]
    assert [row.error for row in rows(database) if row.status == "suppressed"] == [
        "a newer mail about the interview has taken its place", "a newer mail about the interview has taken its place",
        "the interview has begun",
    ]  # fmt: skip


def test_mails_without_success_use_up_no_limit(
    app: Flask, world: World, mail: Any, mailbox: Mailbox, database: Database
) -> None:
    """Obsolete mails are suppressed and failed ones are retried; neither counts, nor do mails without limits."""
    candidate, company = world.candidate(), world.company()
    obsolete, current = (load_interview(world, company, candidate) for _ in range(2))
    world.load()
    calls: list[str] = []

    def fail_at_first(*about: Any) -> None:
        calls.append(about[1]["key"])
        if len(calls) <= 5:
            raise RetryLater("busy")
        mail[Channel.EMAIL](*about)

    with app.app_context():
        append(obsolete | {"revision": 1}, 30)
        append(current, 20)
        fan_out()
        options: dict[str, Any] = {"backoff": lambda _attempts: timedelta(seconds=0.1), "limits_mails": True}
        with working(app, {Channel.EMAIL: fail_at_first}, **options):
            wait_for(lambda: len(mailbox.messages) == 20)
            append(current)
            wait_for(lambda: len(rows(database)) == 51 and is_settled(database))
        assert len(mailbox.messages) == 20
        let_a_day_pass(database)
        append(current, 25)
        fan_out()
        with working(app, mail):
            wait_for(lambda: len(rows(database)) == 76)
            wait_for(lambda: not any(row.status == "pending" for row in rows(database)))
    assert len(mailbox.messages) == 45


def test_claims_of_a_killed_worker_are_delivered_within_the_limit(
    app: Flask, world: World, mail: Any, mailbox: Mailbox, database: Database
) -> None:
    """A worker died with 20 claims, which may have been sent; 20 newer mails of the company wait."""
    interview = load_interview(world, world.company(), world.candidate())
    world.load()
    with app.app_context():
        append(interview, 40)
        fan_out()
        with database.engine.begin() as connection:
            lapsed: dict[str, Any] = {"lease": "dead", "attempts": 1, "due_at": now() - timedelta(seconds=1)}
            oldest = [row.id for row in rows(database)[:20]]
            connection.execute(update(Delivery).where(Delivery.id.in_(oldest)).values(**lapsed))
        with working(app, mail, limits_mails=True):
            wait_for(lambda: is_settled(database))
    assert [row.status for row in rows(database)] == ["sent"] * 20 + ["pending"] * 20
    assert len(mailbox.messages) == 20


def test_held_mail_is_no_backlog(app: Flask, people: People, database: Database, client: Any) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with app.app_context():
        fan_out()
    held: dict[str, datetime] = {"due_at": now() + DAY, "give_up_at": now() + 2 * DAY, "held_at": now()}
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(**held))
    assert "interviews_oldest_unsent_event_seconds 0.0" in client.get("/metrics").text

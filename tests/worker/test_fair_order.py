"""Order of mails: a deferred message delays no other, and new mails go before retries."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.events.log import EventLog
from interviews_api.events.models import EventType
from interviews_api.notifications.delivery_errors import RetryLater
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.notifications.worker.concurrency import FairSlots
from interviews_api.notifications.worker.delivery_repository import Claim
from interviews_api.notifications.worker.worker import work_once
from tests.support.api import invitation
from tests.support.factories import World
from tests.support.people import People
from tests.support.receivers import DEFERRED, Mailbox, wait_for, working

SOME_DAY = {"scheduledDate": "2999-01-01T09:00:00.000Z"}


def rows(database: Database) -> list[Any]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery).order_by(Delivery.id)))


def load_interview(world: World, candidate: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Store an interview of the candidate with a new company; return the values that `EventLog.append` needs."""
    company = world.company()
    interview = world.interview(world.application(candidate, world.job(company, **job)), **SOME_DAY)
    return {"id": interview["id"], "candidate_id": candidate["id"], "company_id": company["id"], "revision": 0}


def append(interview: dict[str, Any], count: int) -> None:
    with transaction() as connection:
        for _ in range(count):
            EventLog(connection).append(interview, EventType.SCHEDULED, at=now(), actor="company")


def test_deferred_messages_delay_no_other_mail(
    app: Flask, world: World, mail: Any, mailbox: Mailbox, database: Database
) -> None:
    """The mail server answers 451 to the content of one company's mails; backoff is the product's."""
    candidate = world.candidate()
    hostile = load_interview(world, candidate, title=DEFERRED)
    good = load_interview(world, candidate)
    world.load()
    with app.app_context():
        append(hostile, 16)  # twice the slots; all are tried before the first is due again
        while work_once(now()):
            pass
        with working(app, mail):
            wait_for(lambda: mailbox.attempts)
            append(good, 1)
            wait_for(lambda: mailbox.messages)
            wait_for(lambda: [bool(row.error) for row in rows(database)] == [True] * 16 + [False])
    assert [row.attempts for row in rows(database)] == [1] * 17
    assert [row.status for row in rows(database)] == ["pending"] * 16 + ["sent"]
    assert all(row.due_at > now() + timedelta(seconds=2) for row in rows(database)[:16])


@pytest.mark.parametrize("prefix", ["later", "drop"])
def test_only_failures_before_the_message_pause_a_mailbox(
    prefix: str, app: Flask, world: World, mail: Any, mailbox: Mailbox, database: Database
) -> None:
    """A 451 at RCPT pauses the mailbox for all companies, a lost connection at DATA does not."""
    candidate = world.candidate(email=f"{prefix}-me@example.com")
    interviews = [load_interview(world, candidate) for _ in range(3)]
    world.load()
    with app.app_context(), working(app, mail):
        append(interviews[0], 2)
        wait_for(lambda: any(row.error for row in rows(database)))
        for interview in interviews[1:]:
            append(interview, 1)
        wait_for(lambda: len(rows(database)) == 4)
        if prefix == "drop":
            wait_for(lambda: all(row.error for row in rows(database)))
        wait_for(lambda: not any(row.lease for row in rows(database)))
    assert [row.attempts for row in rows(database)] == ([1] * 4 if prefix == "drop" else [1, 0, 0, 0])


def test_new_deliveries_go_before_retries(app: Flask, people: People, database: Database) -> None:
    for number in range(4):
        people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, 3 + number))
    with app.app_context():
        while work_once(now()):
            pass
    first = rows(database)[0].id
    with database.engine.begin() as connection:
        earlier = {"attempts": 3, "due_at": now() - timedelta(hours=1)}
        connection.execute(update(Delivery).where(Delivery.id == first).values(earlier))
    tried: list[int] = []

    def fail(_user: Any, about: Any) -> None:
        tried.append(next(row.id for row in rows(database) if row.key == about["key"]))
        raise RetryLater("busy")

    with working(app, {Channel.EMAIL: fail}):
        wait_for(lambda: tried)
    assert tried == [first + 1]


@pytest.fixture
def claim() -> Callable[[str, str], Claim]:
    def make(target_id: str, originator_id: str, attempts: int = 0) -> Claim:
        return Claim(1, target_id, originator_id, attempts, 4, now(), "token")

    return make


def test_originators_take_turns_and_leave_slots_for_new_ones(claim: Callable[..., Claim]) -> None:
    slots = FairSlots(16)
    for number in range(14):
        (admitted,) = slots.admit([claim("t", f"originator {number}")], [])
        slots.acquire([claim("t", admitted.originator_id)])
    assert slots.in_turn(["originator 3", "new", "originator 1"]) == ["new"]  # two slots are free, and kept
    assert slots.admit([claim("u", "originator 3")], []) == []
    assert slots.admit([claim("u", "new", 1)], []) == []
    assert [due.originator_id for due in slots.admit([claim("u", "new")], [])] == ["new"]
    for number in range(14):
        slots.release(("t", f"originator {number}"))
    assert slots.in_turn(["originator 3", "new", "originator 1"]) == ["new", "originator 1", "originator 3"]
    many = slots.admit([claim(f"target {number}", "new") for number in range(16)], [])
    assert Counter(due.originator_id for due in many) == {"new": 3}
    slots.acquire([claim("t", "originator 1")])
    slots.pause("u", 10)
    assert slots.blocked_targets("originator 1") == {"t", "u"}
    assert slots.blocked_targets("originator 2") == {"u"}

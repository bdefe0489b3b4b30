"""Proofs of the outbox: an event for each commit, and no delivery lost by killed or stopped workers."""

import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.events.log import EventLog
from interviews_api.events.models import Event, EventType
from interviews_api.notifications.models import Delivery
from interviews_api.notifications.worker.worker import work_once
from tests.support.api import Caller, in_days, invitation, local
from tests.support.factories import World
from tests.support.faults import Fault
from tests.support.people import People
from tests.support.proof_table import figure, proof
from tests.support.receivers import Mailbox, wait_for
from tests.support.settings import SETTINGS
from tests.support.worker_processes import WorkerProcesses, count, unsent


def possible_transitions(
    people: People, application_id: str, interview_id: str | None, number: int
) -> list[tuple[Caller, str, str, Any]]:
    """Return a schedule at a time of this number and, where there is an interview, each transition of it."""
    us, candidate = people.us, people.candidate
    body = invitation(application_id, **local(in_days(2 + number)))
    routes: list[tuple[Caller, str, str, Any]] = [(us, "POST", "/interviews/schedule", body)]
    if interview_id:
        own, ours = f"/candidate/interviews/{interview_id}", f"/interviews/{interview_id}"
        routes += [
            (candidate, "PUT", f"{own}/confirm", None), (candidate, "PUT", f"{own}/decline", {}),
            (candidate, "PUT", f"{own}/request-reschedule", {}),
            (us, "PUT", f"{ours}/reschedule", local(in_days(3000 + number))),
            (us, "PUT", f"{ours}/cancel", {"cancellationReason": "x"}), (us, "PUT", f"{ours}/complete", {}),
        ]  # fmt: skip
    return routes


@pytest.mark.proof
def test_an_event_for_each_commit_and_none_for_a_rollback(app: Flask, people: People, database: Database) -> None:
    times, dice = figure(sample=60, full=1000), random.Random(6)
    with proof("a fault at a random statement or at COMMIT", database.engine.dialect.name, times) as proof_row:
        committed = failed = 0
        open_one: str | None = None
        application_ids = (id_ for company, id_ in people.applications() if company is people.us)
        while committed + failed < times:
            routes = possible_transitions(people, next(application_ids), open_one, committed + failed)
            caller, method, path, body = dice.choice(routes)
            before = count(database, Event)
            with Fault(database.engine, dice.randrange(1, 14)) if dice.random() < 0.5 else nullcontext() as fault:
                response = caller.call(method, path, body)
            appended = count(database, Event) - before
            if response.status_code == 503:
                failed += 1
                assert appended == 0
                assert fault is not None
            else:
                committed += response.status_code < 300
                assert appended == (response.status_code < 300), response.text
                if path == "/interviews/schedule":
                    open_one = response.get_json()["data"]["interviewId"]
        proof_row.result = f"{committed} committed with one event each, {failed} failed without a trace"
    with app.app_context():
        while work_once(now()):
            pass
    assert count(database, Event) == committed
    with database.reads.connection() as connection:
        event_count = select(func.count(func.distinct(Delivery.event_id)))
        assert connection.execute(event_count).scalar_one() == committed


def load_interviews(world: World, count: int) -> list[dict[str, Any]]:
    """Store an interview for each of `count` candidates; return the values that `EventLog.append` needs."""
    company = world.company()
    people = [world.candidate(email=f"c{number}@example.com") for number in range(count)]
    job = world.job(company)
    interviews = [
        {"candidate_id": person["id"], "company_id": company["id"], "revision": 0,
         "id": world.interview(world.application(person, job), scheduledDate="2999-01-01T09:00:00.000Z")["id"]}
        for person in people
    ]  # fmt: skip
    world.load()
    return interviews


@pytest.mark.proof
def test_killed_workers_lose_no_delivery(app: Flask, world: World, database: Database, database_url: str) -> None:
    kills, events, dice = figure(sample=3, full=100), figure(sample=100, full=2000), random.Random(7)
    backend = database.engine.dialect.name
    interviews = load_interviews(world, 40)
    mailbox = Mailbox()
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mailbox.port), "SMTP_TLS": "none"}
    settings = SETTINGS | smtp | {"DATABASE_URL": database_url}
    with proof("kill -9 of workers that deliver", backend, kills) as proof_row:
        workers = WorkerProcesses(4 if backend == "postgresql" else 1, settings)
        killed, written = 0, 0
        try:
            while killed < kills or written < events:
                if written < events:
                    with app.app_context(), transaction() as connection:
                        for _ in range(max(1, events // kills)):
                            interview = interviews[written % len(interviews)]
                            EventLog(connection).append(interview, EventType.SCHEDULED, at=now(), actor="company")
                            written += 1
                if killed < kills:
                    index = workers.wait_for_word(dice.choice((b"sending", b"sent")))
                    time.sleep(dice.choice((0, dice.uniform(0, 0.03))))
                    workers.kill(index)
                    killed += 1
            wait_for(lambda: count(database, Delivery) == written and unsent(database) == 0, 120)  # in this order
        finally:
            codes = workers.stop()
            mailbox.stop()
        assert set(codes) <= {0, -signal.SIGTERM}  # the last one may have been too young to know the signal
        arrived = Counter(message["Message-ID"] for message in mailbox.messages)
        assert len(arrived) == written
        twice = sum(times - 1 for times in arrived.values())
        assert kills // 10 <= twice <= kills * 8, "none hit between send and mark, or more than were under way"
        with database.reads.connection() as connection:
            interrupted = connection.execute(select(func.count()).where(Delivery.attempts > 1)).scalar_one()
        assert interrupted >= kills, "the kills hit workers without claims"
        proof_row.result = (
            f"{written} events, {len(mailbox.messages)} mails: none lost, {twice} twice with the same id, "
            f"{interrupted} claims interrupted"
        )


@pytest.mark.proof
def test_burst_of_stop_signals_ends_the_worker(
    app: Flask, world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    """A signal may interrupt any instruction, also one of the handler of the signal before."""
    times = figure(sample=2, full=30)
    company, person = world.company(), world.candidate()
    interview = world.interview(world.application(person, world.job(company)), scheduledDate="2999-01-01T09:00:00.000Z")
    world.load()
    row = {"id": interview["id"], "candidate_id": person["id"], "company_id": company["id"], "revision": 0}
    is_over, longest = threading.Event(), 0.0

    def keep_busy() -> None:
        while not is_over.is_set():
            with app.app_context(), transaction() as connection:
                EventLog(connection).append(row, EventType.SCHEDULED, at=now(), actor="company")

    settings = SETTINGS | {"DATABASE_URL": database_url, "MAIL_DIR": str(tmp_path)}
    with (
        proof("SIGTERM by the hundred", database.engine.dialect.name, times) as proof_row,
        ThreadPoolExecutor(1) as pool,
    ):
        busy = pool.submit(keep_busy)
        try:
            for _ in range(times):
                seen = len(list(tmp_path.glob("*.eml")))
                worker = WorkerProcesses(1, settings, "-m", "flask", "--app", "wsgi", "worker").processes[0]
                wait_for(lambda seen=seen: len(list(tmp_path.glob("*.eml"))) > seen, 20)
                began = time.monotonic()
                while time.monotonic() < began + 0.02:
                    worker.send_signal(signal.SIGTERM)
                try:  # in its last moment the interpreter gives the signals back their defaults
                    assert worker.wait(10) in (0, -signal.SIGTERM)
                finally:
                    worker.kill()
                    worker.wait()
                longest = max(longest, time.monotonic() - began)
        finally:
            is_over.set()
            busy.result()
        proof_row.result = f"each time the worker ended by itself, after {longest:.1f} s at most"

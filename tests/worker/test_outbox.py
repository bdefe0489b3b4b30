"""Fan-out from events to deliveries, and the worker process."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import Database, transaction
from interviews_api.events.log import EventLog
from interviews_api.events.models import EventType
from interviews_api.interviews.models import Interview
from interviews_api.notifications.models import Delivery
from interviews_api.notifications.worker.fan_out import DeliveryFanOut
from interviews_api.notifications.worker.reminder_repository import ReminderRepository
from interviews_api.notifications.worker.worker import work_once
from interviews_api.services import register_services, service
from tests.support.api import invitation
from tests.support.factories import World
from tests.support.faults import Fault
from tests.support.people import People
from tests.support.receivers import Mailbox, wait_for
from tests.support.settings import SETTINGS
from tests.support.worker_processes import WorkerProcesses, count, unsent


def test_fault_during_fan_out_loses_no_delivery(app: Flask, people: People, database: Database) -> None:
    for number in range(3):
        people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, 3 + number))
    places: list[str] = []
    with app.app_context():
        with transaction() as connection:
            ReminderRepository(connection).remind(now())
        while "COMMIT" not in places:
            with Fault(database.engine, len(places) + 1) as fault, pytest.raises(OperationalError):
                work_once(now())
            places.append(fault.happened.split(" ")[0])
            assert count(database, Delivery) == 0
        assert len(places) > 5
        while work_once(now()):
            pass
    assert count(database, Delivery) == 3


def test_batch_of_the_fan_out_ends_at_some_deliveries(app: Flask, world: World, database: Database) -> None:
    """A company with many users multiplies its events; each is still fanned out once."""
    company = world.company()
    for _ in range(300):
        world.company_user(company)
    interview = world.interview(world.application(world.candidate(), world.job(company)))
    world.load()
    with database.reads.connection() as connection:
        row = connection.execute(select(Interview).where(Interview.id == interview["id"])).mappings().one()
    with app.app_context():
        for _ in range(20):
            with transaction() as connection:
                EventLog(connection).append(row, EventType.RESCHEDULE_REQUESTED, at=now(), actor="candidate")
        batches = []
        while not batches or batches[-1]:
            with transaction() as connection:
                batches.append(DeliveryFanOut(connection).run(now()))
    assert batches == [7, 7, 6, 0]
    assert count(database, Delivery) == 20 * 300
    with database.reads.connection() as connection:
        mails = connection.execute(select(Delivery.event_id, Delivery.target_id).distinct()).all()
    assert len(mails) == 20 * 300


def test_worker_finishes_its_attempt_before_it_stops(
    app: Flask, world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    """A server that hangs holds up the stop for one attempt at most."""
    mailbox = Mailbox()
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mailbox.port), "SMTP_TLS": "none", "MAIL_DIR": str(tmp_path)}
    company = world.company()
    interview = world.interview(
        world.application(world.candidate(email="hang-on@example.com"), world.job(company)),
        scheduledDate="2999-01-01T09:00:00.000Z",
    )
    world.load()
    with database.reads.connection() as connection:
        row = connection.execute(select(Interview).where(Interview.id == interview["id"])).mappings().one()
    with app.app_context(), transaction() as connection:
        EventLog(connection).append(row, EventType.SCHEDULED, at=now(), actor="company")
    workers = WorkerProcesses(
        1, SETTINGS | smtp | {"DATABASE_URL": database_url}, "-m", "flask", "--app", "wsgi", "worker"
    )
    wait_for(lambda: mailbox.attempts, 60)
    began = time.monotonic()
    assert workers.stop() == [0]
    assert time.monotonic() - began < 20
    mailbox.stop()
    assert unsent(database) == 1


def test_worker_command_delivers_until_sigterm(
    app: Flask, people: People, database: Database, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    """The command runs in this process, which gets SIGTERM when the mail is written."""
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    former = service(Settings, app), service(Database, app)
    register_services(app, replace(service(Settings, app), mail_dir=str(tmp_path)))

    def stop() -> None:
        wait_for(lambda: list(tmp_path.glob("*.eml")))
        wait_for(lambda: unsent(database) == 0)
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        with ThreadPoolExecutor(1) as pool:
            stopping = pool.submit(stop)
            result = runner.invoke(args=["worker"])
            stopping.result()
    finally:
        service(Database, app).dispose()
        register_services(app, *former)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert result.exit_code == 0
    assert "The worker delivers" in result.output

"""Postgres is stopped and started under load: 2xx or 503 with Retry-After, and everything recovers by itself."""

import json
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest
from alembic import command
from sqlalchemy import func, select

from interviews_api import create_app
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.interviews.models import Interview
from interviews_api.notifications.models import Delivery
from interviews_api.services import service
from tests.support.api import in_days, invitation, local
from tests.support.crowd import Crowd, load_crowd
from tests.support.databases import alembic_config
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.postgres import ThrowawayPostgres
from tests.support.proof_table import figure, proof
from tests.support.receivers import Mailbox, wait_for
from tests.support.settings import SETTINGS
from tests.support.worker_processes import WorkerProcesses

CLIENTS = figure(sample=2, full=6)
PAUSE = figure(sample=0.1, full=0)
"""Seconds between the turns of a client: the sample shares the processors with other tests."""


class Load:
    """Clients that schedule, confirm and read until they are told to stop."""

    def __init__(self, server: GunicornServer, crowd: Crowd) -> None:
        self.server, self._crowd = server, crowd
        self.statuses: Counter[int] = Counter()
        self.scheduled: set[str] = set()
        self.confirmed: set[str] = set()
        self.ended: set[str] = set()
        self.last_good = 0.0
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, method: str, path: str, headers: dict[str, str], body: object = None) -> Any:
        status, answered, raw = self.server.request(method, path, headers, body)
        self.statuses[status] += 1
        assert status < 300 or (status == 503 and answered["Retry-After"]), (status, raw)
        if status < 300:
            self.last_good = time.monotonic()
            return json.loads(raw)["data"]
        time.sleep(0.05)
        return None

    def _run(self, number: int) -> None:
        turn, waiting = 0, None
        open_ids: list[str] = []
        company, candidate = self._crowd.company, self._crowd.candidates[number]
        while not self._is_over.is_set():
            turn += 1
            body = invitation(self._crowd.application_ids[number], **local(in_days(5 + turn)))
            if interview := self._ask("POST", "/interviews/schedule", company, body):
                self.scheduled.add(interview["interviewId"])
                waiting = interview["interviewId"]
            if waiting and self._ask("PUT", f"/candidate/interviews/{waiting}/confirm", candidate):
                self.confirmed.add(waiting)
                open_ids.append(waiting)
            if len(open_ids) > 5:  # an application has 20 open interviews at most
                ended = open_ids.pop(0)
                self.ended.add(ended)
                self._ask("PUT", f"/interviews/{ended}/complete", company, {})
            waiting = None
            self._ask("GET", "/candidate/interviews", candidate)
            time.sleep(PAUSE)

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


@pytest.mark.proof
def test_nothing_is_lost_when_postgres_restarts() -> None:
    stops = figure(sample=1, full=10)
    with ExitStack() as stack:
        postgres = ThrowawayPostgres(synchronous_commit="on")
        stack.callback(postgres.stop)
        mailbox = Mailbox()
        stack.callback(mailbox.stop)
        smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mailbox.port), "SMTP_TLS": "none"}
        settings = SETTINGS | smtp | {"DATABASE_URL": postgres.url, "WEB_THREADS": "8"}
        command.upgrade(alembic_config(postgres.url), "head")
        app = create_app(settings)
        database = service(Database, app)
        stack.callback(database.dispose)
        crowd = load_crowd(app, World(app), CLIENTS)
        server = GunicornServer(settings)
        stack.callback(server.stop)
        workers = WorkerProcesses(1, settings)
        stack.callback(workers.stop)
        live_through(stops, postgres, mailbox, Load(server, crowd), database)


def live_through(stops: int, postgres: ThrowawayPostgres, mailbox: Mailbox, load: Load, database: Database) -> None:
    with proof("Postgres stopped and started under load", "postgresql", stops) as proof_row:
        pauses: list[float] = []
        backlogs: list[float] = []
        wait_for(lambda: len(heard(mailbox, 0)) == CLIENTS + 1)  # the candidates, and the company's user
        everybody = heard(mailbox, 0).keys()
        try:
            for _ in range(stops):
                time.sleep(1.5)
                postgres.halt()
                time.sleep(1)
                postgres.resume()
                back = time.monotonic()
                wait_for(lambda back=back: load.last_good > back)
                pauses.append(load.last_good - back)
                wait_for(lambda back=back: heard(mailbox, back).keys() >= everybody)
                pauses.append(min(heard(mailbox, back).values()) - back)
                backlogs.append(max(heard(mailbox, back).values()) - back)
            time.sleep(1)
        finally:
            load.stop()
        database.dispose()  # our own connections were cut as well
        with database.reads.connection() as connection:
            statuses = {row.id: row.status for row in connection.execute(select(Interview.id, Interview.status))}
            event_count = connection.execute(select(func.count()).select_from(Event)).scalar_one()
        assert load.scheduled <= statuses.keys()
        assert {statuses[interview_id] for interview_id in load.confirmed - load.ended} == {"confirmed"}
        assert {statuses[interview_id] for interview_id in load.ended} <= {"confirmed", "completed"}
        wait_for(lambda: sent(database) == wanted(database), 300)
        proof_row.result = (
            f"{load.statuses[200] + load.statuses[201]} answered, {load.statuses[503]} times 503, "
            f"{event_count} events kept, "
            f"back after {max(pauses):.1f} s at most, with a mail to everybody after {max(backlogs):.1f} s"
        )
    assert set(load.statuses) == {200, 201, 503}
    assert max(pauses) < figure(sample=15, full=2.5), "2 s, and what the mail itself takes"
    assert max(backlogs) < figure(sample=30, full=10), "the mails of one company share a quarter of the slots"


def heard(mailbox: Mailbox, since: float) -> dict[str, float]:
    """Return the time of the first mail to each address after the time `since`."""
    first: dict[str, float] = {}
    for at, address in list(mailbox.arrivals):
        if at > since:
            first.setdefault(address, at)
    return first


def sent(database: Any) -> int:
    with database.reads.connection() as connection:
        is_sent = select(func.count(func.distinct(Delivery.event_id))).where(
            Delivery.status.in_(("sent", "suppressed"))
        )
        return int(connection.execute(is_sent).scalar_one())


def wanted(database: Any) -> int:
    with database.reads.connection() as connection:
        return int(connection.execute(select(func.count()).select_from(Event)).scalar_one())

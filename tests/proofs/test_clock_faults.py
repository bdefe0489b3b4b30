"""Proof: a clock that jumps, and a node whose clock is ahead, refuse nobody and lose nothing."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from interviews_api import create_app
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.notifications.models import Delivery, FanOutPosition
from interviews_api.services import service
from tests.support.acknowledged import KeepingClient, check_everything
from tests.support.crowd import load_crowd
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.http_server import HttpServer
from tests.support.moved_clock import MovedClock
from tests.support.proof_table import figure, proof
from tests.support.receivers import Mailbox, wait_for
from tests.support.settings import SETTINGS
from tests.support.worker_processes import WorkerProcesses

CONFIG = "tests/support/moved_gunicorn.py"
WORKER = ("-m", "tests.support.moved_program", "flask", "--app", "wsgi", "worker")
CANDIDATES, TURNS = 40, 2
HOUR = 3600


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    yield mailbox
    mailbox.stop()


@pytest.fixture
def moved_settings(app: Flask, database_url: str, mailbox: Mailbox) -> dict[str, str]:
    """Return settings with tokens that outlive an hour."""
    assert app
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mailbox.port), "SMTP_TLS": "none"}
    return SETTINGS | smtp | {"DATABASE_URL": database_url, "ACCESS_TOKEN_MINUTES": "1440"}


def is_all_mailed(database: Database, mailbox: Mailbox) -> bool:
    """Return whether each event has its deliveries, and each of these was sent once or is out of date."""
    with database.reads.connection() as connection:
        last = connection.execute(select(func.max(Event.id))).scalar_one()
        position = connection.execute(select(FanOutPosition.event_id)).scalar_one_or_none()
        statuses = Counter(connection.execute(select(Delivery.status)).scalars())
    return position == last and statuses.keys() <= {"sent", "suppressed"} and len(mailbox.messages) == statuses["sent"]


@pytest.mark.matrix
def test_clock_that_jumps_an_hour(
    moved_settings: dict[str, str], database: Database, mailbox: Mailbox, tmp_path: Path
) -> None:
    """Back and forth, under a server and a worker that run on."""
    times = figure(sample=1, full=5)
    with ExitStack() as stack:
        app = create_app(moved_settings)
        stack.callback(service(Database, app).dispose)
        crowd = load_crowd(app, World(app), CANDIDATES)
        clock = MovedClock(tmp_path / "clock")
        server = GunicornServer(moved_settings | clock.settings, config=CONFIG)
        stack.callback(server.stop)
        worker = WorkerProcesses(1, moved_settings | clock.settings, *WORKER)
        stack.callback(worker.stop)
        workers, client = server.workers, KeepingClient(server, crowd)
        proof_row = stack.enter_context(proof("jumps of the clock", database.engine.dialect.name, 4 * times))
        for _ in range(times):
            for ahead in (-HOUR, 0, HOUR, 0):
                clock.move(ahead)
                client.work(TURNS)
                wait_for(lambda: is_all_mailed(database, mailbox))
        assert set(client.writes) | set(client.reads) == {200, 201}
        assert server.workers == workers
        total = check_everything(database, client.confirmed, client.scheduled)
        proof_row.result = f"all 2xx; {total} interviews kept, {len(mailbox.messages)} mails, each once"


class Nodes(HttpServer):
    """Several servers; each request goes to a random one."""

    def __init__(self, *nodes: HttpServer) -> None:
        self._nodes, self._dice = nodes, random.Random(8)

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: object = None
    ) -> tuple[int, dict[str, str], bytes]:
        return self._dice.choice(self._nodes).request(method, path, headers, body)


@pytest.mark.matrix
def test_node_a_second_ahead(
    moved_settings: dict[str, str], database: Database, mailbox: Mailbox, tmp_path: Path
) -> None:
    """Requests go to one node or the other, the replies of idempotency keys and the mails included."""
    turns = figure(sample=5, full=200)
    with ExitStack() as stack:
        app = create_app(moved_settings)
        stack.callback(service(Database, app).dispose)
        crowd = load_crowd(app, World(app), CANDIDATES)
        ahead = MovedClock(tmp_path / "clock", 1)
        nodes = [
            GunicornServer(moved_settings | ahead.settings, config=CONFIG, workers=1),
            GunicornServer(moved_settings, workers=1),
        ]
        for node in nodes:
            stack.callback(node.stop)
        worker = WorkerProcesses(1, moved_settings, "-m", "flask", "--app", "wsgi", "worker")
        stack.callback(worker.stop)
        client = KeepingClient(Nodes(*nodes), crowd)
        proof_row = stack.enter_context(proof("turns over a node a second ahead", database.engine.dialect.name, turns))
        for turn in range(turns):
            client.work(1)
            keyed = crowd.company | {"Idempotency-Key": f"k{turn}"}
            replies = [node.request("POST", "/jobs", keyed, {"title": "Baker"}) for node in nodes]
            assert [(status, raw) for status, _, raw in replies] == [(201, replies[0][2])] * 2
        assert set(client.writes) | set(client.reads) == {200, 201}
        wait_for(lambda: is_all_mailed(database, mailbox))
        total = check_everything(database, client.confirmed, client.scheduled)
        proof_row.result = f"all 2xx; {total} interviews kept, {len(mailbox.messages)} mails, each once"

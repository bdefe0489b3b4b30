"""Proof: many sockets on the live process get each change. Each candidate has several clients."""

import json
import random
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from interviews_api.db.connections import Database
from tests.support.api import in_days, local
from tests.support.factories import Record, World
from tests.support.gunicorn_server import GunicornServer
from tests.support.live_sockets import ask, open_socket, schedule
from tests.support.people import Parties
from tests.support.proof_table import figure, proof
from tests.support.settings import SETTINGS

CANDIDATES = figure(sample=25, full=100)
RECONNECTS = 3


@dataclass
class Person:
    """A candidate with an application; `interview` is the id of the last scheduled interview."""

    id: str
    parties: Parties
    number: int = 0
    interview: str = ""

    def change(self, api: GunicornServer) -> None:
        """Make the next transition: in turn schedule, confirm and reschedule."""
        step, self.number = self.number % 3, self.number + 1
        if step == 0:
            self.interview = schedule(api, self.parties, 3 + self.number)
        elif step == 1:
            ask(api, "PUT", f"/candidate/interviews/{self.interview}/confirm", self.parties.candidate_token)
        else:
            body = local(in_days(3.5 + self.number))
            ask(api, "PUT", f"/interviews/{self.interview}/reschedule", self.parties.company_token, body)

    def listed(self, api: GunicornServer) -> dict[str, Any]:
        """Return the candidate's interviews by id, as the list shows them."""
        data = ask(api, "GET", "/candidate/interviews?limit=100", self.parties.candidate_token)
        assert data["total"] <= 100
        return {interview["interviewId"]: interview for interview in data["interviews"]}

    def last_change(self, api: GunicornServer) -> int:
        """Return the event id of the interview's last change."""
        path = f"/candidate/interviews/{self.interview}/timeline"
        return int(ask(api, "GET", path, self.parties.candidate_token)["events"][-1]["id"])


@dataclass
class Client:
    """A client of a candidate; `interviews` holds what its sockets sent, `after` the id of the last message."""

    person: Person
    token: str
    after: int = 0
    interviews: dict[str, Any] = field(default_factory=dict)

    def open(self, live: GunicornServer) -> ClientConnection:
        """Open a socket that resumes after the last message."""
        return open_socket(live, self.token, f"?after={self.after}", open_timeout=60)

    def take(self, ws: ClientConnection, seconds: float) -> None:
        """Apply the next message; raises TimeoutError after that many seconds."""
        message = json.loads(ws.recv(timeout=seconds))
        assert message["id"] > self.after
        self.after = message["id"]
        self.interviews[message["interview"]["interviewId"]] = message["interview"]

    def reconnect_often(self, live: GunicornServer) -> None:
        """Open RECONNECTS sockets in turn, each for up to a second, and take the messages that arrive."""
        chance = random.Random(self.token)
        for _ in range(RECONNECTS):
            with self.open(live) as ws:
                ends_at = time.monotonic() + chance.random()
                while (left := ends_at - time.monotonic()) > 0:
                    try:
                        self.take(ws, left)
                    except TimeoutError:
                        break

    def differences(self, api: GunicornServer) -> dict[str, Any]:
        """Return the interviews, by id, that the sockets showed otherwise than the list does."""
        listed = self.person.listed(api)
        return {
            id_: (self.interviews.get(id_), listed.get(id_))
            for id_ in self.interviews.keys() | listed.keys()
            if self.interviews.get(id_) != listed.get(id_)
        }

    def catch_up(self, live: GunicornServer, last: int) -> None:
        """Take messages until the change with the id `last` has arrived."""
        with self.open(live) as ws:
            while self.after < last:
                self.take(ws, 30)


@pytest.mark.matrix
def test_many_sockets_get_each_change(database: Database, database_url: str, parties: Parties, world: World) -> None:
    """Compare the clients with the list, also after a storm of reconnects. Sockets must not slow down the API."""
    each, rounds = figure(sample=1, full=5), figure(sample=2, full=20)
    records = [application_record(world) for _ in range(CANDIDATES)]
    world.load()
    people = [person(parties, record) for record in records]
    clients = [Client(candidate, parties.issue_token(candidate.id)) for candidate in people for _ in range(each)]
    with ExitStack() as stack:
        api = GunicornServer(SETTINGS | {"DATABASE_URL": database_url})
        stack.callback(api.stop)
        live = GunicornServer(SETTINGS | {"DATABASE_URL": database_url}, config="gunicorn.live.conf.py")
        stack.callback(live.stop)
        proof_row = stack.enter_context(
            proof("sockets on the live process", database.engine.dialect.name, len(clients))
        )
        with together(clients, live) as sockets:
            delays = [took for _ in range(rounds) for candidate in people for took in reach(candidate, api, sockets)]
        stormy = storm(people, clients, api, live)
        for client in clients:
            assert client.differences(api) == {}
        with_sockets, without = latencies(clients, api, live)
        median = statistics.median(delays) * 1000
        proof_row.result = (
            f"{len(delays)} messages of {rounds} changes to each, median {median:.0f} ms; {stormy} changes in a storm "
            f"of {RECONNECTS * len(clients)} reconnects: all equal to REST; REST p50 {without:.1f} ms without and "
            f"{with_sockets:.1f} ms with them"
        )
        assert median < figure(sample=1000, full=100)
        assert with_sockets < without * figure(sample=3.0, full=1.2) + 0.5


def application_record(world: World) -> Record:
    """Return a new candidate's application with the company of the parties."""
    return world.application(world.candidate(), world.job(world.content["companies"][0]))


def person(parties: Parties, application: Record) -> Person:
    """Return the candidate of this application, signed in."""
    candidate_id = application["candidateId"]
    token = parties.issue_token(candidate_id)
    own = replace(parties, candidate_id=candidate_id, candidate_token=token, application_id=application["id"])
    return Person(candidate_id, own)


@contextmanager
def together(clients: list[Client], live: GunicornServer) -> Iterator[list[tuple[Client, ClientConnection]]]:
    """Connect all clients and yield each with its socket. Close in parallel, because a close may take a second."""
    with ThreadPoolExecutor(8) as pool:
        sockets = list(pool.map(lambda client: client.open(live), clients))
    try:
        yield list(zip(clients, sockets, strict=True))
    finally:
        with ThreadPoolExecutor(100) as pool:
            list(pool.map(lambda ws: ws.close(), sockets))


def reach(person: Person, api: GunicornServer, sockets: list[tuple[Client, ClientConnection]]) -> list[float]:
    """Return the seconds from the request of a change until each client of the candidate has it."""
    began = time.monotonic()
    person.change(api)
    took = []
    for client, ws in sockets:
        if client.person is person:
            client.take(ws, 10)
            took.append(time.monotonic() - began)
    return took


def storm(people: list[Person], clients: list[Client], api: GunicornServer, live: GunicornServer) -> int:
    """Reconnect all clients while interviews change, until they caught up; return the number of changes."""
    is_over = threading.Event()

    def keep_changing() -> int:
        for number in count():
            if is_over.is_set() and number >= len(people):
                return number
            people[number % len(people)].change(api)
            time.sleep(0.02)
        raise AssertionError

    with ThreadPoolExecutor(1) as writer, ThreadPoolExecutor(100) as pool:
        changes = writer.submit(keep_changing)
        try:
            list(pool.map(lambda client: client.reconnect_often(live), clients))
        finally:
            is_over.set()
        change_count = changes.result()
        last = {person.id: person.last_change(api) for person in people}
        list(pool.map(lambda client: client.catch_up(live, last[client.person.id]), clients))
    return change_count


def latencies(clients: list[Client], api: GunicornServer, live: GunicornServer) -> tuple[float, float]:
    """Return the milliseconds of a list with idle sockets and without sockets: the least of several medians each.

    They are measured in turn. A disturbance of the machine raises some medians, the cost of sockets raises all.
    """
    with_sockets, without = [], []
    for _ in range(3):
        without += [latency(api, clients[0]) for _ in range(3)]
        with together(clients, live):
            with_sockets += [latency(api, clients[0]) for _ in range(3)]
    without += [latency(api, clients[0]) for _ in range(3)]
    return min(with_sockets), min(without)


def latency(api: GunicornServer, client: Client) -> float:
    """Return the median latency of a list in milliseconds."""
    took = []
    for _ in range(60):
        began = time.perf_counter()
        ask(api, "GET", "/candidate/interviews", client.token)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)

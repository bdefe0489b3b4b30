"""The proof of many sockets: 25 candidates on the live process, each client with a token of its own."""

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

CANDIDATES = 25
RECONNECTS = 3


@dataclass
class Person:
    """A candidate, whose interviews change."""

    id: str
    parties: Parties
    number: int = 0
    interview: str = ""

    def change(self, api: GunicornServer) -> None:
        """One change: in turn an invitation, a yes, another day."""
        step, self.number = self.number % 3, self.number + 1
        if step == 0:
            self.interview = schedule(api, self.parties, 3 + self.number)
        elif step == 1:
            ask(api, "PUT", f"/candidate/interviews/{self.interview}/confirm", self.parties.candidate_token)
        else:
            body = local(in_days(3.5 + self.number))
            ask(api, "PUT", f"/interviews/{self.interview}/reschedule", self.parties.company_token, body)

    def listed(self, api: GunicornServer) -> dict[str, Any]:
        """By id, what REST says."""
        data = ask(api, "GET", "/candidate/interviews?limit=100", self.parties.candidate_token)
        assert data["total"] <= 100
        return {one["interviewId"]: one for one in data["interviews"]}

    def last_change(self, api: GunicornServer) -> int:
        """Return the event id of the interview's last change."""
        path = f"/candidate/interviews/{self.interview}/timeline"
        return int(ask(api, "GET", path, self.parties.candidate_token)["events"][-1]["id"])


@dataclass
class Client:
    """What one of a candidate's clients knows, by pushes and by `?after=` alone."""

    person: Person
    token: str
    after: int = 0
    known: dict[str, Any] = field(default_factory=dict)

    def open(self, live: GunicornServer) -> ClientConnection:
        """From where it was."""
        return open_socket(live, self.token, f"?after={self.after}", open_timeout=60)

    def take(self, ws: ClientConnection, seconds: float) -> None:
        """Apply the next message; raises TimeoutError after that many seconds."""
        message = json.loads(ws.recv(timeout=seconds))
        assert message["id"] > self.after
        self.after = message["id"]
        self.known[message["interview"]["interviewId"]] = message["interview"]

    def weather(self, live: GunicornServer) -> None:
        """Come and go, and be there for some of the changes."""
        chance = random.Random(self.token)
        for _ in range(RECONNECTS):
            with self.open(live) as ws:
                ends_at = time.monotonic() + chance.random()
                while (left := ends_at - time.monotonic()) > 0:
                    try:
                        self.take(ws, left)
                    except TimeoutError:
                        break

    def catch_up(self, live: GunicornServer, last: int) -> None:
        """Until that change is known."""
        with self.open(live) as ws:
            while self.after < last:
                self.take(ws, 30)


@pytest.mark.proof
def test_many_sockets_get_each_change(database: Database, database_url: str, parties: Parties, world: World) -> None:
    """Changes reach all of them; while they all hang up and come back, too; the API beside it stays as fast."""
    each, rounds = figure(sample=2, full=20), figure(sample=3, full=20)
    records = [application_record(world) for _ in range(CANDIDATES)]
    world.load()
    people = [person(parties, record) for record in records]
    clients = [Client(one, parties.issue_token(one.id)) for one in people for _ in range(each)]
    with ExitStack() as stack:
        api = GunicornServer(SETTINGS | {"DATABASE_URL": database_url})
        stack.callback(api.stop)
        live = GunicornServer(SETTINGS | {"DATABASE_URL": database_url}, config="gunicorn.live.conf.py")
        stack.callback(live.stop)
        done = stack.enter_context(proof("sockets on the live process", database.engine.dialect.name, len(clients)))
        with together(clients, live) as sockets:
            delays = [took for _ in range(rounds) for one in people for took in reach(one, api, sockets)]
        stormy = storm(people, clients, api, live)
        for client in clients:
            assert client.known == client.person.listed(api)
        with_them, without = latencies(clients, api, live)
        median = statistics.median(delays) * 1000
        done.result = (
            f"{len(delays)} messages of {rounds} changes to each, median {median:.0f} ms; {stormy} changes in a storm "
            f"of {RECONNECTS * len(clients)} reconnects: all equal to REST; REST p50 {without:.1f} ms without and "
            f"{with_them:.1f} ms with them"
        )
        assert median < 100
        assert with_them < without * 1.2 + 0.5


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
    """All of them connected; each may wait a second for the answer to its goodbye."""
    with ThreadPoolExecutor(8) as pool:
        sockets = list(pool.map(lambda client: client.open(live), clients))
    try:
        yield list(zip(clients, sockets, strict=True))
    finally:
        with ThreadPoolExecutor(100) as pool:
            list(pool.map(lambda ws: ws.close(), sockets))


def reach(one: Person, api: GunicornServer, sockets: list[tuple[Client, ClientConnection]]) -> list[float]:
    """Return the seconds from the request of a change until each client of the candidate has it."""
    began = time.monotonic()
    one.change(api)
    took = []
    for client, ws in sockets:
        if client.person is one:
            client.take(ws, 10)
            took.append(time.monotonic() - began)
    return took


def storm(people: list[Person], clients: list[Client], api: GunicornServer, live: GunicornServer) -> int:
    """All come and go while everybody's interviews change; how many changes there were meanwhile."""
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
            list(pool.map(lambda client: client.weather(live), clients))
        finally:
            is_over.set()
        made = changes.result()
        last = {one.id: one.last_change(api) for one in people}
        list(pool.map(lambda client: client.catch_up(live, last[client.person.id]), clients))
    return made


def latencies(clients: list[Client], api: GunicornServer, live: GunicornServer) -> tuple[float, float]:
    """REST's milliseconds with all sockets idle, and without: the best of several medians, taken in turn.

    What disturbs the machine for a while disturbs some of them; what the sockets cost, all of theirs.
    """
    with_them, without = [], []
    for _ in range(3):
        without += [latency(api, clients[0]) for _ in range(3)]
        with together(clients, live):
            with_them += [latency(api, clients[0]) for _ in range(3)]
    without += [latency(api, clients[0]) for _ in range(3)]
    return min(with_them), min(without)


def latency(api: GunicornServer, client: Client) -> float:
    """Return the median latency of a list in milliseconds."""
    took = []
    for _ in range(60):
        began = time.perf_counter()
        ask(api, "GET", "/candidate/interviews", client.token)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)

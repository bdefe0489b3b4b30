"""Proof: readers see event ids rise in commit order. The control, a plain sequence, fails."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event as Flag

import pytest
from flask import Flask
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import OperationalError

from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.events.log import EventLog
from interviews_api.events.models import Event, EventType
from interviews_api.services import service
from tests.support.factories import World
from tests.support.proof_table import figure, proof
from tests.support.settings import BACKENDS

INTERVIEW = "641a5f123456789012345678"
OWNERS = {"candidate_id": "c", "company_id": "d"}
WRITERS = 4


def append(connection: Connection) -> None:
    """Append an event as the application does."""
    interview = {"id": INTERVIEW, "revision": 0, **OWNERS}
    EventLog(connection).append(interview, EventType.CONFIRMED, at=now(), actor="company")


def append_from_a_plain_sequence(connection: Connection) -> None:
    """Append an event with an id of a plain sequence, as the control."""
    values = {"interview_id": INTERVIEW, "type": EventType.CONFIRMED, "at": now(), "actor": "company", "revision": 0}
    values |= OWNERS
    connection.execute(insert(Event).values(values))


@pytest.fixture
def database(app: Flask) -> Iterator[Database]:
    """Yield a database with a connection for each thread."""
    url = service(Settings, app).database_url
    wide = Database(url, pool_size=WRITERS + 1)
    yield wide
    wide.dispose()


def late_arrivals(database: Database, write: Callable[[Connection], None], events: int) -> int:
    """Return how many event ids a reader found below the highest it had seen."""
    is_over = Flag()

    def commit_some(seed: int) -> None:
        dice = random.Random(seed)
        left = events // WRITERS
        while left:
            with suppress(OperationalError):  # too long in the queue: once more
                with database.engine.begin() as connection:
                    write(connection)
                    time.sleep(dice.choice([0, 0, 0.001, 0.005]))  # the commit may take its time
                left -= 1

    def read() -> int:
        seen: set[int] = set()
        highest = late = 0
        with database.reads.connection() as connection:
            while True:
                was_over = is_over.is_set()
                new = set(connection.execute(select(Event.id)).scalars()) - seen
                late += sum(1 for event_id in new if event_id < highest)
                seen |= new
                highest = max(seen, default=0)
                if was_over:
                    assert len(seen) == events
                    return late

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(read)
        try:
            list(pool.map(commit_some, range(WRITERS)))
        finally:
            is_over.set()
        return reader.result()


@pytest.fixture
def _interview(world: World) -> None:
    world.candidate_with({"id": INTERVIEW})
    world.load()


@pytest.mark.proof
@pytest.mark.usefixtures("_interview")
def test_event_ids_rise_in_commit_order(database: Database) -> None:
    events = figure(sample=400, full=2000)
    with proof("events by 4 writers, in commit order", database.engine.dialect.name, events) as proof_row:
        assert late_arrivals(database, append, events) == 0
        proof_row.result = "no id came late"


@pytest.mark.proof
@pytest.mark.usefixtures("_interview")
@pytest.mark.parametrize("database_url", [BACKENDS[1]], indirect=True, scope="session")
def test_plain_sequence_fails_the_proof(database: Database) -> None:
    events = figure(sample=400, full=2000)
    with proof("the control: a plain sequence", database.engine.dialect.name, events) as proof_row:
        late = late_arrivals(database, append_from_a_plain_sequence, events)
        assert late > 0
        proof_row.result = f"{late} ids came late"

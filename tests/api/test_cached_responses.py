"""What is remembered turns over with the clock, and is never older than what was acknowledged before."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from interviews_api import create_app
from interviews_api.clock import format_instant
from interviews_api.db.connections import Database
from tests.conftest import SETTINGS
from tests.support.api import Caller, in_days, invitation, local
from tests.support.factories import World
from tests.support.proof_table import figure, proof

VIEWS = ["", "?status=confirmed", "?limit=1", "/upcoming", "/upcoming?limit=1"]
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def workers(app: Flask, database_url: str) -> Iterator[list[Flask]]:
    """Two that remember, whatever the suite is run with, and one that does not."""
    settings = SETTINGS | {"DATABASE_URL": database_url, "ACCESS_TOKEN_MINUTES": "1440"}
    made = [create_app(settings | {"CACHE_BYTES": size}) for size in ("1000000", "1000000", "0")]
    yield made
    for one in made:
        one.extensions["database"].dispose()


@pytest.mark.parametrize("view", VIEWS)
def test_an_answer_ends_when_the_next_interview_begins(
    view: str, workers: list[Flask], world: World, headers: Any
) -> None:
    present = in_days(0) + timedelta(minutes=2)  # once the token is issued
    starts = [present + timedelta(minutes=minutes) for minutes in (3, 6)]
    me = world.candidate_with(*({"status": "confirmed", "scheduledDate": format_instant(one)} for one in starts))
    world.load()
    mine = headers(me["id"])
    remembering, _, forgetful = (Caller(one.test_client(), mine) for one in workers)
    path, said = f"/candidate/interviews{view}", []
    moments = [present, *(start + step for start in starts for step in (timedelta(0), MILLISECOND)), present, starts[0]]
    with time_machine.travel(present, tick=False) as clock:
        for moment in moments:
            clock.move_to(moment)
            data = [caller.ok("GET", path) for caller in (remembering, remembering, forgetful)]
            assert data[0] == data[1] == data[2], moment
            said.append(data[0].get("upcomingCount", data[0]["total"]))
    assert said == [2, 2, 1, 1, 0, 2, 2]


@pytest.mark.proof
def test_nothing_is_older_than_what_was_acknowledged(
    workers: list[Flask], people: dict[str, Any], database: Database
) -> None:
    """Both workers are read all the time while one writes: answer and version are of one moment."""
    writes = figure(sample=60, full=1_000)
    us, candidate = people["us"], people["candidate"].headers
    one = us.ok("POST", "/interviews/schedule", invitation(people["us application"], notes="0"))["interviewId"]
    is_over, acknowledged, reads = threading.Event(), [0], [0]

    def write() -> None:
        try:
            for number in range(1, writes + 1):
                us.ok("PUT", f"/interviews/{one}/reschedule", local(in_days(4)) | {"notes": str(number)})
                acknowledged[0] = number
        finally:
            is_over.set()

    def read(worker: Flask, path: str) -> int:
        caller, count = Caller(worker.test_client(), candidate), 0
        while not is_over.is_set() or count < 10:
            least = acknowledged[0]
            data = caller.ok("GET", path)
            assert int(data["interviews"][0]["notes"] if "interviews" in data else data["notes"]) >= least
            count += 1
        return count

    paths = ["/candidate/interviews", f"/candidate/interviews/{one}"]
    with (
        proof("reads of two workers while one interview changes", database.engine.dialect.name, writes) as done,
        ThreadPoolExecutor(5) as pool,
    ):
        readers = [pool.submit(read, worker, path) for worker in workers[:2] for path in paths]
        pool.submit(write).result()
        reads[0] = sum(reader.result() for reader in readers)
        done.result = f"{reads[0]} reads, none older than what was acknowledged before it"
    assert reads[0] >= 40

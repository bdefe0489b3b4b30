"""A writer that stalls between its event and its COMMIT does not hold up others."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import event, func, select

from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from tests.support.api import Caller, invitation
from tests.support.people import People


def test_stalled_writer_does_not_hold_up_others(app: Flask, people: People, database: Database) -> None:
    """Postgres ends it after 5 s with a 503; SQLite's lock lasts as long as the process."""
    is_postgres = database.engine.dialect.name == "postgresql"
    paths = []
    for whose in ("us", "them"):
        interview = people.caller(whose).ok("POST", "/interviews/schedule", invitation(people.application_id(whose)))
        paths.append(f"/candidate/interviews/{interview['interviewId']}/request-reschedule")
    stalled, resume = threading.Event(), threading.Event()

    def stall(_connection: object) -> None:
        stalled.set()
        resume.wait(60)

    def move(which: int) -> int:  # If-Match: else it is one statement on Postgres, which cannot stall between two
        response = Caller(app.test_client(), people.candidate.headers).call("PUT", paths[which], {}, If_Match="*")
        return response.status_code

    event.listen(database.engine, "commit", stall, once=True)
    with ThreadPoolExecutor(1) as pool:
        stalling = pool.submit(move, 0)
        try:
            assert stalled.wait(10)
            deadline, answers = time.monotonic() + 15, [move(1)]
            while is_postgres and answers[-1] != 200 and time.monotonic() < deadline:
                answers.append(move(1))
        finally:
            resume.set()
        assert set(answers[:-1]) <= {503}
        assert (answers[-1], stalling.result()) == ((200, 503) if is_postgres else (503, 200))
    with database.reads.connection() as connection:
        assert connection.execute(select(func.count()).select_from(Event)).scalar_one() == 3  # no trace of the 503
    assert move(1) == 200

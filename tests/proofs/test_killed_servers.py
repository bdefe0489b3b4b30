"""kill -9 of workers and master while clients confirm and schedule: what was acknowledged is there, and whole."""

import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from itertools import count
from threading import Event as Flag

import pytest
from flask import Flask
from sqlalchemy import select

from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.hiring.models import Application
from interviews_api.interviews.models import Interview
from tests.support.api import in_days, invitation, local
from tests.support.crowd import Crowd, load_crowd
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.proof_table import figure, proof
from tests.support.settings import SETTINGS

CLIENTS = 16
PENDING = 400  # for each client to confirm


def kill(process_id: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGKILL)


class Servers:
    """One gunicorn after another on the same port."""

    def __init__(self, database_url: str) -> None:
        self._settings = SETTINGS | {"DATABASE_URL": database_url}
        self.server = GunicornServer(self._settings)
        self.port = self.server.port

    def kill_a_worker(self, dice: random.Random) -> None:
        """Kill a random worker; the master starts another."""
        if workers := self.server.workers:
            kill(dice.choice(workers))

    def kill_the_master(self) -> None:
        """And what it leaves behind; then start anew."""
        workers = self.server.workers
        kill(self.server.process.pid)
        self.server.stop()
        for worker in workers:
            kill(worker)
        for attempt in count():
            try:
                self.server = GunicornServer(self._settings, port=self.port)
                return
            except RuntimeError:  # the port is not free yet
                if attempt == 5:
                    raise


def client_work(number: int, servers: Servers, crowd: Crowd, is_over: Flag) -> tuple[set[str], set[str]]:
    """Confirm and schedule until it is over; the ids of what was acknowledged."""
    confirmed, scheduled = set(), set()
    pending: Iterator[str] = iter(crowd.pending_ids[number])
    for turn in count():
        if is_over.is_set():
            return confirmed, scheduled
        try:
            asked = invitation(crowd.application_ids[number], **local(in_days(30 + turn)))
            status, _, body = servers.server.request("POST", "/interviews/schedule", crowd.company, asked)
            assert status in (201, 503), body
            if status == 201:
                scheduled.add(json.loads(body)["data"]["interviewId"])
            if one := next(pending, None):
                path = f"/candidate/interviews/{one}/confirm"
                status, _, body = servers.server.request("PUT", path, crowd.candidates[number])
                assert status in (200, 503), body
                if status == 200:
                    confirmed.add(one)
        except (OSError, HTTPException):  # killed
            time.sleep(0.05)
    raise AssertionError


def check_everything(database: Database, confirmed: set[str], scheduled: set[str], known: set[str]) -> int:
    """Nothing acknowledged is missing; each state has its events, each event its state; how many interviews."""
    with database.reads.connection() as connection:
        interviews = {row.id: row for row in connection.execute(select(Interview))}
        applications = {row.id: row.status for row in connection.execute(select(Application))}
        events: dict[str, list[str]] = {}
        for row in connection.execute(select(Event).order_by(Event.id)):
            events.setdefault(row.interview_id, []).append(row.type)
    assert scheduled <= interviews.keys()
    assert {interviews[one].status for one in confirmed} <= {"confirmed"}
    last: dict[str, tuple[int, str]] = {}
    for one, interview in interviews.items():
        wanted = [] if one in known else ["interview.scheduled"]
        wanted += ["interview.confirmed"] * (interview.status == "confirmed")
        assert events.get(one, []) == wanted, one
        assert (interview.confirmed_at is not None) == (interview.status == "confirmed")
    with database.reads.connection() as connection:
        for row in connection.execute(select(Event.id, Event.type, Interview.application_id).join(Interview)):
            last[row.application_id] = max(last.get(row.application_id, (0, "")), (row.id, row.type))
    follow = {"interview.scheduled": "entretien_programmer", "interview.confirmed": "confirme"}
    for application_id, (_, event) in last.items():
        assert applications[application_id] == follow[event]
    return len(interviews)


@pytest.mark.proof
def test_killed_servers_lose_nothing_acknowledged(
    app: Flask, world: World, database: Database, database_url: str
) -> None:
    kills, dice = figure(sample=4, full=50), random.Random(9)
    crowd = load_crowd(app, world, CLIENTS, pending=PENDING)
    with proof("kill -9 under 16 clients", database.engine.dialect.name, kills) as done:
        servers, is_over = Servers(database_url), Flag()
        with ThreadPoolExecutor(CLIENTS) as pool:
            work = [pool.submit(client_work, number, servers, crowd, is_over) for number in range(CLIENTS)]
            try:
                for number in range(kills):
                    time.sleep(dice.uniform(0.1, 0.6))
                    servers.kill_the_master() if number % 4 == 3 else servers.kill_a_worker(dice)
                time.sleep(0.5)
            finally:
                is_over.set()
            results = [one.result() for one in work]
        servers.server.stop()
        confirmed = set().union(*(some for some, _ in results))
        scheduled = set().union(*(some for _, some in results))
        assert len(confirmed) > kills
        assert len(scheduled) > kills
        known = {one for some in crowd.pending_ids for one in some}
        total = check_everything(database, confirmed, scheduled, known)
        done.result = f"{len(confirmed)} confirms and {len(scheduled)} schedules kept, {total} interviews whole"

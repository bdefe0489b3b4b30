"""Proof: kill -9 of gunicorn's workers and master loses no acknowledged confirm or schedule."""

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

from interviews_api.db.connections import Database
from tests.support.acknowledged import check_everything
from tests.support.api import in_days, invitation, local
from tests.support.crowd import Crowd, load_crowd
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.proof_table import figure, proof
from tests.support.settings import SETTINGS

CLIENTS = 16
PENDING = 400  # for each client to confirm
APPLICATIONS = 40  # for each client to schedule 15 interviews each; an application has 20 open ones at most


def kill(process_id: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGKILL)


class Servers:
    """A gunicorn, and after each kill of its master a new one on the same port."""

    def __init__(self, database_url: str) -> None:
        self._settings = SETTINGS | {"DATABASE_URL": database_url}
        self.server = GunicornServer(self._settings)
        self.port = self.server.port

    def kill_a_worker(self, dice: random.Random) -> None:
        """Kill a random worker; the master starts another."""
        if workers := self.server.workers:
            kill(dice.choice(workers))

    def kill_the_master(self) -> None:
        """Kill the master and the workers that it leaves behind, then start a new gunicorn."""
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
    """Confirm and schedule until `is_over`; return the ids of acknowledged confirms and schedules."""
    confirmed, scheduled = set(), set()
    pending: Iterator[str] = iter(crowd.pending_ids[number])
    for turn in count():
        if is_over.is_set():
            return confirmed, scheduled
        application_id = crowd.application_ids[CLIENTS * (1 + turn // 15) + number]
        try:
            request = invitation(application_id, **local(in_days(30 + turn)))
            status, _, body = servers.server.request("POST", "/interviews/schedule", crowd.company, request)
            assert status in (201, 503), body
            if status == 201:
                scheduled.add(json.loads(body)["data"]["interviewId"])
            if interview_id := next(pending, None):
                path = f"/candidate/interviews/{interview_id}/confirm"
                status, _, body = servers.server.request("PUT", path, crowd.candidates[number])
                assert status in (200, 503), body
                if status == 200:
                    confirmed.add(interview_id)
        except (OSError, HTTPException):  # killed
            time.sleep(0.05)
    raise AssertionError


@pytest.mark.proof
def test_killed_servers_lose_nothing_acknowledged(
    app: Flask, world: World, database: Database, database_url: str
) -> None:
    kills, dice = figure(sample=3, full=50), random.Random(9)
    crowd = load_crowd(app, world, CLIENTS * (1 + APPLICATIONS), pending=PENDING, with_pending=CLIENTS)
    with proof("kill -9 under 16 clients", database.engine.dialect.name, kills) as proof_row:
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
            results = [future.result() for future in work]
        servers.server.stop()
        confirmed = set().union(*(ids for ids, _ in results))
        scheduled = set().union(*(ids for _, ids in results))
        assert len(confirmed) > kills
        assert len(scheduled) > kills
        loaded = {interview_id for ids in crowd.pending_ids for interview_id in ids}
        total = check_everything(database, confirmed, scheduled, loaded)
        proof_row.result = f"{len(confirmed)} confirms and {len(scheduled)} schedules kept, {total} interviews whole"

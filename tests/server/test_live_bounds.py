"""What one candidate, and a client that does not read, may take of a live process."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from websockets.exceptions import InvalidStatus

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.interviews.models import Interview
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.http_server import HttpServer
from tests.support.live_sockets import (
    ask,
    close_code,
    handshake,
    open_slow_socket,
    open_socket,
    schedule,
    small_socket,
    written,
)
from tests.support.people import Parties
from tests.support.settings import SETTINGS

pytestmark = pytest.mark.matrix

CONNECTIONS = 20
SEATS = 19
TEXT_OF_4_KB = b"\x81\xfe\x0f\xa0" + bytes(4) + b"x" * 4000


@pytest.fixture(scope="module")
def live(database_url: str) -> Iterator[GunicornServer]:
    server = GunicornServer(SETTINGS | {"DATABASE_URL": database_url}, config="gunicorn.live.conf.py")
    yield server
    server.stop()


def memory(server: GunicornServer) -> float:
    """Return the resident memory of the worker in MiB."""
    (pid,) = server.workers
    kilobytes = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert kilobytes
    return int(kilobytes[1]) / 1024


def tokens_of_others(parties: Parties, world: World, count: int) -> list[str]:
    others = [world.candidate() for _ in range(count)]
    world.load()
    return [parties.issue_token(other["id"]) for other in others]


def test_eleventh_socket_closes_the_oldest(live: GunicornServer, parties: Parties, world: World) -> None:
    (other,) = tokens_of_others(parties, world, 1)
    with ExitStack() as stack:
        neighbour = stack.enter_context(open_socket(live, other))
        own = [stack.enter_context(open_socket(live, parties.candidate_token)) for _ in range(11)]
        assert close_code(own[0]) == 1008
        own.append(stack.enter_context(open_socket(live, parties.issue_token(parties.candidate_id))))
        assert close_code(own[1]) == 1008
        schedule(live, parties)
        for ws in own[2:]:
            assert json.loads(ws.recv(timeout=30))["event"] == "interview.scheduled"
        with pytest.raises(TimeoutError):
            neighbour.recv(timeout=0.2)


def test_closed_sockets_do_not_count(live: GunicornServer, parties: Parties) -> None:
    with open_socket(live, parties.candidate_token) as first:
        for _ in range(15):
            open_socket(live, parties.candidate_token).close()
        schedule(live, parties)
        assert json.loads(first.recv(timeout=30))["event"] == "interview.scheduled"


def test_process_without_seats_answers_at_once(database_url: str, parties: Parties, world: World) -> None:
    """Requests without a socket still have connections, and a refused handshake keeps none."""
    settings = {"DATABASE_URL": database_url, "GUNICORN_CMD_ARGS": f"--worker-connections {CONNECTIONS}"}
    small = GunicornServer(SETTINGS | settings, config="gunicorn.live.conf.py")
    others = tokens_of_others(parties, world, 2)
    line = written(handshake(f"interviews.v1, bearer.{others[0]}".encode()))
    try:
        with ExitStack() as stack:
            taken = [
                stack.enter_context(open_socket(small, others[number // 10], close_timeout=0.1))
                for number in range(SEATS)
            ]
            for _ in range(3 * CONNECTIONS):
                raw = stack.enter_context(socket.create_connection(("127.0.0.1", small.port), 5))
                began = time.monotonic()
                raw.sendall(line)
                assert raw.recv(12) == b"HTTP/1.1 503"
                assert time.monotonic() - began < 4
            with pytest.raises(InvalidStatus) as refusal:
                open_socket(small, parties.candidate_token)
            assert refusal.value.response.headers["Retry-After"]
            began = time.monotonic()
            assert small.request("GET", "/health/live", {})[0] == 200
            assert time.monotonic() - began < 4
            taken[0].close()
            time.sleep(1.5)
            open_socket(small, parties.candidate_token).close()
    finally:
        small.stop()


def append_events(database: Database, interview_ids: list[str], count: int) -> None:
    """Append so many events to the log, in turn about each of the interviews."""
    with database.engine.begin() as connection:
        rows = connection.execute(select(Interview).where(Interview.id.in_(interview_ids))).mappings()
        interviews = {row["id"]: row for row in rows}
        connection.execute(
            insert(Event),
            [
                {
                    "interview_id": interview_id, "type": "interview.reschedule_requested", "at": now(),
                    "actor": "candidate", "revision": 0, "candidate_id": interviews[interview_id]["candidate_id"],
                    "company_id": interviews[interview_id]["company_id"],
                }
                for interview_id in (interview_ids[number % len(interview_ids)] for number in range(count))
            ],
        )  # fmt: skip


def all_events(database: Database) -> list[tuple[int, str]]:
    """Return the id and the interview of each event, oldest first."""
    with database.reads.connection() as connection:
        events = connection.execute(select(Event.id, Event.interview_id).order_by(Event.id))
        return [(event_id, interview_id) for event_id, interview_id in events]


def received(server: HttpServer, token: str, after: int, count: int) -> list[dict[str, Any]]:
    """Return the messages of a replay, which must be exactly so many."""
    with open_socket(server, token, f"?after={after}") as ws:
        messages = [json.loads(ws.recv(timeout=30)) for _ in range(count)]
        with pytest.raises(TimeoutError):
            ws.recv(timeout=0.5)
    return messages


def test_replay_is_a_thousand_changes_and_then_the_last_of_each_interview(
    server: HttpServer, parties: Parties, database: Database
) -> None:
    interview_ids = [schedule(server, parties, days) for days in (3, 5, 7)]
    append_events(database, interview_ids, 1200)
    append_events(database, interview_ids[:1], 3)
    append_events(database, interview_ids[2:], 40)
    events = all_events(database)
    assert len(events) == 1246
    last = {interview_id: event_id for event_id, interview_id in events}
    expected = [event_id for event_id, _ in events[:1000]] + sorted(last.values())
    messages = received(server, parties.candidate_token, 0, 1003)
    assert [message["id"] for message in messages] == expected
    assert {message["interview"]["interviewId"] for message in messages[1000:]} == set(interview_ids)
    # A client that lost its connection resumes after any id, and ends with the last change of each interview.
    for after in (events[500][0], expected[-2]):
        rest = [event_id for event_id, _ in events if event_id > after]
        assert [message["id"] for message in received(server, parties.candidate_token, after, len(rest))] == rest


def test_clients_that_do_not_read_hold_little_memory(
    live: GunicornServer, parties: Parties, world: World, database: Database
) -> None:
    """40 sockets of four candidates, each with 520 changes of an interview with long texts."""
    job = world.job(world.content["companies"][0])
    applications = [world.application(world.candidate(), job) for _ in range(4)]
    world.load()
    tokens = [parties.issue_token(application["candidateId"]) for application in applications]
    everyone = [replace(parties, application_id=application["id"]) for application in applications]
    for each in everyone:
        append_events(database, [schedule(live, each, 3, notes="é" * 4900)], 520)
    open_socket(live, tokens[0], "?after=0").close()
    before = memory(live)
    with ExitStack() as stack:
        for _ in range(10):
            for token in tokens:
                stack.enter_context(open_slow_socket(live, token, "?after=0", close_timeout=0.1))
        time.sleep(2)
        assert memory(live) - before < 20
        for days in (5, 7, 9, 11):
            for each in everyone:
                schedule(live, each, days, notes="é" * 4900)
        time.sleep(1)
        assert memory(live) - before < 25


def test_client_that_sends_and_does_not_read_is_cut_off(
    live: GunicornServer, parties: Parties, database: Database
) -> None:
    append_events(database, [schedule(live, parties, 3, notes="é" * 4900)], 520)
    before = memory(live)
    with small_socket(live) as raw:
        raw.settimeout(5)
        head = handshake(f"interviews.v1, bearer.{parties.candidate_token}".encode())
        raw.sendall(written(head).replace(b"/updates HTTP", b"/updates?after=0 HTTP"))
        assert raw.recv(12) == b"HTTP/1.1 101"
        with pytest.raises(ConnectionError):
            raw.sendall(TEXT_OF_4_KB * 10_000)
    assert memory(live) - before < 10
    assert ask(live, "GET", "/candidate/interviews", parties.candidate_token)["total"] == 1

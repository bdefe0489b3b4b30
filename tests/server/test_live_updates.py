"""Live updates over real WebSockets: one gunicorn with threads, and one with greenlets as in production."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from websockets.exceptions import InvalidStatus

from interviews_api.config import Settings
from interviews_api.config.limits import OPEN_OF_APPLICATION
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.api import in_days, local
from tests.support.factories import World
from tests.support.http_server import HttpServer
from tests.support.live_sockets import InProcessServer, ask, open_socket, schedule, with_new_application
from tests.support.people import Parties
from tests.support.proof_table import figure
from tests.support.settings import SETTINGS
from tests.support.statements import hooked

pytestmark = pytest.mark.matrix


def test_change_arrives_as_the_list_shows_it(server: HttpServer, parties: Parties) -> None:
    with open_socket(server, parties.candidate_token) as ws:
        assert ws.subprotocol == "interviews.v1"
        interview_id = schedule(server, parties)
        first = json.loads(ws.recv(timeout=30))
        assert list(first) == ["id", "event", "at", "interview"]
        assert first["event"] == "interview.scheduled"
        (listed,) = ask(server, "GET", "/candidate/interviews", parties.candidate_token)["interviews"]
        assert first["interview"] == listed
        ask(server, "PUT", f"/candidate/interviews/{interview_id}/confirm", parties.candidate_token)
        ask(server, "PUT", f"/interviews/{interview_id}/complete", parties.company_token, {})
        confirmed, completed = json.loads(ws.recv(timeout=30)), json.loads(ws.recv(timeout=30))
        assert (confirmed["event"], completed["event"]) == ("interview.confirmed", "interview.completed")
        assert first["id"] < confirmed["id"] < completed["id"]
        events = ask(server, "GET", f"/candidate/interviews/{interview_id}/timeline", parties.candidate_token)["events"]
        assert [(event["id"], event["at"]) for event in events] == [
            (message["id"], message["at"]) for message in (first, confirmed, completed)
        ]
    for query, expected in (
        ("?after=0", [first, confirmed, completed]), (f"?after={confirmed['id']}", [completed]),
        ("?after=9223372036854775807", []),
    ):  # fmt: skip
        with open_socket(server, parties.candidate_token, query) as ws:
            replayed = [json.loads(ws.recv(timeout=30)) for _ in expected]
            assert [change["id"] for change in replayed] == [change["id"] for change in expected]
            assert all(change["interview"]["status"] == "completed" for change in replayed)
            with pytest.raises(TimeoutError):
                ws.recv(timeout=0.3)


def test_update_arrives_but_not_what_the_candidate_cannot_see(server: HttpServer, parties: Parties) -> None:
    interview_id = schedule(server, parties)
    (listed,) = ask(server, "GET", "/candidate/interviews", parties.candidate_token)["interviews"]
    present = {"date": listed["scheduledDate"][:10], "time": listed["scheduledTime"]}
    with open_socket(server, parties.candidate_token) as ws:
        for change in ({}, {"internalNotes": "canary"}, {"internalNotes": "canary", "notes": "Bring ink"}):
            ask(server, "PUT", f"/interviews/{interview_id}/reschedule", parties.company_token, present | change)
        message = ws.recv(timeout=30)
    update = json.loads(message)
    assert (update["event"], update["interview"]["notes"]) == ("interview.updated", "Bring ink")
    assert "canary" not in str(message)


def test_changes_of_other_candidates_do_not_arrive(server: HttpServer, parties: Parties, world: World) -> None:
    other = world.candidate()
    world.load()
    with open_socket(server, parties.issue_token(other["id"]), "?after=0") as ws:
        schedule(server, parties)
        with pytest.raises(TimeoutError):
            ws.recv(timeout=1)


def test_client_messages_are_ignored(server: HttpServer, parties: Parties) -> None:
    with open_socket(server, parties.candidate_token) as ws:
        for _ in range(50):
            ws.send("hello")
        schedule(server, parties)
        assert json.loads(ws.recv(timeout=30))["event"] == "interview.scheduled"
    gone = open_socket(server, parties.candidate_token)
    gone.socket.shutdown(socket.SHUT_RDWR)
    schedule(server, parties, 5)
    with open_socket(server, parties.candidate_token) as ws:
        schedule(server, parties, 7)
        assert json.loads(ws.recv(timeout=30))["event"] == "interview.scheduled"


def test_reschedule_arrives_without_private_fields(server: HttpServer, parties: Parties) -> None:
    """A reschedule arrives with the new time and nothing private."""
    interview_id = schedule(server, parties)
    with open_socket(server, parties.candidate_token) as ws:
        body = local(in_days(9)) | {"internalNotes": "canary"}
        ask(server, "PUT", f"/interviews/{interview_id}/reschedule", parties.company_token, body)
        text = ws.recv(timeout=30)
        assert "canary" not in str(text)
        assert json.loads(text)["interview"]["scheduledDate"].startswith(body["date"])


@pytest.mark.proof
def test_no_change_is_missed_while_the_hub_starts(server: HttpServer, parties: Parties) -> None:
    """The hub starts with the first listener and ends with the last."""
    for number in range(figure(sample=5, full=50)):
        if number % OPEN_OF_APPLICATION.allowed == 0:
            parties = with_new_application(server, parties)
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(schedule, server, parties, 3 + number)
            with open_socket(server, parties.candidate_token, "?after=0") as ws:
                seen = {json.loads(ws.recv(timeout=30))["interview"]["interviewId"] for _ in range(number + 1)}
                assert writing.result() in seen
        time.sleep(0.1 * (number % 3))


def test_hub_recovers_after_database_errors(app: Flask, parties: Parties, caplog: pytest.LogCaptureFixture) -> None:
    """Reads of the hub fail for a while. Changes of that time arrive once they work again."""
    server = InProcessServer(SETTINGS | {"DATABASE_URL": service(Settings, app).database_url, "WEB_THREADS": "8"})
    engine = service(Database, server.app).engine
    is_away = threading.Event()

    def stumble(*_anything: Any) -> None:
        if is_away.is_set() and threading.current_thread().name == "live":
            raise OperationalError("x", {}, Exception("planted"))

    try:
        with hooked(engine, stumble), open_socket(server, parties.candidate_token) as ws:
            is_away.set()
            schedule(server, parties)
            with pytest.raises(TimeoutError):
                ws.recv(timeout=1.5)
            assert "live updates wait" in caplog.text
            is_away.clear()
            assert json.loads(ws.recv(timeout=30))["event"] == "interview.scheduled"
    finally:
        server.stop()


def test_socket_without_a_database_is_a_503(parties: Parties, tmp_path: Any) -> None:
    server = InProcessServer(SETTINGS | {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3", "WEB_THREADS": "8"})
    try:
        with pytest.raises(InvalidStatus) as refusal:
            open_socket(server, parties.candidate_token)
        assert refusal.value.response.status_code == 503
    finally:
        server.stop()

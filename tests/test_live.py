"""Live updates over real WebSockets: one gunicorn with threads, and one with greenlets as in production."""

import json
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, select
from sqlalchemy.exc import OperationalError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from werkzeug.serving import WSGIRequestHandler, make_server

from interviews_api import create_app
from interviews_api.accounts.models import Role, Session, Viewer
from interviews_api.accounts.tokens import issue_access_token, issue_refresh_token
from interviews_api.clock import now
from interviews_api.db import Database
from interviews_api.events.models import Event
from interviews_api.ids import new_id
from interviews_api.live.hub import Listener
from tests.api import in_days, invitation, local
from tests.conftest import SETTINGS, begin_session
from tests.factories import World
from tests.live import LiveServer
from tests.proofs import figure, proof

PATH = "/candidate/interviews/updates"
IN_PROCESS = "this process"
DEPLOYED = ("gunicorn.conf.py", "gunicorn.live.conf.py")


class OneRequest(WSGIRequestHandler):
    """Closes its connection, as gunicorn does with a socket's."""

    def handle_one_request(self) -> None:
        """And no other."""
        super().handle_one_request()
        self.close_connection = True


class ServerHere(LiveServer):
    """Werkzeug's threaded server in the process of the tests."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.app = create_app(settings)
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True, request_handler=OneRequest)
        self.port = self._server.port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """And what it holds."""
        self.app.extensions["live"].is_stopping = lambda: True
        self._server.shutdown()
        self._server.server_close()
        self.app.extensions["database"].engine.dispose()


@pytest.fixture(scope="module", params=(IN_PROCESS, *DEPLOYED))
def server(request: pytest.FixtureRequest, database_url: str) -> Iterator[LiveServer]:
    settings = SETTINGS | {"DATABASE_URL": database_url, "WEB_THREADS": "8"}
    here = request.param == IN_PROCESS
    made = ServerHere(settings) if here else LiveServer(settings, config=request.param)
    yield made
    made.stop()


@pytest.fixture
def stage(app: Flask, world: World) -> dict[str, Any]:
    """A company, a candidate and an application; tokens for both."""
    company = world.company()
    user, person = world.company_user(company), world.candidate()
    application = world.application(person, world.job(company))
    world.load()

    def token(user_id: str, role: Role = Role.CANDIDATE) -> str:
        with app.app_context():
            return issue_access_token(begin_session(user_id, role))

    made = {"company": token(user["id"], Role.COMPANY), "candidate": token(person["id"]), "person": person["id"]}
    return made | {"application": application["id"], "token": token}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ask(server: LiveServer, method: str, path: str, token: str, body: object = None) -> Any:
    status, _, raw = server.request(method, path, bearer(token), body)
    assert status < 300, raw
    return json.loads(raw)["data"]


def open_socket(server: LiveServer, token: str, query: str = "", **options: Any) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{server.port}{PATH}{query}", subprotocols=["interviews.v1", f"bearer.{token}"],
        compression=None, max_queue=None, proxy=None, legacy=True, **options,
    )  # type: ignore[list-item]  # fmt: skip


def close_code(ws: ClientConnection, seconds: float = 8) -> int:
    with suppress(ConnectionClosed):
        while ws.recv(timeout=seconds):
            pass
    assert ws.protocol.close_rcvd is not None
    return ws.protocol.close_rcvd.code


def schedule(server: LiveServer, stage: dict[str, Any], days: float = 3) -> str:
    made = ask(server, "POST", "/interviews/schedule", stage["company"], invitation(stage["application"], days))
    return str(made["interviewId"])


def test_each_change_arrives_as_the_list_shows_it(server: LiveServer, stage: dict[str, Any]) -> None:
    with open_socket(server, stage["candidate"]) as ws:
        assert ws.subprotocol == "interviews.v1"
        one = schedule(server, stage)
        first = json.loads(ws.recv(timeout=5))
        assert list(first) == ["id", "event", "at", "interview"]
        assert first["event"] == "interview.scheduled"
        (listed,) = ask(server, "GET", "/candidate/interviews", stage["candidate"])["interviews"]
        assert first["interview"] == listed
        ask(server, "PUT", f"/candidate/interviews/{one}/confirm", stage["candidate"])
        ask(server, "PUT", f"/interviews/{one}/complete", stage["company"], {})
        confirmed, completed = json.loads(ws.recv(timeout=5)), json.loads(ws.recv(timeout=5))
        assert (confirmed["event"], completed["event"]) == ("interview.confirmed", "interview.completed")
        assert first["id"] < confirmed["id"] < completed["id"]
        events = ask(server, "GET", f"/candidate/interviews/{one}/timeline", stage["candidate"])["events"]
        assert [(event["id"], event["at"]) for event in events] == [
            (message["id"], message["at"]) for message in (first, confirmed, completed)
        ]
    for query, wanted in (
        ("?after=0", [first, confirmed, completed]), (f"?after={confirmed['id']}", [completed]),
        ("?after=9223372036854775807", []),
    ):  # fmt: skip
        with open_socket(server, stage["candidate"], query) as ws:
            replayed = [json.loads(ws.recv(timeout=5)) for _ in wanted]
            assert [one["id"] for one in replayed] == [one["id"] for one in wanted]
            assert all(one["interview"]["status"] == "completed" for one in replayed)
            with pytest.raises(TimeoutError):
                ws.recv(timeout=0.3)


def test_nothing_of_others(server: LiveServer, stage: dict[str, Any], world: World) -> None:
    other = world.candidate()
    world.load()
    with open_socket(server, stage["token"](other["id"]), "?after=0") as ws:
        schedule(server, stage)
        with pytest.raises(TimeoutError):
            ws.recv(timeout=1)


def test_who_may_not_is_accepted_and_closed(server: LiveServer, stage: dict[str, Any], app: Flask) -> None:
    with app.app_context():
        viewer = begin_session(stage["person"])
        ended = issue_access_token(viewer, now() - timedelta(seconds=1))
        refresh = issue_refresh_token(viewer, new_id(), now() + timedelta(days=1))
    for token, code in ((ended, 4401), (refresh, 4401), ("x", 4401), ("a.b.c", 4401), (stage["company"], 4403)):
        with open_socket(server, token) as ws:
            assert close_code(ws) == code
    for protocols in (["interviews.v1"], None, [f"bearer.{stage['candidate']}"]):
        with connect(f"ws://127.0.0.1:{server.port}{PATH}", subprotocols=protocols, proxy=None, legacy=True) as ws:  # type: ignore[arg-type]
            assert close_code(ws) == 4401


def test_a_token_that_ends_ends_its_socket(
    server: LiveServer, stage: dict[str, Any], app: Flask, database: Database
) -> None:
    with app.app_context():
        short = issue_access_token(begin_session(stage["person"]), now() + timedelta(seconds=3))
    began = time.monotonic()
    with open_socket(server, short) as ws:
        assert close_code(ws) == 4401
        assert 1.5 < time.monotonic() - began < 8
    with open_socket(server, stage["candidate"]) as ws, open_socket(server, stage["token"](stage["person"])) as other:
        began = time.monotonic()
        ask(server, "POST", "/auth/logout", stage["candidate"])
        assert close_code(ws) == 4401
        assert time.monotonic() - began < 5
        with pytest.raises(TimeoutError):
            other.recv(timeout=0.2)
        with database.engine.begin() as connection:
            connection.execute(delete(Session))
        assert close_code(other) == 4401


def test_what_is_wrong_is_said_before_the_upgrade(server: LiveServer, stage: dict[str, Any]) -> None:
    for query in ("?after=x", "?after=-1", "?after=", "?after=1&after=2", "?after=1.0", "?after=" + "9" * 30):
        with pytest.raises(InvalidStatus) as refusal:
            open_socket(server, stage["candidate"], query)
        assert refusal.value.response.status_code == 400
        assert list(json.loads(refusal.value.response.body)["details"]) == ["after"]
    status, headers, body = server.request("GET", PATH, {})
    assert (status, headers["Upgrade"]) == (426, "websocket")
    assert json.loads(body) == {
        "statusCode": 426, "message": "Live updates need a WebSocket", "error": "Upgrade Required",
    }  # fmt: skip
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    for wrong in ({}, {"Sec-WebSocket-Key": "short"}, {"Sec-WebSocket-Key": "é" * 24}):
        assert raw_status(server, handshake | wrong) == 400
    assert raw_status(server, handshake | {"Sec-WebSocket-Version": "8"}) == 426


def raw_status(server: LiveServer, headers: dict[str, str]) -> int:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.putrequest("GET", PATH)
    for name, value in headers.items():
        connection.putheader(name, value.encode())
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_half_of_the_threads_are_kept_for_others(database_url: str, stage: dict[str, Any]) -> None:
    small = LiveServer(SETTINGS | {"DATABASE_URL": database_url, "WEB_THREADS": "4"}, workers=1)
    try:
        first, second = (open_socket(small, stage["candidate"]) for _ in range(2))
        with pytest.raises(InvalidStatus) as refusal:
            open_socket(small, stage["candidate"])
        assert refusal.value.response.status_code == 503
        assert refusal.value.response.headers["Retry-After"]
        assert ask(small, "GET", "/candidate/interviews", stage["candidate"])["total"] == 0
        first.close()
        deadline = time.monotonic() + 5
        while True:  # the seat is free when the server has noticed
            try:
                open_socket(small, stage["candidate"]).close()
                break
            except InvalidStatus:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        began = time.monotonic()
        small.process.terminate()
        assert close_code(second) == 1001
        small.process.wait(10)
        assert time.monotonic() - began < 5
    finally:
        small.stop()


def test_a_client_that_says_something_or_vanishes(server: LiveServer, stage: dict[str, Any]) -> None:
    with open_socket(server, stage["candidate"]) as ws:
        for _ in range(50):
            ws.send("hello")
        schedule(server, stage)
        assert json.loads(ws.recv(timeout=5))["event"] == "interview.scheduled"
    gone = open_socket(server, stage["candidate"])
    gone.socket.shutdown(socket.SHUT_RDWR)
    schedule(server, stage, 5)
    with open_socket(server, stage["candidate"]) as ws:
        schedule(server, stage, 7)
        assert json.loads(ws.recv(timeout=5))["event"] == "interview.scheduled"


@pytest.mark.proof
def test_many_sockets_on_the_live_process(
    app: Flask, database: Database, database_url: str, stage: dict[str, Any], world: World
) -> None:
    """Sockets of 25 candidates; changes reach all of them; a storm of reconnects; the API beside it stays as fast."""
    count, changes = figure(sample=60, full=500), 20
    backend = database.engine.dialect.name
    api = LiveServer(SETTINGS | {"DATABASE_URL": database_url})
    live = LiveServer(SETTINGS | {"DATABASE_URL": database_url}, config="gunicorn.live.conf.py")
    try:
        with proof("sockets on the live process", backend, count) as done:
            alone = latency(api, stage["candidate"])
            with ThreadPoolExecutor(8) as pool:
                sockets = list(pool.map(lambda _: open_socket(live, stage["candidate"]), range(count)))
            crowded = latency(api, stage["candidate"])
            delays, one = [], ""
            for number in range(changes):
                began = time.monotonic()
                if number % 2 == 0:
                    one = schedule(api, stage, 3 + number)
                else:
                    ask(api, "PUT", f"/candidate/interviews/{one}/confirm", stage["candidate"])
                for ws in sockets:
                    ws.recv(timeout=10)
                    delays.append(time.monotonic() - began)
            last = max(event_ids(database))

            def storm(ws: ClientConnection) -> dict[str, Any]:
                """Hang up and come back, three times, missing nothing; what the client then knows."""
                known: dict[str, Any] = {}
                after = 0
                ws.close()
                for _ in range(3):
                    with open_socket(live, stage["candidate"], f"?after={after}") as again:
                        while after < last:
                            message = json.loads(again.recv(timeout=20))
                            after = message["id"]
                            known[message["interview"]["interviewId"]] = message["interview"]
                return known

            with ThreadPoolExecutor(20) as pool:
                states = list(pool.map(storm, sockets))
            listed = ask(api, "GET", "/candidate/interviews?limit=100", stage["candidate"])["interviews"]
            assert all(known == {one["interviewId"]: one for one in listed} for known in states)
            median = statistics.median(delays) * 1000
            done.result = (
                f"{changes} changes reached all, median {median:.0f} ms; storm of {3 * count} reconnects: all equal to "
                f"REST; REST p50 {alone:.1f} ms without and {crowded:.1f} ms with them"
            )
            assert median < 100
            assert crowded < alone * 1.5 + 2
    finally:
        live.stop()
        api.stop()


def latency(server: LiveServer, token: str) -> float:
    """The median of a list's milliseconds."""
    took = []
    for _ in range(60):
        began = time.perf_counter()
        ask(server, "GET", "/candidate/interviews", token)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def event_ids(database: Database) -> list[int]:
    with database.reader.connect() as connection:
        return list(connection.execute(select(Event.id)).scalars())


def test_the_details_of_another_day(server: LiveServer, stage: dict[str, Any]) -> None:
    """A reschedule arrives with the new time and nothing private."""
    one = schedule(server, stage)
    with open_socket(server, stage["candidate"]) as ws:
        body = local(in_days(9)) | {"internalNotes": "canary"}
        ask(server, "PUT", f"/interviews/{one}/reschedule", stage["company"], body)
        text = ws.recv(timeout=5)
        assert "canary" not in str(text)
        assert json.loads(text)["interview"]["scheduledDate"].startswith(body["date"])


def test_what_happens_while_the_first_listener_arrives(server: LiveServer, stage: dict[str, Any]) -> None:
    """The hub has just begun, or ends because nobody listens: nothing falls between."""
    for number in range(figure(sample=5, full=50)):
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(schedule, server, stage, 3 + number)
            with open_socket(server, stage["candidate"], "?after=0") as ws:
                seen = {json.loads(ws.recv(timeout=5))["interview"]["interviewId"] for _ in range(number + 1)}
                assert writing.result() in seen
        time.sleep(0.1 * (number % 3))


def test_the_hub_outlives_its_database(app: Flask, stage: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Its reads fail for a while; what happened meanwhile arrives when they work again."""
    server = ServerHere(SETTINGS | {"DATABASE_URL": app.extensions["settings"].database_url, "WEB_THREADS": "8"})
    engine = server.app.extensions["database"].engine
    is_away = threading.Event()

    def stumble(*_anything: Any) -> None:
        if is_away.is_set() and threading.current_thread().name == "live":
            raise OperationalError("x", {}, Exception("planted"))

    event.listen(engine, "before_cursor_execute", stumble)
    try:
        with open_socket(server, stage["candidate"]) as ws:
            is_away.set()
            schedule(server, stage)
            with pytest.raises(TimeoutError):
                ws.recv(timeout=1.5)
            assert "live updates wait" in caplog.text
            is_away.clear()
            assert json.loads(ws.recv(timeout=5))["event"] == "interview.scheduled"
    finally:
        event.remove(engine, "before_cursor_execute", stumble)
        server.stop()


def test_who_does_not_read_is_cut_off() -> None:
    cuts: list[bool] = []
    listener = Listener(Viewer("a" * 24, Role.CANDIDATE, "b" * 24), now(), cut=lambda: cuts.append(True))
    for number in range(1001):
        listener.put((number, "x"))
    assert cuts == [True]


def test_sockets_without_their_database(stage: dict[str, Any], tmp_path: Any) -> None:
    server = ServerHere(SETTINGS | {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3", "WEB_THREADS": "8"})
    try:
        with pytest.raises(InvalidStatus) as refusal:
            open_socket(server, stage["candidate"])
        assert refusal.value.response.status_code == 503
    finally:
        server.stop()

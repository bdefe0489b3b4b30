"""Sockets close with their token and with the server, whether the client reads or not."""

import json
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from http.client import HTTPConnection

import pytest
from flask import Flask
from sqlalchemy import delete, update
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from interviews_api.accounts.models import Role, Session, Viewer
from interviews_api.accounts.session_repository import SessionRepository
from interviews_api.accounts.tokens import issue_access_token, issue_refresh_token
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from tests.support.api import in_days, local
from tests.support.gunicorn_server import GunicornServer
from tests.support.http_server import HttpServer
from tests.support.live_sockets import (
    DEPLOYED,
    ask,
    bearer,
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
from tests.support.tokens import begin_session

pytestmark = pytest.mark.matrix

CHANGES = 150
PING = b"\x89\xfd" + bytes(4 + 125)


def test_socket_closes_when_its_token_ends(
    server: HttpServer, parties: Parties, app: Flask, database: Database
) -> None:
    with app.app_context():
        short = issue_access_token(begin_session(parties.candidate_id), now() + timedelta(seconds=3))
    began = time.monotonic()
    with open_socket(server, short) as ws:
        assert close_code(ws) == 4401
        assert 1.5 < time.monotonic() - began < 20
    with (
        open_socket(server, parties.candidate_token) as ws,
        open_socket(server, parties.issue_token(parties.candidate_id)) as other,
    ):
        began = time.monotonic()
        ask(server, "POST", "/auth/logout", parties.candidate_token)
        assert close_code(ws) == 4401
        assert time.monotonic() - began < 20
        with pytest.raises(TimeoutError):
            other.recv(timeout=0.2)
        with database.engine.begin() as connection:
            connection.execute(delete(Session))
        assert close_code(other) == 4401


def test_socket_closes_when_a_refresh_token_is_used_after_the_grace(
    server: HttpServer, parties: Parties, app: Flask, database: Database
) -> None:
    ends = now() + timedelta(days=1)
    with app.app_context(), transaction() as connection:
        session_id, refresh_id = SessionRepository(connection).begin(parties.candidate_id, now=now(), expires_at=ends)
        viewer = Viewer(parties.candidate_id, Role.CANDIDATE, session_id)
        token, access = issue_refresh_token(viewer, refresh_id, ends), issue_access_token(viewer)
    with open_socket(server, access) as ws:
        for _ in range(2):  # within the grace the socket stays open
            ask(server, "POST", "/auth/refresh", token)
        with pytest.raises(TimeoutError):
            ws.recv(timeout=1.5)
        with database.engine.begin() as connection:
            connection.execute(update(Session).values(refreshed_at=now() - timedelta(seconds=20)))
        assert server.request("POST", "/auth/refresh", bearer(token))[0] == 401
        assert close_code(ws) == 4401


def test_sockets_take_at_most_half_of_the_threads(database_url: str, parties: Parties) -> None:
    small = GunicornServer(SETTINGS | {"DATABASE_URL": database_url, "WEB_THREADS": "4"}, workers=1)
    try:
        first, second = (open_socket(small, parties.candidate_token) for _ in range(2))
        with pytest.raises(InvalidStatus) as refusal:
            open_socket(small, parties.candidate_token)
        assert refusal.value.response.status_code == 503
        assert refusal.value.response.headers["Retry-After"]
        assert ask(small, "GET", "/candidate/interviews", parties.candidate_token)["total"] == 0
        first.close()
        deadline = time.monotonic() + 20
        while True:  # the seat is free when the server has noticed
            try:
                open_socket(small, parties.candidate_token).close()
                break
            except InvalidStatus:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        began = time.monotonic()
        small.process.terminate()
        assert close_code(second) == 1001
        small.process.wait(15)
        assert time.monotonic() - began < 14  # graceful_timeout, which it must not cost, is 20 s
    finally:
        small.stop()


def make_changes(server: HttpServer, parties: Parties) -> None:
    """Make more changes than the buffers between server and client hold."""
    interview_id = schedule(server, parties, notes="x" * 5_000)
    for number in range(1, CHANGES):
        ask(server, "PUT", f"/interviews/{interview_id}/reschedule", parties.company_token, local(in_days(3 + number)))


def is_ended(sock: socket.socket, seconds: float) -> bool:
    """Return whether the server resets the connection within so many seconds."""
    poll = select.poll()
    poll.register(sock, 0)
    return bool(poll.poll(seconds * 1000))


def until_the_end(ws: ClientConnection) -> Iterator[str | bytes]:
    """Yield the remaining messages until the socket closes."""
    with suppress(ConnectionClosed):
        while True:
            yield ws.recv(timeout=5)


@contextmanager
def socket_full_of_pongs(server: HttpServer, token: str) -> Iterator[socket.socket]:
    """Yield a socket whose client sent pings until the server took no more, and read nothing."""
    with small_socket(server) as sock:
        sock.settimeout(1)
        sock.sendall(written(handshake(f"interviews.v1, bearer.{token}".encode())))
        assert sock.recv(12) == b"HTTP/1.1 101"
        with suppress(TimeoutError):
            while True:
                sock.sendall(PING * 100)
        yield sock


def test_pongs_do_not_split_messages(server: HttpServer, parties: Parties) -> None:
    """The server answers pings while a message is half sent."""
    make_changes(server, parties)
    with open_slow_socket(server, parties.candidate_token, "?after=0") as ws:
        pongs = []
        for _ in range(50):
            pongs.append(ws.ping())
            time.sleep(0.01)
        ids = [json.loads(ws.recv(timeout=10))["id"] for _ in range(CHANGES)]
        assert ids == sorted(set(ids))
        assert all(pong.wait(10) for pong in pongs)


def test_unread_socket_closes_when_its_token_ends(server: HttpServer, parties: Parties, app: Flask) -> None:
    make_changes(server, parties)
    with app.app_context():
        short = issue_access_token(begin_session(parties.candidate_id), now() + timedelta(seconds=4))
    another = parties.issue_token(parties.candidate_id)
    expires = time.monotonic() + 4
    with (
        open_slow_socket(server, parties.candidate_token, "?after=0") as revoked,
        open_slow_socket(server, short, "?after=0") as expired,
        socket_full_of_pongs(server, another) as busy,
    ):
        assert not is_ended(revoked.socket, 0)
        began = time.monotonic()
        ask(server, "POST", "/auth/logout", parties.candidate_token)
        ask(server, "POST", "/auth/logout", another)
        assert is_ended(revoked.socket, 20)
        assert is_ended(busy, began + 20 - time.monotonic())
        assert is_ended(expired.socket, expires + 20 - time.monotonic())
        for ws in (revoked, expired):
            assert len(list(until_the_end(ws))) < CHANGES
    with open_socket(server, parties.issue_token(parties.candidate_id), "?after=0") as ws:
        for _ in range(CHANGES):
            ws.recv(timeout=30)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("config", DEPLOYED)
def test_stop_does_not_wait_for_clients(database_url: str, parties: Parties, config: str, how: signal.Signals) -> None:
    """The clients: one reads, one is idle, one does not read, one only pings."""
    settings = SETTINGS | {"DATABASE_URL": database_url, "WEB_THREADS": "8"}
    own = GunicornServer(settings, workers=1, config=config)
    try:
        make_changes(own, parties)
        token = parties.candidate_token
        with (
            open_socket(own, token, "?after=0") as read_connection,
            open_socket(own, token) as idle,
            open_slow_socket(own, token, "?after=0") as deaf,
            socket_full_of_pongs(own, token) as busy,
        ):
            began = time.monotonic()
            own.process.send_signal(how)
            assert own.process.wait(15) == 0
            assert time.monotonic() - began < 14  # graceful_timeout, which it must not cost, is 20 s
            assert close_code(read_connection) == close_code(idle) == 1001
            assert len(list(until_the_end(read_connection))) <= CHANGES
            assert is_ended(deaf.socket, 1)  # what a process leaves unsent goes before its end
            assert is_ended(busy, 1)
        assert not any(word in own.log for word in ("SIGKILL", "timeout", "Traceback")), own.log
    finally:
        own.stop()


def test_ctrl_c_ends_a_busy_server(database_url: str, app: Flask) -> None:
    """A terminal signals workers and master together, here while thread pools start."""
    assert app
    own = GunicornServer(SETTINGS | {"DATABASE_URL": database_url, "WEB_THREADS": "64"})
    try:
        while len(workers := own.workers) < 2:
            time.sleep(0.05)
        time.sleep(2)  # until they have loaded the application
        for pid in workers:
            os.kill(pid, signal.SIGINT)
        time.sleep(0.5)
        assert own.request("GET", "/health/live", {})[0] == 200
        assert own.workers == workers
        with ExitStack() as clients:
            for pid in (*workers, own.process.pid):
                os.kill(pid, signal.SIGINT)
            with suppress(OSError):  # it listens no more
                for _ in range(500):
                    client = clients.enter_context(socket.create_connection(("127.0.0.1", own.port), 5))
                    client.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert own.process.wait(18) == 0  # graceful_timeout, after which SIGKILL ends it, is 20 s
        assert "SIGKILL" not in own.log
    finally:
        own.stop()


def test_closed_sockets_are_counted_once(database_url: str, parties: Parties) -> None:
    """A wrong count makes a stopping worker close connections that still send requests."""
    own = GunicornServer(SETTINGS | {"DATABASE_URL": database_url}, workers=1)
    try:
        for _ in range(3):
            open_socket(own, parties.candidate_token).close()
        keep_alive = HTTPConnection("127.0.0.1", own.port, timeout=60)
        for is_last in (False, True):
            keep_alive.request("GET", "/health/live")
            response = keep_alive.getresponse()
            assert response.status == 200
            assert response.read()
            if not is_last:
                time.sleep(0.2)
                own.process.terminate()
                time.sleep(0.7)
        keep_alive.close()
        own.process.wait(30)
    finally:
        own.stop()

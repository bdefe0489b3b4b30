"""The WebSocket handshake: responses before the upgrade, and close codes after it."""

import json
import random
import re
import socket
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from interviews_api.accounts.models import User
from interviews_api.accounts.tokens import issue_access_token, issue_refresh_token
from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from tests.support.http_server import HttpServer
from tests.support.live_sockets import PATH, InProcessServer, close_code, handshake, open_socket, written
from tests.support.people import Parties
from tests.support.proof_table import figure
from tests.support.settings import SETTINGS
from tests.support.tokens import begin_session

pytestmark = pytest.mark.matrix

NOBODY = b"interviews.v1, bearer.x"
CLOSED_4401 = b"\x88\x02\x11\x31"


def test_forbidden_socket_is_accepted_and_closed(server: HttpServer, parties: Parties, app: Flask) -> None:
    with app.app_context():
        viewer = begin_session(parties.candidate_id)
        ended = issue_access_token(viewer, now() - timedelta(seconds=1))
        refresh = issue_refresh_token(viewer, new_id(), now() + timedelta(days=1))
    for token, code in ((ended, 4401), (refresh, 4401), ("x", 4401), ("a.b.c", 4401), (parties.company_token, 4403)):
        with open_socket(server, token) as ws:
            assert close_code(ws) == code
    with connect(f"ws://127.0.0.1:{server.port}{PATH}", subprotocols=["interviews.v1"], proxy=None, legacy=True) as ws:  # type: ignore[list-item]
        assert close_code(ws) == 4401


def test_client_that_does_not_offer_the_subprotocol_is_refused(server: HttpServer, parties: Parties) -> None:
    """A client fails the connection when the server names a subprotocol that it did not offer (RFC 6455, 4.1)."""
    bearer = f"bearer.{parties.candidate_token}"
    for protocols in (None, [bearer], [bearer, "interviews.v2"], ["interviews.V1", bearer], ["interviews.v10", bearer]):
        with pytest.raises(InvalidStatus) as refusal:
            connect(f"ws://127.0.0.1:{server.port}{PATH}", subprotocols=protocols, proxy=None, legacy=True)  # type: ignore[arg-type]
        assert refusal.value.response.status_code == 400
        answer = json.loads(refusal.value.response.body)
        assert answer["message"] == "The client must offer the subprotocol interviews.v1"
    for protocols in (["interviews.v1", bearer], [bearer, "interviews.v1"], ["x", "interviews.v1", bearer]):
        with connect(
            f"ws://127.0.0.1:{server.port}{PATH}",
            subprotocols=protocols,
            proxy=None,
            legacy=True,  # type: ignore[arg-type]
        ) as ws:
            assert ws.subprotocol == "interviews.v1"


def test_socket_of_an_unverified_candidate_is_closed(parties: Parties, database_url: str, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(User).where(User.id == parties.candidate_id).values(email_verified_at=None))
    settings = SETTINGS | {"DATABASE_URL": database_url, "WEB_THREADS": "8", "EMAIL_VERIFICATION": "required"}
    verifying = InProcessServer(settings)
    try:
        for token in (parties.issue_token(parties.candidate_id), parties.company_token):
            with open_socket(verifying, token) as ws:
                assert close_code(ws) == 4403
    finally:
        verifying.stop()


def test_invalid_query_is_refused_before_the_upgrade(server: HttpServer, parties: Parties) -> None:
    for query in ("?after=x", "?after=-1", "?after=", "?after=1&after=2", "?after=1.0", "?after=" + "9" * 30):
        with pytest.raises(InvalidStatus) as refusal:
            open_socket(server, parties.candidate_token, query)
        assert refusal.value.response.status_code == 400
        assert list(json.loads(refusal.value.response.body)["details"]) == ["after"]
    status, headers, body = server.request("GET", PATH, {})
    assert (status, headers["Upgrade"]) == (426, "websocket")
    assert json.loads(body) == {
        "statusCode": 426, "message": "Live updates need a WebSocket", "error": "Upgrade Required",
    }  # fmt: skip


def answer(server: HttpServer, request: bytes) -> tuple[int, bytes, bytes]:
    """Return status, head and body, or all bytes until the socket closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock, sock.makefile("rb") as stream:
        sock.sendall(request)
        status, head = int(stream.readline().split()[1]), b""
        while (line := stream.readline()).strip():
            head += line.lower()
        length = re.search(rb"content-length: (\d+)", head)
        body = b"" if request.startswith(b"HEAD") else stream.read(int(length[1]) if length else -1)
    return status, head, body


def assert_refused(server: HttpServer, request: bytes, status: int = 400) -> None:
    got, _, body = answer(server, request)
    assert got == status, request
    assert request.startswith(b"HEAD") or json.loads(body).keys() == {"statusCode", "message", "error"}, request


def test_invalid_handshakes_are_refused(server: HttpServer) -> None:
    good = handshake(NOBODY)
    for name, values in {
        "Sec-WebSocket-Key": (b"", b"short", b"\xe9" * 24, b"A" * 24),
        "Sec-WebSocket-Protocol": (b"interviews.v1, bearer.\xe9", b"\xff"),
        "Sec-WebSocket-Extensions": (
            b"", b";", b"\xe9", b"a b", b"permessage-deflate; x=\xe9", b"permessage-deflate; client_max_window_bits=",
            b"permessage-deflate;", b'x; y="', b'x; y=""',
        ),
    }.items():  # fmt: skip
        for value in values:
            assert_refused(server, written(good | {name: value}))
    assert_refused(server, written({name: value for name, value in good.items() if name != "Sec-WebSocket-Key"}))
    assert_refused(server, written(good | {"Sec-WebSocket-Version": b"8"}), 426)
    assert_refused(server, written(good | {"Connection": b"keep-alive, close"}), 426)
    for line, status in ((f"HEAD {PATH} HTTP/1.1", 400), (f"GET {PATH} HTTP/1.0", 400), (f"POST {PATH} HTTP/1.1", 405)):
        assert_refused(server, written(good, line), status)


def test_other_handshake_headers_are_ignored(server: HttpServer) -> None:
    for besides in (
        *({"Sec-WebSocket-Extensions": value} for value in (
            b"permessage-deflate; client_max_window_bits", b"permessage-deflate; client_max_window_bits=abc",
            b'permessage-deflate; client_max_window_bits="10", x-other;a = b',
            b"permessage-deflate; server_max_window_bits",
        )),
        {"Host": b"xn--0"}, {"Connection": b"keep-alive, upgrade"}, {"Upgrade": b"WebSocket"}, {"X-Odd": b"\xe9\xff"},
        {"Sec-WebSocket-Protocol": b"interviews.v1, , bearer.(x)"}, {"Sec-WebSocket-Protocol": b"interviews.v1"},
    ):  # fmt: skip
        status, head, frames = answer(server, written(handshake(NOBODY) | besides))
        assert (status, frames[:4]) == (101, CLOSED_4401), besides
        assert b"sec-websocket-extensions" not in head


@pytest.mark.proof
def test_random_handshakes_are_never_a_500(server: HttpServer) -> None:
    """Send random headers made of meaningful words and of any byte that a header may hold."""
    chance = random.Random(5)
    words = [
        b"permessage-deflate",
        b"client_max_window_bits",
        b"bearer.",
        b"a.b.c",
        b"interviews.v1",
        b"upgrade",
        b"13",
    ]
    words += [b"13", b";", b",", b"=", b'"', b" ", b"xn--", b"[::1]", b":", b"\t", b"\xe9", b"\xc3\xa9", b"\x7f"]
    names = [*handshake(NOBODY), "Sec-WebSocket-Extensions", "Origin", "Cookie", "X-Request-Id", "X-Forwarded-For"]
    for _ in range(figure(sample=150, full=3000)):
        besides = {name: b"".join(chance.choices(words, k=chance.randrange(6))) for name in chance.choices(names, k=2)}
        request = written(handshake(NOBODY) | besides)
        status, _, rest = answer(server, request)
        if status == 101:
            assert rest[:4] == CLOSED_4401, request
        else:
            assert status in (400, 426), request
            assert json.loads(rest).keys() == {"statusCode", "message", "error"}, request

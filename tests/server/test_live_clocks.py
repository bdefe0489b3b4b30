"""Clocks that differ between nodes: a socket takes a token, and ends with it, as the routes do."""

import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from flask import Flask

from interviews_api.accounts.tokens import ALGORITHM
from interviews_api.config import Settings
from interviews_api.services import service
from tests.support.live_sockets import PATH, InProcessServer, bearer, close_code, open_socket
from tests.support.people import Parties
from tests.support.provider import KEYS, pem, settings_for, signed
from tests.support.provider import claims as provider_claims
from tests.support.settings import SETTINGS
from tests.support.tokens import KEY, begin_session
from tests.support.tokens import claims as own_claims

pytestmark = pytest.mark.matrix

LEEWAY = 4  # seconds


@pytest.fixture(params=["our own", "the provider's"])
def node(request: pytest.FixtureRequest, app: Flask, database_url: str, tmp_path: Path) -> Iterator[InProcessServer]:
    settings = SETTINGS | {"DATABASE_URL": database_url, "WEB_THREADS": "8", "CLOCK_LEEWAY_SECONDS": str(LEEWAY)}
    if request.param != "our own":
        settings |= settings_for(tmp_path, pem(KEYS["ES256"]), "ES256")
    server = InProcessServer(settings)
    yield server
    server.stop()


def test_socket_and_routes_honour_the_leeway_alike(node: InProcessServer, parties: Parties, app: Flask) -> None:
    with app.app_context():
        viewer = begin_session(parties.candidate_id)

    def token(**dates: float) -> str:
        if service(Settings, node.app).idp_algorithm:
            return signed(provider_claims(parties.candidate_id, **dates), "ES256")
        return jwt.encode(own_claims(viewer.user_id, viewer.session_id) | dates, KEY, ALGORITHM)

    def route(text: str) -> int:
        return node.request("GET", PATH.removesuffix("/updates"), bearer(text))[0]

    present = int(time.time())
    for dates in ({"exp": present - LEEWAY - 1}, {"nbf": present + LEEWAY + 60}):
        refused = token(**dates)
        assert route(refused) == 401, dates
        with open_socket(node, refused) as ws:
            assert close_code(ws) == 4401, dates
    present = int(time.time())
    for dates in ({"nbf": present + LEEWAY - 1}, {"iat": present + 3600}):
        early = token(**dates)
        assert route(early) == 200, dates
        with open_socket(node, early) as ws, pytest.raises(TimeoutError):
            ws.recv(timeout=0.3)
    ends = int(time.time()) - 1
    late = token(exp=ends)
    with open_socket(node, late) as ws:
        assert route(late) == 200
        assert close_code(ws, LEEWAY + 6) == 4401
        assert time.time() >= ends + LEEWAY
    assert route(late) == 401

"""Clocks that differ between nodes: the leeway of tokens."""

import time
from collections.abc import Callable, Iterator

import jwt
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from interviews_api import create_app
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.tokens import ALGORITHM, token_end
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.api import PASSWORD
from tests.support.factories import World
from tests.support.settings import SETTINGS
from tests.support.tokens import KEY, begin_session, claims

PRESENT = float(int(time.time()))
Node = Callable[[int], FlaskClient]


@pytest.fixture
def node(app: Flask, database_url: str) -> Iterator[Node]:
    """Make a client of an application with that leeway, in seconds, over the database of `app`."""
    apps = []

    def make(leeway: int) -> FlaskClient:
        settings = SETTINGS | {"DATABASE_URL": database_url, "CLOCK_LEEWAY_SECONDS": str(leeway)}
        apps.append(create_app(settings))
        return apps[-1].test_client()

    yield make
    for each in apps:
        service(Database, each).dispose()


@pytest.fixture
def viewer(app: Flask, world: World) -> Viewer:
    me = world.candidate()
    world.load()
    with app.app_context():
        return begin_session(me["id"])


def status(client: FlaskClient, token: str) -> int:
    return client.get("/candidate/interviews", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize("leeway", [0, 30, 120])
def test_token_lives_between_its_dates_and_the_leeway(leeway: int, node: Node, viewer: Viewer) -> None:
    """Each moment is asked twice: the second time the token is a verified one that is remembered."""
    dates = {"iat": PRESENT + 3600, "nbf": PRESENT, "exp": PRESENT + 300}
    token = jwt.encode(claims(viewer.user_id, viewer.session_id) | dates, KEY, ALGORITHM)
    moments = {
        PRESENT - leeway - 1: 401, PRESENT - leeway: 200, PRESENT + 299 + leeway: 200, PRESENT + 300 + leeway: 401,
        PRESENT + 299.999 + leeway: 200, PRESENT - leeway - 0.5: 401,
    }  # fmt: skip
    for remembers in (False, True):
        client = node(leeway)
        with time_machine.travel(PRESENT, tick=False) as clock:
            if remembers:
                assert status(client, token) == 200
            for moment, expected in moments.items():
                clock.move_to(moment)
                seen = {status(client if remembers else node(leeway), token) for _ in range(2)}
                assert seen == {expected}, moment - PRESENT
        with client.application.app_context():
            assert token_end(token).timestamp() == PRESENT + 300 + leeway


def test_tokens_of_a_node_ahead_are_good_at_once(node: Node, world: World) -> None:
    """The other node's clock is a second, or an hour, behind."""
    world.candidate(email="ada@example.com", password=PASSWORD)
    world.load()
    ahead, behind = node(0), node(0)
    for seconds in (1, 3600):
        with time_machine.travel(PRESENT, tick=False) as clock:
            body = {"email": "ada@example.com", "password": PASSWORD}
            tokens = ahead.post("/auth/login", json=body).get_json()["data"]
            clock.move_to(PRESENT - seconds)
            assert status(behind, tokens["accessToken"]) == 200
            refresh = {"Authorization": f"Bearer {tokens['refreshToken']}"}
            assert behind.post("/auth/refresh", headers=refresh).status_code == 200


def test_token_without_a_representable_end_is_read(node: Node, viewer: Viewer) -> None:
    token = jwt.encode(claims(viewer.user_id, viewer.session_id) | {"exp": 10**15}, KEY, ALGORITHM)
    client = node(30)
    assert status(client, token) == 200
    with client.application.app_context():
        assert token_end(token).year == 9999

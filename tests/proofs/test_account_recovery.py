"""Proof: an attacker who had an account for a minute has nothing after the owner's reset, on any process."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.notifications.models import Channel
from interviews_api.notifications.worker.fan_out import DeliveryFanOut
from tests.support.api import PASSWORD, Caller, invitation
from tests.support.attacker import NEW_PASSWORD, VICTIM, Attacker, push_statuses, reset_tokens
from tests.support.gunicorn_server import GunicornServer
from tests.support.live_sockets import bearer, close_code, open_socket
from tests.support.people import People
from tests.support.proof_table import figure, proof
from tests.support.receivers import wait_for, working
from tests.support.settings import SETTINGS

TRIES = 6  # so many that each worker is likely to be asked


@pytest.fixture
def live(database_url: str) -> Iterator[GunicornServer]:
    live = GunicornServer(SETTINGS | {"DATABASE_URL": database_url}, config="gunicorn.live.conf.py")
    yield live
    live.stop()


def assert_tokens_open_nothing(servers: tuple[GunicornServer, ...], tokens: dict[str, Any], feed: str) -> None:
    """Check both tokens and the feed on each process."""
    for server in servers * TRIES:
        assert server.request("GET", "/candidate/interviews", bearer(tokens["accessToken"]))[0] == 401
        assert server.request("POST", "/auth/refresh", bearer(tokens["refreshToken"]))[0] == 401
        assert server.request("GET", feed, {})[0] == 404
        with open_socket(server, tokens["accessToken"]) as socket:
            assert close_code(socket) == 4401


@pytest.mark.matrix
def test_attacker_has_nothing_after_a_reset(
    app: Flask,
    anonymous: Caller,
    people: People,
    database: Database,
    gunicorn_server: GunicornServer,
    live: GunicornServer,
) -> None:
    """Tokens, feed, push subscription, socket, reset link, and the mails and messages that wait."""
    accounts, seconds = figure(sample=2, full=20), []
    servers = (gunicorn_server, live)
    job = people.us.ok("POST", "/jobs", {"title": "Engineer"})
    with proof("accounts taken back by a reset", database.engine.dialect.name, accounts) as proof_row:
        for number in range(accounts):
            email = f"victim{number}@example.com"
            account = anonymous.ok("POST", "/auth/register/candidate", VICTIM | {"email": email})
            attacker = Attacker(anonymous.client, account)
            application = attacker.caller.ok("POST", f"/jobs/{job['id']}/applications")
            schedule = invitation(application["applicationId"], 3 + number)
            for server in servers * TRIES:  # so that each worker has verified the token, and cached responses
                assert server.request("GET", "/candidate/interviews", bearer(account["accessToken"]))[0] == 200
                assert server.request("GET", attacker.feed, {})[0] == 200
            with open_socket(live, account["accessToken"]) as socket, open_socket(live, account["accessToken"]) as idle:
                people.us.ok("POST", "/interviews/schedule", schedule)
                assert socket.recv(timeout=30)
                with app.app_context(), transaction() as connection:
                    DeliveryFanOut(connection).run(now())
                stolen = set(reset_tokens(database))
                anonymous.ok("POST", "/auth/password/forgot", {"email": email})
                (link,) = set(reset_tokens(database)) - stolen
                anonymous.ok("POST", "/auth/password/reset", {"token": link, "newPassword": NEW_PASSWORD})
                began = time.monotonic()
                assert_tokens_open_nothing(servers, account, attacker.feed)
                assert [close_code(socket), close_code(idle)] == [4401, 4401]
                seconds.append(time.monotonic() - began)
            attacker.assert_has_nothing(database)
            for token in stolen:
                body = {"token": token, "newPassword": "the-attacker's-password"}
                assert anonymous.refused("POST", "/auth/password/reset", body) == (400, "Invalid reset token")
            assert anonymous.refused("POST", "/auth/login", {"email": email, "password": PASSWORD})[0] == 401
            anonymous.ok("POST", "/auth/login", {"email": email, "password": NEW_PASSWORD})
        assert_nothing_is_sent_to_the_attacker(app, database, accounts)
        proof_row.result = f"nothing is left; sockets closed within {max(seconds):.1f} s"


def assert_nothing_is_sent_to_the_attacker(app: Flask, database: Database, accounts: int) -> None:
    """Send all that waits: no message of a push subscription that has ended, and no reset link."""
    pushed: list[Any] = []
    mailed: list[Any] = []
    senders = {
        Channel.PUSH: lambda *push: pushed.append(push),
        Channel.EMAIL: lambda _user, context: mailed.append(context),
    }
    with working(app, senders):
        wait_for(lambda: push_statuses(database) == ["suppressed"] * accounts)
        wait_for(lambda: sum(context["kind"] == "password_changed" for context in mailed) == accounts)
    assert pushed == []
    assert [context for context in mailed if context["kind"] == "password_reset"] == []

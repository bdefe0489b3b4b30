"""Proof: one token, however many sockets it tries, keeps no other candidate out of the live process."""

import socket
import time
from contextlib import ExitStack

import pytest

from interviews_api.db.connections import Database
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.live_sockets import handshake, open_socket, written
from tests.support.people import Parties
from tests.support.proof_table import figure, proof
from tests.support.settings import SETTINGS


@pytest.mark.matrix
def test_one_token_keeps_nobody_out(database: Database, database_url: str, parties: Parties, world: World) -> None:
    """The clients of one token do not read, and do not close."""
    tries, step, waits = figure(sample=200, full=2000), 50, []
    other = world.candidate()
    world.load()
    others_token = parties.issue_token(other["id"])
    line = written(handshake(f"interviews.v1, bearer.{parties.candidate_token}".encode()))
    with ExitStack() as stack:
        live = GunicornServer(SETTINGS | {"DATABASE_URL": database_url}, config="gunicorn.live.conf.py")
        stack.callback(live.stop)
        proof_row = stack.enter_context(proof("sockets of one token", database.engine.dialect.name, tries))
        for number in range(1, tries + 1):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", live.port), 5))
            raw.sendall(line)
            if number % step == 0:
                began = time.monotonic()
                stack.enter_context(open_socket(live, others_token, close_timeout=0.1))
                assert live.request("GET", "/health/live", {})[0] == 200
                waits.append(time.monotonic() - began)
        proof_row.result = f"another candidate connects within {max(waits) * 1000:.0f} ms"
        assert max(waits) < figure(sample=10, full=1)

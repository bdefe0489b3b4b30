"""The log of the real processes: JSON lines, and no token, password, address or query in any."""

import json
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from interviews_api.interviews.link_tokens import make_token
from tests.support.api import invitation
from tests.support.gunicorn_server import GunicornServer, clean_environment
from tests.support.logs import CANARY
from tests.support.people import People
from tests.support.receivers import wait_for
from tests.support.settings import ROOT, SECRETS, SETTINGS

pytestmark = pytest.mark.matrix


def ask_raw(server: GunicornServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@dataclass(frozen=True)
class LoggedServer:
    """The log of a server, its responses to requests that gunicorn refuses, and the secrets in other requests."""

    log: str
    refusals: list[bytes]
    statuses: list[int]
    secrets: tuple[str, ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines()]


@pytest.fixture
def logged_server(app: Flask, people: People, database_url: str) -> LoggedServer:
    """Send tokens, passwords, links, queries, headers, bodies and malformed requests to a server, and stop it."""
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    link = make_token(SECRETS["SECRET_KEY"], interview["interviewId"], 0)
    feed = people.candidate.ok("POST", "/candidate/calendar-feed")["url"].rpartition("/")[2].removesuffix(".ics")
    token = people.candidate.headers["Authorization"]
    headers = {"Authorization": token, "Cookie": CANARY, "User-Agent": CANARY, "Referer": CANARY}
    server = GunicornServer(SETTINGS | {"DATABASE_URL": database_url})
    try:
        statuses = [
            server.request(method, path, headers, body)[0]
            for method, path, body in (
                ("GET", f"/candidate/interviews/{interview['interviewId']}?q={CANARY}", None),
                ("GET", f"/interviews/confirm/{link}", None),
                ("POST", f"/interviews/confirm/{link}", {}),
                ("GET", f"/interviews/confirm/{CANARY}", None),
                ("GET", f"/calendar/{feed}.ics", None),
                ("GET", f"/calendar/{CANARY}.ics", None),
                ("GET", f"/auth/password/reset?token={CANARY}", None),
                ("POST", "/auth/password/reset", {"token": CANARY, "newPassword": CANARY}),
                ("POST", "/auth/login", {"email": f"{CANARY}@example.com", "password": CANARY}),
                ("POST", "/auth/login", {CANARY: CANARY}),
                ("GET", f"/{CANARY}/x?{CANARY}", None),
            )
        ]
        refusals = [ask_raw(server, request.encode()) for request in MALFORMED]
        assert server.request("GET", "/health/live", {"X-Request-Id": "the-last"})[1]["X-Request-Id"] == "the-last"
        wait_for(lambda: "the-last" in server.log)
        log = server.log
    finally:
        server.stop()
    secrets = (CANARY, link, feed, interview["interviewId"], token.removeprefix("Bearer "), "example.com")
    return LoggedServer(log, refusals, statuses, secrets)


MALFORMED = (
    f"{CANARY}\r\n\r\n",
    f"GET /interviews/confirm/{CANARY} HTTP/9.9\r\n\r\n",
    f"GET /{CANARY}{'a' * 9000} HTTP/1.1\r\n\r\n",
    f"GET / HTTP/1.1\r\n{CANARY} {CANARY}\r\n\r\n",
    f"GET / HTTP/1.1\r\nA: {CANARY}\r\nContent-Length: {CANARY}\r\n\r\n",
    f"GET / HTTP/1.1\r\nTransfer-Encoding: {CANARY}\r\n\r\n",
)


def test_log_holds_no_secret_of_any_request(logged_server: LoggedServer) -> None:
    for status in logged_server.statuses:
        assert status < 500
    for secret in logged_server.secrets:
        assert secret not in logged_server.log, secret


def test_request_that_gunicorn_refuses_is_logged_under_its_id(logged_server: LoggedServer) -> None:
    records = logged_server.records
    requests = {record["request_id"]: record for record in records if record["message"] == "request"}
    for answer in logged_server.refusals:
        head, _, body = answer.partition(b"\r\n\r\n")
        request_id = re.search(rb"X-Request-Id: (\w+)", head)
        assert request_id is not None
        assert requests[request_id[1].decode()]["status"] == json.loads(body)["statusCode"]
    assert {record["level"] for record in records if "Invalid request" in record["message"]} == {"warning"}


def test_worker_logs_in_json() -> None:
    settings = SECRETS | {"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/nowhere", "PYTHONUNBUFFERED": "1"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        cwd=ROOT, env=clean_environment(settings), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert worker.stdout is not None
    with worker.stdout as output:
        output.readline()  # the line for an operator at a terminal
        line = json.loads(output.readline())
        worker.terminate()
        assert worker.wait(20) == 0
        output.read()
    assert line["level"] == "warning"


def test_server_log_has_no_private_fields(people: People, gunicorn_server: GunicornServer) -> None:
    headers = people.us.headers
    body = invitation(people.us_application_id, internalNotes=CANARY)
    assert gunicorn_server.request("POST", "/interviews/schedule", headers, body)[0] == 201
    assert gunicorn_server.request("POST", "/interviews/schedule", headers, body | {"type": CANARY})[0] == 400
    assert gunicorn_server.request("POST", "/interviews/schedule", headers, body)[0] == 409
    assert CANARY not in gunicorn_server.log
    assert headers["Authorization"].split()[1] not in gunicorn_server.log

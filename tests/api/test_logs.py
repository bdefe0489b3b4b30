"""Request ids and the log: every answer has an id, every request one line, and neither path nor secret is in it."""

import io
import json
import logging
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.config import Config

from interviews_api import create_app
from interviews_api.interviews.link_tokens import make_token
from interviews_api.server import gunicorn_internals
from interviews_api.web import logs
from tests.conftest import SECRETS, SETTINGS
from tests.support.api import invitation
from tests.support.live import LiveServer, clean_environment
from tests.support.receivers import wait_for

ROOT = Path(__file__).parents[2]
KEYS = {"time", "level", "logger", "message", "request_id", "method", "route", "status", "milliseconds"}
CANARY = "planted-canary"


@pytest.fixture
def lines() -> Iterator[Any]:
    """A function that gives what was logged until now, formatted as in production."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    handler.setFormatter(logs.JsonFormatter())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("given", ["a", "A1._-z", "x" * 64])
def test_a_well_formed_id_is_kept(given: str, client: FlaskClient, lines: Any) -> None:
    for path in ("/health/live", "/nope", "/auth/me"):
        assert client.get(path, headers={"X-Request-Id": given}).headers["X-Request-Id"] == given
    assert [line["request_id"] for line in lines()] == [given] * 3


@pytest.mark.parametrize("given", [None, "", "x" * 65, "a b", "a/b", "\xe9", "a\tb", "a,b", '"'])
def test_another_is_replaced_by_a_fresh_one(given: str | None, client: FlaskClient) -> None:
    headers = {} if given is None else {"X-Request-Id": given}
    ids = [client.get("/health/live", headers=headers).headers["X-Request-Id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_one_line_a_request_with_exactly_these_keys(client: FlaskClient, lines: Any) -> None:
    client.get(f"/candidate/interviews/{'a' * 24}?x={CANARY}")
    client.open(f"/{CANARY}", method="PLANTED")
    first, second = lines()
    assert set(first) == set(second) == KEYS
    shown = ("level", "message", "method", "route", "status")
    assert [first[key] for key in shown] == ["info", "request", "GET", "/candidate/interviews/<id:interview_id>", 401]
    assert [second[key] for key in shown] == ["info", "request", "other", "unknown", 404]
    assert 0 < first["milliseconds"] < 10_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])


def test_a_traceback_is_one_line_under_the_id_of_its_request(database_url: str, lines: Any) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": database_url})
    app.add_url_rule("/fault/<name>", "fault", lambda name: {}["a\nb\u2028c\ud800"])
    response = app.test_client().get(f"/fault/{CANARY}?{CANARY}")
    fault, answered = lines()
    assert fault["request_id"] == answered["request_id"] == response.headers["X-Request-Id"]
    assert (fault["level"], answered["status"]) == ("error", 500)
    assert "KeyError" in fault["traceback"]
    assert "/fault/<name>" in fault["message"]
    assert CANARY not in json.dumps([fault, answered])


def test_a_line_outside_of_a_request_has_no_id(lines: Any) -> None:
    logging.getLogger("elsewhere").warning("%s", object(), extra={"fields": {"odd": {1, 2}}})
    assert lines()[0].keys() == {"time", "level", "logger", "message", "odd"}


def ask_raw(server: LiveServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_no_marker_is_in_the_servers_log(app: Flask, people: dict[str, Any], database_url: str) -> None:
    """Of tokens, passwords, links, queries, headers, bodies, ids and what gunicorn itself refuses."""
    made = people["us"].ok("POST", "/interviews/schedule", invitation(people["us application"]))
    link = make_token(SECRETS["SECRET_KEY"], made["interviewId"], 0)
    feed = people["candidate"].ok("POST", "/candidate/calendar-feed")["url"].rpartition("/")[2].removesuffix(".ics")
    token = people["candidate"].headers["Authorization"]
    server = LiveServer(SETTINGS | {"DATABASE_URL": database_url})
    try:
        for method, path, body in (
            ("GET", f"/candidate/interviews/{made['interviewId']}?q={CANARY}", None),
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
        ):
            headers = {"Authorization": token, "Cookie": CANARY, "User-Agent": CANARY, "Referer": CANARY}
            assert server.request(method, path, headers, body)[0] < 500
        refused = [
            ask_raw(server, request.encode())
            for request in (
                f"{CANARY}\r\n\r\n",
                f"GET /interviews/confirm/{CANARY} HTTP/9.9\r\n\r\n",
                f"GET /{CANARY}{'a' * 9000} HTTP/1.1\r\n\r\n",
                f"GET / HTTP/1.1\r\n{CANARY} {CANARY}\r\n\r\n",
                f"GET / HTTP/1.1\r\nA: {CANARY}\r\nContent-Length: {CANARY}\r\n\r\n",
                f"GET / HTTP/1.1\r\nTransfer-Encoding: {CANARY}\r\n\r\n",
            )
        ]
        assert server.request("GET", "/health/live", {"X-Request-Id": "the-last"})[1]["X-Request-Id"] == "the-last"
        wait_for(lambda: "the-last" in server.log)
        log = server.log
    finally:
        server.stop()
    found = [json.loads(line) for line in log.splitlines()]
    lines = {line["request_id"]: line for line in found if line["message"] == "request"}
    for answer in refused:
        head, _, body = answer.partition(b"\r\n\r\n")
        one = re.search(rb"X-Request-Id: (\w+)", head)
        assert one is not None
        assert lines[one[1].decode()]["status"] == json.loads(body)["statusCode"]
    assert {line["level"] for line in found if "Invalid request" in line["message"]} == {"warning"}
    for marker in (CANARY, link, feed, made["interviewId"], token.removeprefix("Bearer "), "example.com"):
        assert marker not in log, marker


def test_gunicorns_own_lines_name_what_failed_and_do_not_quote_it(lines: Any, caplog: pytest.LogCaptureFixture) -> None:

    logger = gunicorn_internals.GunicornLogger(Config())
    for handler in logger.error_log.handlers:
        assert isinstance(handler.formatter, logs.JsonFormatter)
    logger.error_log.addHandler(caplog.handler)
    try:
        raise ValueError("cause")
    except ValueError:
        logger.exception("Error handling request %s %s", "GET", f"/{CANARY}")
        logger.warning(f"Invalid request from ip=1.2.3.4: {CANARY}")
        logger.exception("Another: %s", "x")
    finally:
        logger.error_log.handlers.clear()
    assert [record.getMessage() for record in caplog.records] == [
        "Error handling request", "Invalid request: ValueError", "Another: x",
    ]  # fmt: skip
    assert CANARY not in caplog.text


def test_the_worker_logs_in_json_too() -> None:
    settings = SECRETS | {"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/nowhere", "PYTHONUNBUFFERED": "1"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        cwd=ROOT, env=clean_environment(settings), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert worker.stdout is not None
    with worker.stdout as output:
        output.readline()  # for whoever started it by hand
        line = json.loads(output.readline())
        worker.terminate()
        assert worker.wait(20) == 0
        output.read()
    assert line["level"] == "warning"

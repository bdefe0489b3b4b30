"""Request ids and log lines: one line a request, without paths and secrets."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from gunicorn.config import Config

from interviews_api import create_app
from interviews_api.server import gunicorn_internals
from interviews_api.web import logs
from tests.support.logs import CANARY, captured_log
from tests.support.settings import SECRETS

KEYS = {"time", "level", "logger", "message", "request_id", "method", "route", "status", "milliseconds"}


@pytest.fixture
def lines() -> Iterator[Any]:
    """Yield a function that returns the lines logged so far, formatted as in production."""
    with captured_log() as stream:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("header", ["a", "A1._-z", "x" * 64])
def test_well_formed_request_id_is_kept(header: str, client: FlaskClient, lines: Any) -> None:
    for path in ("/health/live", "/nope", "/auth/me"):
        assert client.get(path, headers={"X-Request-Id": header}).headers["X-Request-Id"] == header
    assert [line["request_id"] for line in lines()] == [header] * 3


@pytest.mark.parametrize("header", [None, "", "x" * 65, "a b", "a/b", "\xe9", "a\tb", "a,b", '"'])
def test_malformed_request_id_is_replaced(header: str | None, client: FlaskClient) -> None:
    headers = {} if header is None else {"X-Request-Id": header}
    ids = [client.get("/health/live", headers=headers).headers["X-Request-Id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", request_id) for request_id in ids)


def test_each_request_logs_one_line_with_fixed_keys(client: FlaskClient, lines: Any) -> None:
    client.get(f"/candidate/interviews/{'a' * 24}?x={CANARY}")
    client.open(f"/{CANARY}", method="PLANTED")
    first, second = lines()
    assert set(first) == set(second) == KEYS
    keys = ("level", "message", "method", "route", "status")
    assert [first[key] for key in keys] == ["info", "request", "GET", "/candidate/interviews/<id:interview_id>", 401]
    assert [second[key] for key in keys] == ["info", "request", "other", "unknown", 404]
    assert 0 < first["milliseconds"] < 10_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])


def test_traceback_is_logged_under_the_request_id(database_url: str, lines: Any) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": database_url})
    app.add_url_rule("/fault/<name>", "fault", lambda name: {}["a\nb\u2028c\ud800"])
    response = app.test_client().get(f"/fault/{CANARY}?{CANARY}")
    fault, answered = lines()
    assert fault["request_id"] == answered["request_id"] == response.headers["X-Request-Id"]
    assert (fault["level"], answered["status"]) == ("error", 500)
    assert "KeyError" in fault["traceback"]
    assert "/fault/<name>" in fault["message"]
    assert CANARY not in json.dumps([fault, answered])


def test_line_outside_of_a_request_has_no_id(lines: Any) -> None:
    logging.getLogger("elsewhere").warning("%s", object(), extra={"fields": {"odd": {1, 2}}})
    assert lines()[0].keys() == {"time", "level", "logger", "message", "odd"}


def test_gunicorn_log_lines_do_not_quote_requests(lines: Any, caplog: pytest.LogCaptureFixture) -> None:

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

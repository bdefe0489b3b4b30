"""Canaries of gunicorn's and Werkzeug's private API, which gunicorn_internals.py and web/openapi.py use.

A failure names the part of this project that an upgrade breaks.
"""

import inspect
import logging
import os
import socket
from concurrent.futures import Future
from contextlib import closing, suppress
from types import SimpleNamespace
from typing import Any

import gunicorn.util
import pytest
from gunicorn import glogging
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import TConn, ThreadWorker
from werkzeug.routing import Map, Rule

from interviews_api.server import gunicorn_internals


class Socket:
    """Socket that keeps the sent bytes."""

    def __init__(self) -> None:
        self.sent = b""

    def setblocking(self, _flag: bool) -> None:
        pass

    def sendall(self, data: bytes) -> None:
        self.sent += data


@pytest.fixture
def worker() -> Any:
    config = Config()
    logger = glogging.Logger(config)
    application = SimpleNamespace(wsgi=lambda: "the application")
    worker = Worker(1, os.getppid(), [], application, 30, config, logger)
    with closing(worker.tmp):
        yield worker


@pytest.fixture
def messages(worker: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Messages that the worker passes to its logger."""
    messages: list[str] = []
    for method in ("warning", "exception"):
        monkeypatch.setattr(worker.log, method, lambda message, *_, **__: messages.append(message))
    return messages


def test_message_of_an_invalid_request(worker: Any, messages: list[str]) -> None:
    worker.handle_error(None, Socket(), ("192.0.2.1", 1), InvalidHeader("X"))
    assert messages[0].startswith(gunicorn_internals.INVALID_REQUEST), (
        "gunicorn words invalid requests otherwise: GunicornLogger.warning writes addresses and headers to the log"
    )


def test_message_of_a_failed_request(worker: Any, messages: list[str]) -> None:
    request = SimpleNamespace(method="GET", uri="/secret")
    with suppress(AttributeError):  # the request has no more than the message needs
        worker.handle_error(request, Socket(), ("192.0.2.1", 1), ValueError())
    assert messages[0].startswith(gunicorn_internals.FAILED_REQUEST), (
        "gunicorn words failed requests otherwise: GunicornLogger.exception writes paths to the log"
    )


def test_errors_are_written_by_one_function(worker: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = []
    monkeypatch.setattr(gunicorn.util, "write_error", lambda _sock, status, _reason, _message: statuses.append(status))
    worker.handle_error(None, Socket(), ("192.0.2.1", 1), InvalidHeader("X"))
    assert statuses == [400], "gunicorn no longer answers by util.write_error: its own errors are HTML again"


def test_responses_are_written_by_one_function() -> None:
    client = Socket()
    client.gettimeout = lambda: None  # type: ignore[attr-defined]
    gunicorn.util.write_nonblock(client, b"response")
    assert client.sent == b"response", "gunicorn no longer has util.write_nonblock: JSON errors are not sent"


def test_threads_run_one_method() -> None:
    submitted = []
    pool = SimpleNamespace(submit=lambda *arguments: submitted.append(arguments) or Future())
    ThreadWorker.enqueue_req(SimpleNamespace(tpool=pool, handle="handle"), "connection")
    assert submitted == [("handle", "connection")], (
        "gunicorn's threads no longer run ThreadWorker.handle: clients that do not hang up block the main thread"
    )


def test_requests_are_served_by_one_method() -> None:
    assert list(inspect.signature(ThreadWorker.handle_request).parameters) == ["self", "req", "conn"], (
        "gunicorn no longer has ThreadWorker.handle_request: a client that does not read holds a thread for ever"
    )
    assert "self.handle_request(" in inspect.getsource(ThreadWorker.handle)


def test_connections_are_closed_by_one_function() -> None:
    ours, theirs = socket.socketpair()
    connection = TConn(Config(), ours, ("192.0.2.1", 1), ("192.0.2.2", 2))
    assert connection.sock is ours, "gunicorn no longer has TConn.sock: WebWorker cannot close connections"
    theirs.close()
    gunicorn.util.close_graceful(connection.sock)
    assert ours.fileno() == -1, "gunicorn's util.close_graceful no longer closes: WebWorker leaves sockets open"


def test_workers_of_the_master() -> None:
    assert isinstance(getattr(Arbiter, "WORKERS", None), dict), (
        "gunicorn no longer has Arbiter.WORKERS: new workers take metric files that others use"
    )


def test_state_of_a_worker(worker: Any) -> None:
    assert worker.alive, "gunicorn no longer has Worker.alive: sockets close as soon as they open"
    worker.load_wsgi()
    assert worker.wsgi == "the application", "gunicorn no longer has Worker.wsgi: its hooks find no application"
    worker.handle_exit(None, None)
    assert not worker.alive, "gunicorn's Worker.handle_exit no longer ends Worker.alive: sockets stay open at a stop"


def test_logger_is_set_up_by_its_method() -> None:
    assert list(inspect.signature(glogging.Logger.setup).parameters) == ["self", "cfg"], (
        "gunicorn's Logger.setup takes other arguments: GunicornLogger cannot start"
    )
    logger = glogging.Logger(Config())
    assert isinstance(logger.error_log, logging.Logger), "gunicorn no longer has Logger.error_log: no line is JSON"


def test_werkzeug_converters_of_a_rule() -> None:
    rule = Rule("/<int:number>", endpoint="endpoint")
    Map([rule])
    assert set(getattr(rule, "_converters", {})) == {"number"}, (
        "Werkzeug no longer has Rule._converters: openapi.py cannot describe parameters of paths"
    )

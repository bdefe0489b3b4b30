"""The deadline of a conversation with a receiver covers each of its phases."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.deadline import Deadline
from interviews_api.notifications.channels.https_client import HttpsClient, NoAnswer
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.channels.webhook import WebhookSender
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.notifications.worker.worker import work_once
from interviews_api.services import service
from tests.support.api import invitation
from tests.support.people import People
from tests.support.postgres import free_port
from tests.support.receivers import PUBLIC_ADDRESS, DrippingMailServer, HttpsReceiver, wait_for, working
from tests.support.webhooks import hook

LIMIT = 2.4
SLACK = 2  # the receivers drip, or are silent, for 9 s and more


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpsReceiver]:
    receiver = HttpsReceiver(tmp_path, seconds=LIMIT)
    yield receiver
    receiver.stop()


def post(https_client: HttpsClient, path: str) -> tuple[int | str, float]:
    """Return the status or the error, and the seconds it took."""
    began = time.monotonic()
    try:
        result: int | str = https_client.post(f"https://a.hooks.example{path}", b"{}", {})
    except NoAnswer as error:
        result = str(error)
    return result, time.monotonic() - began


@pytest.mark.parametrize(
    ("how", "result"), [("keep-alive", 200), ("close", 200), ("1.0", 200), ("status", "TimeoutError")]
)
@pytest.mark.parametrize(("connect_seconds", "handshake_seconds"), [(0, 0), (0.3, 0.5)])
def test_dripping_response_is_cut_off_at_the_deadline(
    how: str, result: int | str, connect_seconds: float, handshake_seconds: float, receiver: HttpsReceiver
) -> None:
    """A receiver that answered 200 has taken the delivery, even if the rest is cut off."""
    receiver.connect_seconds, receiver.handshake_seconds = connect_seconds, handshake_seconds
    outcome, took = post(receiver.https_client, f"/drip/{how}")
    assert outcome == result
    assert LIMIT - 0.1 < took < LIMIT + SLACK


@pytest.mark.parametrize(("connect_seconds", "handshake_seconds"), [(0, 9), (1.6, 2), (3, 0)])
def test_slow_connection_is_cut_off_at_the_deadline(
    connect_seconds: float, handshake_seconds: float, receiver: HttpsReceiver
) -> None:
    """The connect function ignores its time-out."""
    receiver.connect_seconds, receiver.handshake_seconds = connect_seconds, handshake_seconds
    outcome, took = post(receiver.https_client, "/ok")
    assert outcome == "TimeoutError"
    assert took < max(LIMIT, connect_seconds) + SLACK
    assert receiver.requests == []


def test_deadline_includes_name_resolution(receiver: HttpsReceiver) -> None:
    def look_up(_host: str) -> list[str]:
        time.sleep(0.8)
        return [PUBLIC_ADDRESS]

    outcome, took = post(HttpsClient(look_up, receiver.connect, receiver.trust, LIMIT), "/drip/status")
    assert outcome == "TimeoutError"
    assert took < LIMIT + SLACK


def test_each_address_is_tried(receiver: HttpsReceiver) -> None:
    """The first address refuses, the second times out, the third answers."""
    tried: list[str] = []

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        tried.append(address)
        if address == "8.8.8.8":
            raise ConnectionRefusedError
        if address == "1.1.1.1":
            time.sleep(seconds)
            raise TimeoutError
        return receiver.connect(address, port, seconds)

    def https_client(*addresses: str) -> HttpsClient:
        return HttpsClient(lambda _host: list(addresses), connect, receiver.trust, LIMIT)

    outcome, took = post(https_client("8.8.8.8", "1.1.1.1", PUBLIC_ADDRESS), "/ok")
    assert (outcome, tried) == (200, ["8.8.8.8", "1.1.1.1", PUBLIC_ADDRESS])
    assert took < LIMIT
    outcome, took = post(https_client("1.1.1.1", "8.8.8.8"), "/ok")
    assert outcome == "ConnectionRefusedError"
    assert took < LIMIT
    assert len(receiver.requests) == 1


def test_missing_address_is_an_os_error() -> None:
    with pytest.raises(OSError, match="no address"), Deadline(LIMIT) as limit:
        limit.open(socket.create_connection, [], free_port())  # type: ignore[arg-type]


def error_of(database: Database) -> str | None:
    with database.reads.connection() as connection:
        error: str | None = connection.execute(select(Delivery.error)).scalar()
    return error


@pytest.mark.parametrize("point", ["tls", "greeting", "starttls", "data"])
def test_dripping_mail_server_is_cut_off_at_the_deadline(
    point: str, app: Flask, people: People, database: Database
) -> None:
    server = DrippingMailServer(point)
    settings = replace(
        service(Settings, app), smtp_host="localhost", smtp_port=server.port,
        smtp_tls=point if point in ("tls", "starttls") else "none",
    )  # fmt: skip
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with working(app, {Channel.EMAIL: mail_sender(settings, seconds=LIMIT)}):
        wait_for(lambda: error_of(database))
        took = time.monotonic() - server.visits[0]
    server.stop()
    assert error_of(database) == f"TimeoutError: it took longer than {LIMIT:g} s"
    assert LIMIT - 0.1 < took < LIMIT + SLACK


def test_worker_stops_while_receivers_drip(app: Flask, people: People, receiver: HttpsReceiver) -> None:
    mail = DrippingMailServer("data")
    settings = replace(service(Settings, app), smtp_host="127.0.0.1", smtp_port=mail.port, smtp_tls="none")
    paths = {f"/drip/{how}" for how in ("keep-alive", "close", "1.0", "status")}
    for path in paths:
        hook(database=service(Database, app), company_id=people.us_company_id, path=path)
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with app.app_context():
        work_once(now())
    senders = {
        Channel.EMAIL: mail_sender(settings, seconds=LIMIT),
        Channel.WEBHOOK: WebhookSender(receiver.https_client),
    }
    with working(app, senders, concurrency=32):
        wait_for(lambda: mail.visits and {request.path for request in receiver.requests} == paths)
        began = time.monotonic()
    assert time.monotonic() - began < LIMIT + SLACK
    mail.stop()

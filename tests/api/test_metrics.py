"""Metrics: labels, deliveries and the oldest unsent event."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from sqlalchemy.event import listens_for

from interviews_api import create_app
from interviews_api.accounts.models import PasswordReset
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.events.models import Event
from interviews_api.notifications.backlog_repository import BacklogRepository
from interviews_api.notifications.models import Delivery, FanOutPosition
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW, DeliveryFanOut
from interviews_api.services import service
from tests.support.api import invitation
from tests.support.metrics import Sample, parse, requests
from tests.support.people import People
from tests.support.settings import SECRETS


def scrape(client: FlaskClient) -> dict[Sample, float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return parse(response.text)


def test_metric_labels_are_route_templates(client: FlaskClient) -> None:
    route = "/candidate/interviews/<id:interview_id>"
    before = scrape(client)
    for path in ("a" * 24, "b" * 24, "nope"):
        client.get(f"/candidate/interviews/{path}?token=planted-canary")
    for path in ("/planted-canary", "/interviews/planted-canary/x/y", "/auth/%00"):
        client.get(path)
    client.open("/health/live", method="PLANTEDCANARY")
    client.open("/health/live", method="ANOTHERCANARY")
    after = scrape(client)

    def grown(**labels: str) -> float:
        return requests(after, **labels) - requests(before, **labels)

    assert grown(route=route, method="GET", status="401") == 3
    assert grown(route="unknown", method="GET", status="404") == 3
    assert grown(route="unknown", method="other", status="405") == 2
    assert grown(route="/metrics", method="GET", status="200") == 1
    took = ("interviews_request_seconds_count", (("method", "GET"), ("route", route)))
    assert after[took] - before.get(took, 0) == 3
    assert "canary" not in client.get("/metrics").text.lower()
    assert not re.search(r'"[^"]*[0-9a-f]{24}', client.get("/metrics").text)


def delivery(samples: dict[Sample, float], channel: str, outcome: str) -> float:
    return samples["interviews_deliveries", (("channel", channel), ("outcome", outcome))]


def unsent_seconds(samples: dict[Sample, float]) -> float:
    return samples["interviews_oldest_unsent_event_seconds", ()]


def test_metrics_count_deliveries_and_the_oldest_unsent_event(app: Flask, client: FlaskClient, people: People) -> None:
    empty = scrape(client)
    assert len([name for name, _ in empty if name == "interviews_deliveries"]) == 12
    assert (delivery(empty, "email", "pending"), unsent_seconds(empty)) == (0, 0)
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with app.app_context(), transaction() as connection:
        connection.execute(update(Event).values(at=now() - timedelta(minutes=10)))
    undistributed = scrape(client)
    assert delivery(undistributed, "email", "pending") == 0
    assert 600 <= unsent_seconds(undistributed) < 660
    with app.app_context(), transaction() as connection:
        DeliveryFanOut(connection).run(now() - timedelta(minutes=10))
    pending = scrape(client)
    assert delivery(pending, "email", "pending") == 1
    assert 600 <= unsent_seconds(pending) < 660
    for status in ("sent", "suppressed", "failed"):
        with app.app_context(), transaction() as connection:
            connection.execute(update(Delivery).values(status=status))
        ended = scrape(client)
        counts = (delivery(ended, "email", "pending"), delivery(ended, "email", status))
        assert (*counts, unsent_seconds(ended)) == (0, 1, 0)
    with app.app_context(), transaction() as connection:  # no event was fanned out yet
        connection.execute(delete(Delivery))
        connection.execute(delete(FanOutPosition))
    assert unsent_seconds(scrape(client)) >= 600


def test_resent_delivery_counts_from_its_resend(app: Flask, client: FlaskClient, people: People) -> None:
    us = people.us
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, days=3))
    path = f"/interviews/{interview['interviewId']}/notices"
    notice = us.ok("GET", path)["notices"][0]
    days_ago = now() - timedelta(days=5)
    with app.app_context(), transaction() as connection:
        connection.execute(update(Event).values(at=days_ago))
        connection.execute(
            update(Delivery).values(status="failed", due_at=days_ago, give_up_at=days_ago + RETRY_WINDOW)
        )
    assert unsent_seconds(scrape(client)) == 0
    us.ok("POST", f"{path}/{notice['id']}/resend")
    assert 0 <= unsent_seconds(scrape(client)) < 60
    with app.app_context(), transaction() as connection:
        connection.execute(delete(Delivery).where(Delivery.status == "pending"))
    assert app.test_cli_runner().invoke(args=["deliveries", "retry", "--all"]).output == "Queued 1\n"
    assert 0 <= unsent_seconds(scrape(client)) < 60
    with app.app_context(), transaction() as connection:
        connection.execute(update(Delivery).values(give_up_at=now() + RETRY_WINDOW - timedelta(hours=1)))
    assert 3600 <= unsent_seconds(scrape(client)) < 3660


def test_password_mail_counts_as_unsent(app: Flask, client: FlaskClient) -> None:
    client.post("/auth/register/candidate", json={
        "email": "ada@example.com", "password": "good" * 3, "firstName": "A", "lastName": "O",
    })  # fmt: skip
    client.post("/auth/password/forgot", json={"email": "ada@example.com"})
    ten_minutes_ago = now() - timedelta(minutes=10)
    with app.app_context(), transaction() as connection:
        connection.execute(update(PasswordReset).values(created_at=ten_minutes_ago))
    assert 600 <= unsent_seconds(scrape(client)) < 660
    with app.app_context(), transaction() as connection:
        DeliveryFanOut(connection).run(ten_minutes_ago)
    samples = scrape(client)
    assert delivery(samples, "email", "pending") == 1
    assert 600 <= unsent_seconds(samples) < 660
    with app.app_context(), transaction() as connection:
        connection.execute(update(Delivery).values(status="sent"))
    assert unsent_seconds(scrape(client)) == 0


def test_message_that_is_fanned_out_while_the_backlog_is_read_is_unsent(
    app: Flask, people: People, database: Database
) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with database.reads.connection() as connection:

        @listens_for(connection, "after_cursor_execute", once=True)
        def fan_out(*_statement: object) -> None:
            with app.app_context(), transaction() as other_connection:
                DeliveryFanOut(other_connection).run(now())

        assert BacklogRepository(connection).oldest_unsent() is not None


@pytest.mark.parametrize("url", ["postgresql://postgres@127.0.0.1:1/nowhere", "sqlite:///{folder}/empty.sqlite3"])
def test_metrics_without_a_database(url: str, tmp_path: Path) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": url.format(folder=tmp_path)})
    client = app.test_client()
    client.get("/health/live")
    samples = scrape(client)
    assert samples["interviews_database_up", ()] == 0
    assert "interviews_oldest_unsent_event_seconds" not in {name for name, _ in samples}
    assert requests(samples, route="/health/live", method="GET", status="200") >= 1
    service(Database, app).dispose()


def test_scrape_and_counting_survive_a_lost_folder(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_labels: object) -> None:
        raise FileNotFoundError("counter_0.db")

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    monkeypatch.setattr("interviews_api.web.metrics._children", broken)
    assert client.get("/health/live").status_code == 200
    assert "interviews_database_up" in client.get("/metrics").text

"""Metrics: labels that stay few, one count over all workers, and what the database says at the scrape."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, update

from interviews_api import create_app
from interviews_api.accounts.models import PasswordReset
from interviews_api.clock import now
from interviews_api.db.connections import transaction
from interviews_api.events.models import Event
from interviews_api.notifications.models import Delivery, Distribution
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW, DeliveryFanOut
from interviews_api.server import metric_files
from tests.conftest import SECRETS, SETTINGS
from tests.support.api import invitation
from tests.support.live import ROOT, LiveServer, clean_environment
from tests.support.receivers import wait_for

Sample = tuple[str, tuple[tuple[str, str], ...]]


def parse(text: str) -> dict[Sample, float]:
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a metric is described once"
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def scrape(client: FlaskClient) -> dict[Sample, float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return parse(response.text)


def requests(samples: dict[Sample, float], **labels: str) -> float:
    return samples.get(("interviews_requests_total", tuple(sorted(labels.items()))), 0)


def test_labels_are_templates_and_odd_ones_are_one(client: FlaskClient) -> None:
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


def test_deliveries_and_the_oldest_unsent_event(app: Flask, client: FlaskClient, people: dict[str, Any]) -> None:
    empty = scrape(client)
    assert len([name for name, _ in empty if name == "interviews_deliveries"]) == 12
    assert (delivery(empty, "email", "pending"), unsent_seconds(empty)) == (0, 0)
    people["us"].ok("POST", "/interviews/schedule", invitation(people["us application"]))
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
        done = scrape(client)
        assert (delivery(done, "email", "pending"), delivery(done, "email", status), unsent_seconds(done)) == (0, 1, 0)
    with app.app_context(), transaction() as connection:  # what was never distributed at all
        connection.execute(delete(Delivery))
        connection.execute(delete(Distribution))
    assert unsent_seconds(scrape(client)) >= 600


def test_what_is_sent_again_counts_from_then(app: Flask, client: FlaskClient, people: dict[str, Any]) -> None:
    us = people["us"]
    made = us.ok("POST", "/interviews/schedule", invitation(people["us application"], days=3))
    path = f"/interviews/{made['interviewId']}/notices"
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


def test_a_mail_about_a_password_counts_before_and_after_it_is_queued(app: Flask, client: FlaskClient) -> None:
    client.post("/auth/register/candidate", json={
        "email": "ada@example.com", "password": "x" * 10, "firstName": "A", "lastName": "O",
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


@pytest.mark.parametrize("url", ["postgresql://postgres@127.0.0.1:1/nowhere", "sqlite:///{folder}/empty.sqlite3"])
def test_without_a_database_it_says_so_and_the_rest(url: str, tmp_path: Path) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": url.format(folder=tmp_path)})
    client = app.test_client()
    client.get("/health/live")
    samples = scrape(client)
    assert samples["interviews_database_up", ()] == 0
    assert "interviews_oldest_unsent_event_seconds" not in {name for name, _ in samples}
    assert requests(samples, route="/health/live", method="GET", status="200") >= 1
    app.extensions["database"].dispose()


def folders(server: LiveServer) -> list[Path]:
    return list(Path(os.environ.get("TMPDIR", "/tmp")).glob(f"interviews-metrics-{server.process.pid}-*"))


def files(server: LiveServer) -> list[Path]:
    return [path for folder in folders(server) for path in folder.glob("*.db")]


def test_one_scrape_counts_all_workers_living_and_dead(database_url: str) -> None:
    server = LiveServer(SETTINGS | {"DATABASE_URL": database_url})
    try:

        def count() -> float:
            text = server.request("GET", "/metrics", {})[2].decode()
            return requests(parse(text), route="/openapi.json", method="GET", status="200")

        assert len(folders(server)) == 1
        for _ in range(30):
            server.request("GET", "/openapi.json", {})
        assert {count() for _ in range(10)} == {30}
        workers = set(server.workers)
        os.kill(min(workers), signal.SIGTERM)
        wait_for(lambda: len(server.workers) == 2 and set(server.workers) != workers, 20)
        for _ in range(10):
            server.request("GET", "/openapi.json", {})
        assert {count() for _ in range(10)} == {40}
        assert len(files(server)) == 4, "the new worker goes on in the file of the dead one"
        os.kill(server.process.pid, signal.SIGHUP)
        wait_for(lambda: not set(server.workers) & workers, 30)
        assert count() == 40
        assert len(folders(server)) == 1
        assert len(files(server)) <= 8, "old and new workers, with a counter and a histogram each"
    finally:
        server.stop()
    assert folders(server) == []


def counted(server: LiveServer) -> float:
    status, _, body = server.request("GET", "/metrics", {})
    assert status == 200
    return requests(parse(body.decode()), route="/health/live", method="GET", status="200")


def assert_alive(server: LiveServer, times: int = 20) -> None:
    assert {server.request("GET", "/health/live", {})[0] for _ in range(times)} == {200}


def renew_workers(server: LiveServer) -> None:
    """Reload, and wait until all workers are new."""
    old = set(server.workers)
    os.kill(server.process.pid, signal.SIGHUP)
    wait_for(lambda: len(server.workers) == 2 and not set(server.workers) & old, 30)


def test_requests_are_answered_when_the_folder_is_removed(database_url: str) -> None:
    server = LiveServer(SETTINGS | {"DATABASE_URL": database_url})
    try:
        assert_alive(server)
        shutil.rmtree(folders(server)[0])
        assert_alive(server)
        assert counted(server) == 0
        renew_workers(server)
        assert_alive(server)
        assert counted(server) == 20, "new workers have made the folder again"
        assert "Traceback" not in server.log
    finally:
        server.stop()


def test_requests_are_answered_when_the_disk_is_full(database_url: str) -> None:
    server = LiveServer(SETTINGS | {"DATABASE_URL": database_url})
    try:
        shutil.rmtree(folders(server)[0])
        room = metric_files.FILE_BYTES - 1
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (room, room))
        renew_workers(server)
        assert_alive(server)
        assert 0 < counted(server) <= 20, "each worker counts for itself"
        assert files(server) == []
        assert "no room for metrics" in server.log
        assert "Traceback" not in server.log
    finally:
        server.stop()


def test_requests_are_answered_where_no_folder_can_be_made(database_url: str) -> None:
    server = LiveServer(SETTINGS | {"DATABASE_URL": database_url, "RUNTIME_DIRECTORY": "/proc"})
    try:
        assert_alive(server)
        assert 0 < counted(server) <= 21, "with the one that the start waits for"
        assert "no folder for metrics" in server.log
    finally:
        server.stop()


def test_nothing_stays_of_a_master_that_was_killed(database_url: str) -> None:
    server = LiveServer(SETTINGS | {"DATABASE_URL": database_url})
    workers = server.workers
    left = folders(server)
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), 30)
    assert [folder.exists() for folder in left] == [True]
    successor = LiveServer(SETTINGS | {"DATABASE_URL": database_url})
    try:
        assert [folder.exists() for folder in left] == [False]
        assert_alive(successor)
    finally:
        successor.stop()


_COUNT_EVERYTHING = """
import os
from pathlib import Path
from interviews_api.server import metric_files
metric_files.make_folder()
metric_files.count_in_files(0)
from interviews_api import create_app, metrics
app = create_app({"JWT_SECRET_KEY": "j" * 40, "SECRET_KEY": "s" * 40})
for rule in app.url_map.iter_rules():
    for method in (*rule.methods, "other"):
        for status in (200, 201, 202, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 426, 429, 500, 503):
            metrics.count(rule.rule, method, status, 0.1)
print([path.stat().st_size for path in Path(os.environ[metric_files.FOLDER]).glob("*.db")])
"""


def test_all_routes_methods_and_statuses_fit_into_a_file() -> None:
    environment = clean_environment({})
    done = subprocess.run(
        [sys.executable, "-c", _COUNT_EVERYTHING], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout == f"{[metric_files.FILE_BYTES] * 2}\n", "a file that grows can kill its worker"

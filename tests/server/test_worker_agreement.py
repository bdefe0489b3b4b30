"""Two workers and a restart: limits are exact, and a change is seen by the next read on any worker."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import select

from interviews_api.accounts.models import RateLimit
from interviews_api.db.connections import Database
from interviews_api.seed.load import load_world
from tests.support.api import in_days, local
from tests.support.factories import World
from tests.support.fixtures import LISTS
from tests.support.gunicorn_server import GunicornServer
from tests.support.people import People
from tests.support.settings import SECRETS


def test_rate_limit_is_exact_over_workers_and_a_restart(app: Flask, database_url: str, database: Database) -> None:
    """40 parallel attempts at one account, half before and half after a restart: 10 evaluated."""
    body = {"email": "a@example.com", "password": "wrong"}

    def attempt(server: GunicornServer) -> int:
        return server.request("POST", "/auth/login", {}, body)[0]

    statuses: list[int] = []
    for _ in range(2):
        server = GunicornServer(SECRETS | {"DATABASE_URL": database_url})
        try:
            with ThreadPoolExecutor(8) as pool:
                statuses += pool.map(attempt, [server] * 20)
        finally:
            server.stop()
    assert Counter(statuses) == {401: 10, 429: 30}
    with database.reads.connection() as connection:
        stored = connection.execute(select(RateLimit.key, RateLimit.attempts)).all()
    assert sorted(len(row.attempts) for row in stored) == [10, 10]
    assert not [row.key for row in stored if "example" in row.key or "127.0.0.1" in row.key]


def test_change_is_seen_by_the_next_read_on_each_worker(
    candidate_reads: list[str], people: People, gunicorn_server: GunicornServer, app: Flask, world: World
) -> None:
    us, candidate = people.us, people.candidate
    interview = candidate_reads[-2]

    def tags(path: str) -> set[str]:
        answers = [gunicorn_server.request("GET", path, candidate.headers) for _ in range(6)]
        assert {status for status, _, _ in answers} == {200}
        return {headers["ETag"] for _, headers, _ in answers}

    def rename() -> None:
        world.content["companies"][0]["name"] = "Renamed"
        with app.app_context():
            load_world({"companies": world.content["companies"]})

    moves = [
        lambda: candidate.ok("PUT", f"{interview}/confirm"),
        lambda: us.ok("PUT", f"{interview.removeprefix('/candidate')}/reschedule", local(in_days(5))),
        rename,
        lambda: us.ok("PUT", f"{interview.removeprefix('/candidate')}/complete", {"feedback": {"overallRating": 5}}),
    ]
    for move in moves:
        before = tags(interview) | tags(LISTS[0])
        assert len(before) == 2
        move()
        assert not (tags(interview) | tags(LISTS[0])) & before

"""Requests that arrive together at gunicorn with two workers: one wins, the others are refused."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from tests.support.accounts import ADA, LUMEN, bearer, rows
from tests.support.api import PASSWORD, Caller
from tests.support.database_rows import stored
from tests.support.delivery_addresses import SIDES, body, count, give
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.linked_interview import JSON, path
from tests.support.people import People
from tests.support.simultaneous import at_once
from tests.support.tokens import Headers


@pytest.mark.parametrize("route", SIDES)
def test_simultaneous_addresses_stay_within_the_limit(
    route: str, people: People, gunicorn_server: GunicornServer, database: Database
) -> None:
    give(route, 17, people, database)
    headers = people.caller(SIDES[route]).headers
    answers = at_once(gunicorn_server, [("POST", route, headers, body(route, number)) for number in range(100, 108)])
    assert sorted(status for status, _ in answers) == [201] * 3 + [409] * 5
    assert count(route, database) == 20


def test_one_of_fifty_simultaneous_confirms_succeeds(
    app: Flask, gunicorn_server: GunicornServer, world: World, headers: Callable[..., Headers], database: Database
) -> None:
    """Confirm 40 interviews 50 times each: one 200 an interview, and the sample 400 otherwise."""
    ids = [f"{number:024x}" for number in range(1, 41)]
    me = world.candidate_with(*({"id": interview_id} for interview_id in ids))
    world.load()
    authorization = headers(me["id"])

    def confirm(interview_ids: list[str]) -> list[tuple[str, int, bytes]]:
        connection = HTTPConnection("127.0.0.1", gunicorn_server.port, timeout=60)
        answers = []
        for interview_id in interview_ids:
            connection.request("PUT", f"/candidate/interviews/{interview_id}/confirm", headers=authorization)
            response = connection.getresponse()
            answers.append((interview_id, response.status, response.read()))
        connection.close()
        return answers

    with ThreadPoolExecutor(50) as pool:
        answers = [answer for batch in pool.map(confirm, [ids] * 50) for answer in batch]
    assert Counter(status for _, status, _ in answers) == {200: 40, 400: 40 * 49}
    assert Counter(interview_id for interview_id, status, _ in answers if status == 200) == dict.fromkeys(ids, 1)
    (refusal,) = {body for _, status, body in answers if status == 400}
    assert refusal == (
        b'{"statusCode":400,"message":"Interview is no longer pending confirmation","error":"Bad Request"}'
    )
    assert all(status == "confirmed" and confirmed_at for status, confirmed_at, _ in stored(database))


@pytest.mark.usefixtures("linked_interview")
def test_one_of_fifty_link_clicks_confirms(gunicorn_server: GunicornServer, database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: gunicorn_server.request("POST", path(), JSON), range(50)))
    assert Counter(status for status, _, _ in answers) == {200: 1, 400: 49}
    assert {json.loads(body)["message"] for status, _, body in answers if status == 400} == {
        "Interview is no longer pending confirmation"
    }
    with database.reads.connection() as connection:
        assert len(connection.execute(select(Event.id)).all()) == 1


def test_one_of_simultaneous_applications_succeeds(people: People, gunicorn_server: GunicornServer) -> None:
    job = people.us.ok("POST", "/jobs", {"title": "Baker"})
    path, headers = f"/jobs/{job['id']}/applications", people.candidate.headers

    def apply(_number: int) -> int:
        return gunicorn_server.request("POST", path, headers)[0]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(apply, range(16))) == [201] + [409] * 15


def test_one_of_simultaneous_requests_with_a_key_succeeds(people: People, gunicorn_server: GunicornServer) -> None:
    """Requests during the first get 409, later ones its reply."""
    headers = people.us.headers | {"Idempotency-Key": "k"}

    def post(_number: int) -> tuple[int, bytes]:
        status, _, body = gunicorn_server.request("POST", "/jobs", headers, {"title": "Baker"})
        return status, body

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(post, range(24)))
    (created,) = [body for status, body in answers if status == 201]
    assert {status for status, _ in answers} <= {201, 409}
    assert people.us.ok("GET", "/jobs")["total"] == 3
    assert json.loads(created)["data"]["title"] == "Baker"


def test_one_of_simultaneous_registrations_succeeds(gunicorn_server: GunicornServer, database: Database) -> None:
    def register(number: int) -> int:
        route, body = (("candidate", ADA), ("company", LUMEN | {"email": "ada@example.com"}))[number % 2]
        return gunicorn_server.request("POST", f"/auth/register/{route}", {}, body)[0]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(register, range(16))) == [201] + [409] * 15
    users, candidates, company_users, companies = rows(database)
    assert (users, candidates + company_users, companies) == (1, 1, company_users)


def test_two_colleagues_cannot_remove_each_other(
    anonymous: Caller, gunicorn_server: GunicornServer, database: Database
) -> None:
    remover = anonymous.ok("POST", "/auth/register/company", LUMEN)
    for number in range(5):
        account = {"email": f"{number}@lumen.example", "password": PASSWORD}
        owner = bearer(anonymous.client, remover)
        colleague_id = owner.ok("POST", "/auth/company/users", account)["user"]["id"]
        owner.ok("PATCH", f"/auth/company/users/{colleague_id}", {"role": "owner"})
        pair = [remover, anonymous.ok("POST", "/auth/login", account)]

        def remove(index: int, pair: list[dict[str, Any]] = pair) -> int:
            token = {"Authorization": f"Bearer {pair[index]['accessToken']}"}
            return gunicorn_server.request("DELETE", f"/auth/company/users/{pair[1 - index]['user']['id']}", token)[0]

        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(remove, (0, 1)))
        assert sorted(statuses) == [200, 401]
        remover = pair[statuses.index(200)]
    assert rows(database) == [1, 0, 1, 1]

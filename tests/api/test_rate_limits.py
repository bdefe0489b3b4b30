"""Rate limits on logins, registrations and password changes."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from interviews_api import create_app
from interviews_api.accounts.models import RateLimit
from interviews_api.accounts.rate_limits import client_address
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.factories import PASSWORD, World
from tests.support.settings import SECRETS

REFUSAL = {"statusCode": 429, "message": "Too many attempts, try again later", "error": "Too Many Requests"}


@pytest.fixture
def limited(app: Flask, database_url: str) -> Iterator[FlaskClient]:
    """Yield a client of an application with rate limits over the database of `app`."""
    strict = create_app(SECRETS | {"DATABASE_URL": database_url})
    yield strict.test_client()
    service(Database, strict).dispose()


def log_in(
    client: FlaskClient, email: str = "a@example.com", password: str = "wrong", address: str = "10.0.0.1"
) -> int:
    body = {"email": email, "password": password}
    return client.post("/auth/login", json=body, environ_base={"REMOTE_ADDR": address}).status_code


@pytest.mark.parametrize("email", ["known@example.com", "unknown@example.com"])
def test_account_is_limited_to_ten_logins_in_five_minutes(email: str, limited: FlaskClient, world: World) -> None:
    world.candidate(email="known@example.com", password=PASSWORD)
    world.load()
    start = time.time()
    with time_machine.travel(start, tick=False) as clock:
        for number in range(10):
            clock.move_to(start + number)
            assert log_in(limited, f" {email.upper()} ", address=f"10.0.0.{number}") == 401
        response = limited.post("/auth/login", json={"email": email, "password": PASSWORD})
        assert (response.status_code, response.get_json()) == (429, REFUSAL)
        assert response.headers["Retry-After"] == "291"  # the first was 9 of 300 seconds ago
        assert log_in(limited, "another@example.com") == 401
        clock.move_to(start + 299.9)
        assert log_in(limited, email) == 429
        clock.move_to(start + 300.1)  # as said: what was refused was not counted
        assert log_in(limited, email, PASSWORD) == (200 if email.startswith("known") else 401)
        assert log_in(limited, email) == 429
        clock.move_to(start + 301.1)
        assert log_in(limited, email) == 401


def test_address_is_limited_to_a_hundred_logins_in_five_minutes(limited: FlaskClient) -> None:
    with time_machine.travel(time.time(), tick=False):
        statuses = [log_in(limited, f"{number}@example.com", address="2001:db8::1") for number in range(100)]
        assert set(statuses) == {401}
        assert log_in(limited, "x@example.com", address="2001:db8::ffff") == 429  # the same /64
        assert log_in(limited, "x@example.com", address="2001:db8:0:1::1") == 401


def test_address_is_limited_to_twenty_registrations_an_hour(limited: FlaskClient) -> None:
    def register(number: int) -> int:
        body = {"email": f"{number % 19}@example.com", "password": PASSWORD}
        if number % 2:
            return limited.post("/auth/register/company", json=body | {"company": {"name": "A"}}).status_code
        return limited.post("/auth/register/candidate", json=body | {"firstName": "A", "lastName": "B"}).status_code

    start = time.time()
    with time_machine.travel(start, tick=False) as clock:
        assert limited.post("/auth/register/candidate", json={}).status_code == 400  # not an attempt
        assert Counter(map(register, range(20))) == {201: 19, 409: 1}
        assert register(20) == 429
        clock.move_to(start + 3601)
        assert register(21) == 409


def test_password_changes_have_their_own_limit(limited: FlaskClient, world: World) -> None:
    world.candidate(email="known@example.com", password=PASSWORD)
    world.load()
    account = {"email": "known@example.com", "password": PASSWORD}
    token = limited.post("/auth/login", json=account).get_json()["data"]["accessToken"]
    body = {"currentPassword": "wrong", "newPassword": "another-good-password"}
    statuses = [
        limited.put("/auth/password", json=body, headers={"Authorization": f"Bearer {token}"}).status_code
        for _ in range(10)
    ]
    assert statuses == [400] * 10
    response = limited.put("/auth/password", json=body, headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response.get_json()) == (429, REFUSAL)
    assert [log_in(limited, account["email"], PASSWORD) for _ in range(10)] == [200] * 9 + [429]  # and one before


def test_retry_after_is_when_both_limits_have_room(limited: FlaskClient) -> None:
    start = time.time()
    for first, second in (("account", "address"), ("address", "account")):
        account, address = f"{first}@example.com", {"account": "10.0.1.1", "address": "10.0.2.1"}[first]
        fill = {
            "account": lambda account=account: [log_in(limited, account, address="10.9.9.9") for _ in range(10)],
            "address": lambda address=address: [
                log_in(limited, f"{address} {number}", address=address) for number in range(100)
            ],
        }
        with time_machine.travel(start, tick=False) as clock:
            fill[first]()
            clock.move_to(start + 100)
            fill[second]()
            body, environ = {"email": account, "password": "wrong"}, {"REMOTE_ADDR": address}
            response = limited.post("/auth/login", json=body, environ_base=environ)
        assert (response.status_code, response.headers["Retry-After"]) == (429, "300")


def test_attempt_counts_from_its_evaluation(limited: FlaskClient, database: Database) -> None:
    """An attempt that waits for a lock counts from the moment after the wait."""
    log_in(limited)
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            connection.execute(select(RateLimit.key).with_for_update())
            attempt = pool.submit(log_in, limited)
            time.sleep(0.5)
            turn = time.time()
        assert attempt.result() == 401
    with database.reads.connection() as connection:
        stored = connection.execute(select(RateLimit.attempts)).scalars().all()
    assert [len(attempts) for attempts in stored] == [2, 2]
    assert min(attempts[-1] for attempts in stored) >= int(turn * 1000)


def test_setting_turns_rate_limits_off(client: FlaskClient) -> None:
    assert {log_in(client) for _ in range(12)} == {401}


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        (None, ""),
        ("unix:", "unix:"),
    ],
)
def test_client_address_is_an_ipv4_address_or_ipv6_network(address: str | None, key: str, app: Flask) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address} if address is not None else {}):
        assert client_address() == key

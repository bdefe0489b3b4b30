"""Rate limits on logins, registrations and password changes."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from interviews_api.accounts.client_addresses import ClientAddress, client_address
from interviews_api.accounts.models import PasswordReset, RateLimit, Session
from interviews_api.db.connections import Database
from tests.support.api import PASSWORD
from tests.support.factories import World
from tests.support.fixtures import MakeLimited

REFUSAL = {"statusCode": 429, "message": "Too many attempts, try again later", "error": "Too Many Requests"}


@pytest.fixture
def limited(make_limited: MakeLimited) -> FlaskClient:
    return make_limited()


def log_in(
    client: FlaskClient, email: str = "a@example.com", password: str = "wrong", address: str = "10.0.0.1"
) -> int:
    body = {"email": email, "password": password}
    return client.post("/auth/login", json=body, environ_base={"REMOTE_ADDR": address}).status_code


@pytest.mark.parametrize("email", ["known@example.com", "unknown@example.com"])
def test_account_is_limited_to_ten_logins_from_an_address(email: str, limited: FlaskClient, world: World) -> None:
    world.candidate(email="known@example.com", password=PASSWORD)
    world.load()
    start = time.time()
    with time_machine.travel(start, tick=False) as clock:
        for number in range(10):
            clock.move_to(start + number)
            assert log_in(limited, f" {email.upper()} ", address="127.0.0.1") == 401
        response = limited.post("/auth/login", json={"email": email, "password": PASSWORD})
        assert (response.status_code, response.get_json()) == (429, REFUSAL)
        assert response.headers["Retry-After"] == "291"  # the first was 9 of 300 seconds ago
        assert log_in(limited, "another@example.com", address="127.0.0.1") == 401
        assert log_in(limited, email, address="10.0.0.1") == 401
        clock.move_to(start + 299.9)
        assert log_in(limited, email, address="127.0.0.1") == 429
        clock.move_to(start + 300.1)  # as said: what was refused was not counted
        if email.startswith("known"):  # a success is given back
            assert log_in(limited, email, PASSWORD, address="127.0.0.1") == 200
        assert log_in(limited, email, address="127.0.0.1") == 401
        assert log_in(limited, email, PASSWORD, address="127.0.0.1") == 429
        clock.move_to(start + 301.1)
        assert log_in(limited, email, address="127.0.0.1") == 401


@pytest.mark.parametrize("email", ["known@example.com", "unknown@example.com"])
def test_account_is_limited_to_a_hundred_logins_from_new_addresses(
    email: str, limited: FlaskClient, world: World
) -> None:
    world.candidate(email="known@example.com", password=PASSWORD)
    world.load()
    with time_machine.travel(time.time(), tick=False):
        for address in range(10):
            assert [log_in(limited, email, address=f"10.0.0.{address}") for _ in range(10)] == [401] * 10
        assert log_in(limited, email, PASSWORD, address="10.0.1.1") == 429
        assert log_in(limited, "another@example.com", address="10.0.1.1") == 401


def test_owner_is_not_locked_out_by_failures_from_elsewhere(make_limited: MakeLimited, world: World) -> None:
    world.candidate(email="known@example.com", password=PASSWORD)
    world.load()
    limited = make_limited(LIMITS="login_account_address=2/300,login_account=5/300,login_address=3/300")
    email, home = "known@example.com", "2001:db8:1:2::3"
    assert log_in(limited, email, PASSWORD, address=home) == 200
    for number in range(3, 13):
        log_in(limited, email, address=f"2001:db8:1:{number}::")
        for other in range(3):  # 33 in the /48
            log_in(limited, f"{number}.{other}@example.com", address=f"2001:db8:1:{number}::")
    assert log_in(limited, email, PASSWORD, address="2001:db8:1:ffff::") == 429
    assert log_in(limited, email, PASSWORD, address="10.0.0.1") == 429
    assert [log_in(limited, email, PASSWORD, address=home) for _ in range(5)] == [200] * 5
    assert [log_in(limited, email, address=home) for _ in range(3)] == [401, 401, 429]
    assert log_in(limited, email, PASSWORD, address=home) == 429  # its own failures


def test_known_address_is_not_locked_out_by_neighbours(limited: FlaskClient, world: World) -> None:
    """A network behind one address: a neighbour tries accounts that do not exist."""
    world.candidate(email="known@example.com", password=PASSWORD)
    world.candidate(email="new@example.com", password=PASSWORD)
    world.load()
    assert log_in(limited, "known@example.com", PASSWORD) == 200
    with time_machine.travel(time.time(), tick=False):
        assert {log_in(limited, f"{number}@example.com") for number in range(100)} == {401}
        assert log_in(limited, "new@example.com", PASSWORD) == 429
        assert log_in(limited, "known@example.com", PASSWORD) == 200
        assert [log_in(limited, "known@example.com") for _ in range(11)] == [401] * 10 + [429]


def test_successful_logins_have_a_limit_of_their_own(
    make_limited: MakeLimited, world: World, database: Database
) -> None:
    """Each costs a hash. What is over is counted as a failure, so it is soon refused before the hash."""
    for name in ("known", "other"):
        world.candidate(email=f"{name}@example.com", password=PASSWORD)
    world.load()
    limited = make_limited(LIMITS="successful_logins=5/3600")
    start = time.time()
    with time_machine.travel(start, tick=False) as clock:
        assert [log_in(limited, "known@example.com", PASSWORD) for _ in range(6)] == [200] * 5 + [429]
        with database.reads.connection() as connection:
            assert connection.execute(select(func.count()).select_from(Session)).scalar_one() == 5
        assert log_in(limited, "known@example.com", PASSWORD, address="10.0.0.2") == 200
        assert log_in(limited, "other@example.com", PASSWORD) == 200
        assert [log_in(limited, "known@example.com") for _ in range(10)] == [401] * 9 + [429]
        clock.move_to(start + 3601)
        assert log_in(limited, "known@example.com", PASSWORD) == 200


def test_successful_logins_do_not_count(limited: FlaskClient, world: World, database: Database) -> None:
    world.candidate(email="known@example.com", password=PASSWORD)
    world.load()
    assert {log_in(limited, "known@example.com", PASSWORD) for _ in range(12)} == {200}
    with database.reads.connection() as connection:
        counted = sorted(map(len, connection.execute(select(RateLimit.attempts)).scalars()))
    assert counted == [0, 0, 0, 12], "but under the limit of successful ones"


def test_simultaneous_logins_are_evaluated_as_often_as_the_limit_says(make_limited: MakeLimited, world: World) -> None:
    """From one address, and from many; a right password among wrong ones does not raise the number."""
    world.candidate(email="known@example.com", password=PASSWORD)
    world.load()
    limited = make_limited(LIMITS="login_account_address=4/300,login_account=6/300", WEB_THREADS="8")

    def attempt(number: int, address: str) -> int:
        return log_in(limited.application.test_client(), "known@example.com", f"wrong {number}", address)

    with ThreadPoolExecutor(4) as pool:
        from_one = Counter(pool.map(attempt, range(16), ["10.0.0.1"] * 16))
        from_many = Counter(pool.map(attempt, range(16), [f"10.0.1.{number}" for number in range(16)]))
    assert from_one == {401: 4, 429: 12}
    assert from_many == {401: 2, 429: 14}  # four of the six were used


def test_wrong_clock_locks_nobody_out_for_longer_than_the_window(limited: FlaskClient) -> None:
    start = time.time()
    with time_machine.travel(start, tick=False) as clock:
        clock.move_to(start + 3600)
        assert [log_in(limited) for _ in range(10)] == [401] * 10
        clock.move_to(start)
        response = limited.post(
            "/auth/login", json={"email": "a@example.com", "password": "x"}, environ_base={"REMOTE_ADDR": "10.0.0.1"}
        )
        assert (response.status_code, response.headers["Retry-After"]) == (429, "300")
        clock.move_to(start + 301)
        assert log_in(limited) == 401


def test_ports_and_texts_give_an_address_no_further_attempts(make_limited: MakeLimited) -> None:
    limited = make_limited(TRUSTED_PROXIES="1", LIMITS="login_account_address=2/300")

    def attempt(forwarded: str) -> int:
        body = {"email": "a@example.com", "password": "wrong"}
        return limited.post("/auth/login", json=body, headers={"X-Forwarded-For": forwarded}).status_code

    assert [attempt(f"198.51.100.8:{port}") for port in (40000, 40001, 40002)] == [401, 401, 429]
    assert [attempt(f"[2001:db8::1]:{port}") for port in (443, 444, 445)] == [401, 401, 429]
    assert [attempt(text) for text in ("a", "b", "unknown")] == [401, 401, 429]
    assert attempt("198.51.100.9:40000") == 401


def test_wider_network_has_ten_times_the_attempts(make_limited: MakeLimited) -> None:
    limited = make_limited(LIMITS="login_address=1/300")
    statuses = [log_in(limited, f"{n}@example.com", address=f"2001:db8:1:{n:x}::1") for n in range(11)]
    assert statuses == [401] * 10 + [429]
    assert log_in(limited, address="2001:db8:2::1") == 401


def test_accounts_that_do_not_exist_have_a_fixed_number_of_rows(make_limited: MakeLimited, database: Database) -> None:
    limited = make_limited(LIMITS="forgotten_address=10000/3600")
    for number in range(300):
        limited.post("/auth/password/forgot", json={"email": f"{number}@example.com"})
    with database.reads.connection() as connection:
        assert connection.execute(select(func.count()).select_from(RateLimit)).scalar_one() <= 257
        assert connection.execute(select(func.count()).select_from(PasswordReset)).scalar_one() == 0


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
    assert [log_in(limited, account["email"], PASSWORD) for _ in range(11)] == [200] * 11


def test_retry_after_is_when_both_limits_have_room(make_limited: MakeLimited) -> None:
    start = time.time()
    limited = make_limited(LIMITS="login_account=10/300")
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
    assert min(attempts[-1][0] for attempts in stored) >= int(turn * 1000)


def test_setting_turns_rate_limits_off(client: FlaskClient) -> None:
    assert {log_in(client) for _ in range(12)} == {401}


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("10.1.2.3", ("10.1.2.3",)),
        ("10.1.2.3:40000", ("10.1.2.3",)),
        (" 10.1.2.3 ", ("10.1.2.3",)),
        ("2001:db8:1:2:3:4:5:6", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("[2001:db8:1:2:3:4:5:6]:443", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("[2001:db8:1:2:3:4:5:6]", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("::1", ("::/64", "::/48")),
        ("::ffff:10.1.2.3", ("10.1.2.3",)),
        ("[::ffff:10.1.2.3]:1", ("10.1.2.3",)),
        ("fe80::1%eth0", ("fe80::/64", "fe80::/48")),
        ("fe80::1%a b", ("fe80::/64", "fe80::/48")),
        ("", ("",)),
        (None, ("",)),
        ("unix:", ("",)),
        ("10.1.2.3:port", ("",)),
        ("10.1.2.3:123456", ("",)),
        ("010.1.2.3", ("",)),
        ("\uff11.2.3.4", ("",)),
        ("[10.1.2.3", ("",)),
        ("10.1.2.3, 10.1.2.4", ("",)),
    ],
)
def test_client_address_is_an_ipv4_address_or_ipv6_network(
    address: str | None, networks: tuple[str, ...], app: Flask
) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address} if address is not None else {}):
        assert client_address() == ClientAddress(*networks)

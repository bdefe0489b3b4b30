"""The grace of a used refresh token: two tabs refresh at once, or a response is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from interviews_api import create_app
from interviews_api.accounts.models import Session, User
from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.api import PASSWORD, Caller
from tests.support.attacker import reset_tokens
from tests.support.people import People
from tests.support.sessions import ACCOUNT, GONE, bearer, sessions, sign_in
from tests.support.settings import SETTINGS

GRACE = 20  # seconds, the default
MakeClient = Callable[..., Caller]


@pytest.fixture
def with_settings(ada_client: Caller, database_url: str) -> Iterator[MakeClient]:
    """Yield a function that makes a caller of an application with these settings, over the database of `app`."""
    apps = []

    def make(**settings: str) -> Caller:
        apps.append(create_app(SETTINGS | {"DATABASE_URL": database_url} | settings))
        client: FlaskClient = apps[-1].test_client()
        return Caller(client, {})

    yield make
    for each in apps:
        service(Database, each).dispose()


def refresh(caller: Caller, token: str) -> dict[str, str]:
    data: dict[str, str] = bearer(caller, token).ok("POST", "/auth/refresh")
    return data


def jti(tokens: dict[str, str]) -> str:
    return str(jwt.decode(tokens["refreshToken"], options={"verify_signature": False})["jti"])


def assert_ended(caller: Caller, *tokens: str) -> None:
    for token in tokens:
        assert bearer(caller, token).refused("POST", "/auth/refresh") == GONE


def move_first_use(database: Database, seconds: float) -> None:
    """Let the last refresh have happened so many seconds ago."""
    with database.engine.begin() as connection:
        connection.execute(update(Session).values(refreshed_at=now() - timedelta(seconds=seconds)))


def test_used_token_gets_the_same_successor(ada_client: Caller, database: Database) -> None:
    first = sign_in(ada_client)
    successors = []
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(4):
            successors.append(refresh(ada_client, first["refreshToken"]))
            clock.shift(4)
    assert {each["refreshToken"] for each in successors} == {successors[0]["refreshToken"]}
    assert len({each["accessToken"] for each in successors}) == 4
    for tokens in (first, *successors):
        assert bearer(ada_client, tokens["accessToken"]).ok("GET", "/auth/me")["user"] == first["user"]
    refresh(ada_client, successors[-1]["refreshToken"])
    assert sessions(database) == 1


@pytest.mark.parametrize(("seconds", "is_kept"), [(GRACE - 2, True), (GRACE, False), (3600, False)])
def test_grace_ends(seconds: int, is_kept: bool, ada_client: Caller, database: Database) -> None:
    first = sign_in(ada_client)
    second = refresh(ada_client, first["refreshToken"])
    move_first_use(database, seconds)
    if is_kept:
        again = refresh(ada_client, first["refreshToken"])
        assert jti(again) == jti(second)  # not byte for byte, because the test has changed the instant
        return
    assert_ended(ada_client, first["refreshToken"], second["refreshToken"])
    for tokens in (first, second):
        assert bearer(ada_client, tokens["accessToken"]).refused("GET", "/auth/me") == GONE
    assert sessions(database) == 0


def test_grace_is_counted_from_the_first_use(ada_client: Caller, database: Database) -> None:
    """Uses within the grace do not prolong it."""
    first = sign_in(ada_client)
    refresh(ada_client, first["refreshToken"])
    move_first_use(database, GRACE - 2)
    refresh(ada_client, first["refreshToken"])
    move_first_use(database, GRACE)
    assert_ended(ada_client, first["refreshToken"])


def test_older_token_ends_the_session_within_the_grace(ada_client: Caller, database: Database) -> None:
    first = sign_in(ada_client)
    second = refresh(ada_client, first["refreshToken"])
    third = refresh(ada_client, second["refreshToken"])
    assert refresh(ada_client, second["refreshToken"])["refreshToken"] == third["refreshToken"]
    assert_ended(ada_client, first["refreshToken"], second["refreshToken"], third["refreshToken"])
    assert sessions(database) == 0


def test_clock_that_was_set_back_prolongs_no_grace(ada_client: Caller, database: Database) -> None:
    first = sign_in(ada_client)
    refresh(ada_client, first["refreshToken"])
    move_first_use(database, -GRACE - 5)
    assert_ended(ada_client, first["refreshToken"])


def test_nodes_measure_the_grace_by_the_clock_of_the_database(ada_client: Caller, database: Database) -> None:
    """Another node's clock is a minute ahead. All nodes over SQLite are one machine."""
    token = sign_in(ada_client)["refreshToken"]
    refresh(ada_client, token)
    with time_machine.travel(now() + timedelta(minutes=1)):
        status = bearer(ada_client, token).call("POST", "/auth/refresh").status_code
    assert status == (200 if database.engine.dialect.name == "postgresql" else 401)


def test_grace_is_a_setting(with_settings: MakeClient, database: Database) -> None:
    for seconds in (0, 5, 60):
        caller = with_settings(REFRESH_GRACE_SECONDS=str(seconds))
        if seconds:
            first = sign_in(caller)
            refresh(caller, first["refreshToken"])
            move_first_use(database, seconds - 2)
            refresh(caller, first["refreshToken"])
        first = sign_in(caller)
        refresh(caller, first["refreshToken"])
        if seconds:
            move_first_use(database, seconds)
        assert_ended(caller, first["refreshToken"])


def test_without_grace_one_of_simultaneous_refreshes_succeeds(with_settings: MakeClient, database: Database) -> None:
    caller = with_settings(REFRESH_GRACE_SECONDS="0")
    header = {"Authorization": f"Bearer {sign_in(caller)['refreshToken']}"}
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: caller.client.post("/auth/refresh", headers=header).status_code, range(8))
        assert sorted(answers) == [200] + [401] * 7
    assert sessions(database) == 0


def log_out(caller: Caller, tokens: dict[str, str], database: Database) -> None:
    bearer(caller, tokens["accessToken"]).ok("POST", "/auth/logout")


def reset(caller: Caller, tokens: dict[str, str], database: Database) -> None:
    caller.ok("POST", "/auth/password/forgot", {"email": ACCOUNT["email"]})
    (token,) = reset_tokens(database)
    caller.ok("POST", "/auth/password/reset", {"token": token, "newPassword": "another-good-password"})


def change_password(caller: Caller, tokens: dict[str, str], database: Database) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": "another-good-password"}
    bearer(caller, tokens["accessToken"]).ok("PUT", "/auth/password", body)


def change_password_elsewhere(caller: Caller, tokens: dict[str, str], database: Database) -> None:
    change_password(caller, sign_in(caller), database)


def remove(caller: Caller, tokens: dict[str, str], database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(delete(User))


@pytest.mark.parametrize("end", [log_out, reset, change_password, change_password_elsewhere, remove])
def test_change_of_access_ends_the_grace(
    end: Callable[[Caller, dict[str, str], Database], None], ada_client: Caller, database: Database
) -> None:
    first = sign_in(ada_client)
    second = refresh(ada_client, first["refreshToken"])
    end(ada_client, second, database)
    assert_ended(ada_client, first["refreshToken"], second["refreshToken"])


def test_password_change_keeps_the_successor(ada_client: Caller, database: Database) -> None:
    first = sign_in(ada_client)
    second = refresh(ada_client, first["refreshToken"])
    change_password(ada_client, second, database)
    refresh(ada_client, second["refreshToken"])


def test_removal_of_a_colleague_ends_the_grace(people: People, anonymous: Caller) -> None:
    account = {"email": "new@example.com", "password": PASSWORD}
    colleague = people.us.ok("POST", "/auth/company/users", account)["user"]
    first = anonymous.ok("POST", "/auth/login", account)
    second = refresh(anonymous, first["refreshToken"])
    people.us.ok("DELETE", f"/auth/company/users/{colleague['id']}")
    assert_ended(anonymous, first["refreshToken"], second["refreshToken"])

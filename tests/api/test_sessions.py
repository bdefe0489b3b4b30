"""Refresh, sign-out and change of password: what ends a session, and that it ends everywhere at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from interviews_api import create_app
from interviews_api.accounts.models import IdempotentReply, PasswordReset, RateLimit, Session, User
from interviews_api.accounts.passwords import hash_password
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.request_repository import RateLimitRepository
from interviews_api.accounts.resets import make_reset_token
from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from interviews_api.interviews.link_tokens import make_token
from tests.conftest import SECRETS
from tests.support.access_rules import PROTECTED
from tests.support.api import Caller
from tests.support.factories import PASSWORD, World
from tests.support.live import LiveServer

ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}
GONE = (401, "Unauthorized")


@pytest.fixture
def anyone(client: FlaskClient, world: World) -> Caller:
    """Nobody yet; Ada can sign in."""
    world.candidate(**ACCOUNT)
    world.load()
    return Caller(client, {})


def sign_in(anyone: Caller) -> dict[str, Any]:
    data: dict[str, Any] = anyone.ok("POST", "/auth/login", ACCOUNT)
    return data


def bearer(anyone: Caller, token: str) -> Caller:
    return Caller(anyone.client, {"Authorization": f"Bearer {token}"})


def sessions(database: Database) -> int:
    with database.reader.connect() as connection:
        return connection.execute(select(func.count()).select_from(Session)).scalar_one()


def test_a_refresh_gives_new_tokens_and_the_older_access_token_lives_on(anyone: Caller) -> None:
    first = sign_in(anyone)
    response = bearer(anyone, first["refreshToken"]).call("POST", "/auth/refresh")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert response.get_json()["message"] == "Token refreshed successfully"
    second = response.get_json()["data"]
    assert second == first | {"accessToken": second["accessToken"], "refreshToken": second["refreshToken"]}
    assert second["refreshToken"] != first["refreshToken"]
    ends = [jwt.decode(one["refreshToken"], options={"verify_signature": False})["exp"] for one in (first, second)]
    assert ends[0] == ends[1]  # the session's end does not move
    for one in (first, second):
        assert bearer(anyone, one["accessToken"]).ok("GET", "/auth/me")["user"] == first["user"]
    bearer(anyone, second["refreshToken"]).ok("POST", "/auth/refresh", {})


def test_a_refresh_token_used_twice_ends_its_session(anyone: Caller, database: Database) -> None:
    first, other = sign_in(anyone), sign_in(anyone)
    second = bearer(anyone, first["refreshToken"]).ok("POST", "/auth/refresh")
    assert bearer(anyone, first["refreshToken"]).refused("POST", "/auth/refresh") == GONE
    assert bearer(anyone, second["refreshToken"]).refused("POST", "/auth/refresh") == GONE
    for one in (first, second):
        assert bearer(anyone, one["accessToken"]).refused("GET", "/candidate/interviews") == GONE
        assert bearer(anyone, one["accessToken"]).refused("GET", "/auth/me") == GONE
    assert bearer(anyone, other["accessToken"]).call("GET", "/auth/me").status_code == 200
    assert sessions(database) == 1


def test_of_simultaneous_refreshes_at_most_one_is_answered(
    anyone: Caller, live: LiveServer, database: Database
) -> None:
    data = sign_in(anyone)
    header = {"Authorization": f"Bearer {data['refreshToken']}"}
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: live.request("POST", "/auth/refresh", header)[0], range(8)))
    assert sorted(statuses) == [200] + [401] * 7
    assert sessions(database) == 0


def test_a_purpose_opens_its_own_door_alone(anyone: Caller) -> None:
    data = sign_in(anyone)
    assert bearer(anyone, data["accessToken"]).refused("POST", "/auth/refresh") == GONE
    assert bearer(anyone, data["refreshToken"]).refused("POST", "/auth/logout") == GONE
    assert bearer(anyone, data["refreshToken"]).refused("POST", "/auth/refresh", {"x": 1}) == (400, "x: Unknown field.")
    bearer(anyone, data["accessToken"]).ok("POST", "/auth/logout")
    assert bearer(anyone, data["refreshToken"]).refused("POST", "/auth/refresh", {"x": 1}) == GONE


def test_every_secret_opens_the_door_of_its_purpose_alone(anyone: Caller, world: World, database: Database) -> None:
    """Purpose x endpoint: only the diagonal passes, on every spelling of a door that takes a secret."""
    data = sign_in(anyone)
    me = data["user"]["id"]
    interview = world.interview(world.application({"id": me}), scheduledDate="2999-01-01T09:00:00.000Z")
    world.load()
    reset_id = new_id()
    with database.engine.begin() as connection:
        ends = now() + timedelta(hours=1)
        values = {"email_key": ACCOUNT["email"], "created_at": now(), "expires_at": ends, "mailed": True}
        connection.execute(insert(PasswordReset).values(id=reset_id, **values))
    feed = bearer(anyone, data["accessToken"]).ok("POST", "/candidate/calendar-feed")["url"]
    secrets = {
        "access": data["accessToken"], "refresh": data["refreshToken"],
        "link": make_token(SECRETS["SECRET_KEY"], interview["id"], 0),
        "reset": make_reset_token(SECRETS["SECRET_KEY"], reset_id),
        "feed": feed.removesuffix(".ics").rpartition("/")[2],
    }  # fmt: skip
    protected = [(method, path) for method, path in PROTECTED if path != "/auth/logout"]

    def open_all(secret: str) -> dict[str, set[int]]:
        holder, json = bearer(anyone, secret), {"Accept": "application/json"}
        reset = {"token": secret, "newPassword": "another-good-password"}
        return {
            "access": {holder.call(method, path).status_code for method, path in protected},
            "link": {anyone.call("GET", f"/interviews/confirm/{secret}", **json).status_code,
                     anyone.call("POST", f"/interviews/confirm/{secret}", **json).status_code},
            "feed": {anyone.call("GET", f"/calendar/{secret}.ics").status_code},
            "reset": {anyone.call("POST", "/auth/password/reset", reset).status_code},
            "refresh": {holder.call("POST", "/auth/refresh").status_code},
        }  # fmt: skip

    shut = {"access": {401}, "link": {400}, "feed": {404}, "reset": {400}, "refresh": {401}}
    for purpose in ("feed", "link", "access", "refresh", "reset"):  # the last two end what the others live on
        opened = open_all(secrets[purpose])
        own = opened.pop(purpose)
        assert opened == {door: statuses for door, statuses in shut.items() if door != purpose}, purpose
        assert 401 not in own if purpose == "access" else own == {200}, purpose


def test_an_expired_session_is_no_session(anyone: Caller, database: Database) -> None:
    data = sign_in(anyone)
    with database.engine.begin() as connection:
        connection.execute(update(Session).values(expires_at=datetime.now(UTC)))
    assert bearer(anyone, data["refreshToken"]).refused("POST", "/auth/refresh") == GONE


def test_a_token_never_outlives_its_session(anyone: Caller, database: Database) -> None:
    data = sign_in(anyone)
    with database.engine.begin() as connection:
        connection.execute(update(Session).values(expires_at=datetime.now(UTC) + timedelta(seconds=60)))
    late = bearer(anyone, data["refreshToken"]).ok("POST", "/auth/refresh")
    assert 55 <= late["expiresIn"] <= 60
    for name in ("accessToken", "refreshToken"):
        assert jwt.decode(late[name], options={"verify_signature": False})["exp"] <= time.time() + 60


def test_a_deleted_user_refreshes_nothing(anyone: Caller, database: Database) -> None:
    data = sign_in(anyone)
    with database.engine.begin() as connection:
        connection.execute(delete(User))
    assert bearer(anyone, data["refreshToken"]).refused("POST", "/auth/refresh") == GONE
    assert bearer(anyone, data["accessToken"]).refused("POST", "/auth/logout") == GONE


def test_a_sign_out_takes_effect_on_every_worker_at_once(anyone: Caller, live: LiveServer) -> None:
    paths = ["/candidate/interviews", "/auth/me", "/candidate/interviews/pending"] * 8  # both workers get some

    def statuses(header: dict[str, str]) -> set[int]:
        with ThreadPoolExecutor(8) as pool:
            return set(pool.map(lambda path: live.request("GET", path, header)[0], paths))

    for _ in range(5):
        data = sign_in(anyone)
        header = {"Authorization": f"Bearer {data['accessToken']}"}
        assert statuses(header) == {200}
        status, _, body = live.request("POST", "/auth/logout", header)
        assert (status, body) == (200, b'{"message":"Logged out successfully","data":{}}')
        assert statuses(header) == {401}
        assert live.request("POST", "/auth/logout", header)[0] == 401
        assert bearer(anyone, data["refreshToken"]).refused("POST", "/auth/refresh") == GONE


def test_a_change_of_password_ends_the_other_sessions(anyone: Caller, database: Database) -> None:
    here, there = sign_in(anyone), sign_in(anyone)
    change = {"currentPassword": PASSWORD, "newPassword": "another-good-password"}
    response = bearer(anyone, here["accessToken"]).call("PUT", "/auth/password", change)
    assert response.get_json() == {"message": "Password changed successfully", "data": {}}
    assert bearer(anyone, there["accessToken"]).refused("GET", "/auth/me") == GONE
    assert bearer(anyone, there["refreshToken"]).refused("POST", "/auth/refresh") == GONE
    bearer(anyone, here["refreshToken"]).ok("POST", "/auth/refresh")
    assert anyone.refused("POST", "/auth/login", ACCOUNT) == (401, "Invalid email or password")
    anyone.ok("POST", "/auth/login", ACCOUNT | {"password": "another-good-password"})
    assert sessions(database) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"currentPassword": "wrong", "newPassword": "another-good-password"},
         "currentPassword: Is not the current password."),
        ({"currentPassword": PASSWORD, "newPassword": "short"}, "newPassword: Length must be between 10 and 128."),
        ({"newPassword": "another-good-password"}, "currentPassword: Missing data for required field."),
    ],
)  # fmt: skip
def test_a_bad_change_of_password_changes_nothing(change: dict[str, str], message: str, anyone: Caller) -> None:
    here, there = sign_in(anyone), sign_in(anyone)
    response = bearer(anyone, here["accessToken"]).call("PUT", "/auth/password", change)
    assert (response.status_code, response.get_json()["message"]) == (400, message)
    assert list(response.get_json()["details"]) == [message.partition(":")[0]]
    bearer(anyone, there["accessToken"]).ok("GET", "/auth/me")


def test_of_two_simultaneous_changes_one_wins(anyone: Caller, live: LiveServer) -> None:
    header = {"Authorization": f"Bearer {sign_in(anyone)['accessToken']}"}

    def change(number: int) -> int:
        body = {"currentPassword": PASSWORD, "newPassword": f"new-password-{number}"}
        return live.request("PUT", "/auth/password", header, body)[0]

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(change, range(4))) == [200, 400, 400, 400]


def user_of(database: Database) -> RowMapping:
    with database.reader.connect() as connection:
        return connection.execute(select(User.id, User.password_hash)).mappings().one()


def remove(connection: Connection, user: RowMapping) -> None:
    connection.execute(delete(User).where(User.id == user["id"]))


def change(connection: Connection, user: RowMapping) -> None:
    assert UserRepository(connection).change_password(user["id"], user["password_hash"], hash_password("another-one"))


@pytest.mark.parametrize("overtake", [remove, change])
def test_a_sign_in_that_is_overtaken_is_refused(
    overtake: Callable[[Connection, RowMapping], None], anyone: Caller, database: Database
) -> None:
    """It saw the right password, and until it can write the user is gone or has another one."""
    user = user_of(database)
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            overtake(connection, user)
            attempt = pool.submit(anyone.refused, "POST", "/auth/login", ACCOUNT)
            time.sleep(0.5)
            assert not attempt.done()
        assert attempt.result() == (401, "Invalid email or password")
    assert sessions(database) == 0


def test_a_change_of_password_that_is_overtaken_is_refused(anyone: Caller, database: Database) -> None:
    mine, body = sign_in(anyone), {"currentPassword": PASSWORD, "newPassword": "yet-another-one"}
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            change(connection, user_of(database))
            attempt = pool.submit(bearer(anyone, mine["accessToken"]).refused, "PUT", "/auth/password", body)
            time.sleep(0.5)
            assert not attempt.done()
        assert attempt.result() == (400, "currentPassword: Is not the current password.")
    anyone.ok("POST", "/auth/login", ACCOUNT | {"password": "another-one"})


def test_no_session_of_the_old_password_survives_its_change(
    anyone: Caller, live: LiveServer, database: Database
) -> None:
    header = {"Authorization": f"Bearer {sign_in(anyone)['accessToken']}"}
    passwords = [PASSWORD, *(f"new-password-{number}" for number in range(6))]
    for old, new in pairwise(passwords):

        def act(number: int, old: str = old, new: str = new) -> int:
            if number == 2:  # amid the sign-ins
                body = {"currentPassword": old, "newPassword": new}
                return live.request("PUT", "/auth/password", header, body)[0]
            return live.request("POST", "/auth/login", {}, ACCOUNT | {"password": old})[0]

        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(act, range(6)))
        assert statuses.pop(2) == 200
        assert set(statuses) <= {200, 401}
        assert sessions(database) == 1  # the own one


def test_purge_deletes_what_has_expired(anyone: Caller, runner: FlaskCliRunner, database: Database) -> None:
    keep, drop = sign_in(anyone), sign_in(anyone)
    past = datetime.now(UTC) - timedelta(seconds=1)
    old = jwt.decode(drop["accessToken"], options={"verify_signature": False})["sid"]
    with database.engine.begin() as connection:
        connection.execute(update(Session).where(Session.id == old).values(expires_at=past))
        for key, expires_at in (("old", past), ("new", past + timedelta(days=1))):
            connection.execute(RateLimit.__table__.insert().values(key=key, attempts=[], expires_at=expires_at))  # type: ignore[attr-defined]
            values = {"user_id": keep["user"]["id"], "route": "r", "key": key, "body_hash": "h", "status": 201}
            connection.execute(
                IdempotentReply.__table__.insert().values(**values, reply="{}", expires_at=expires_at)  # type: ignore[attr-defined]
            )
    result = runner.invoke(args=["purge"])
    assert result.exit_code == 0
    assert result.output == "Deleted 1 sessions, 1 rate_limits, 1 idempotent_replies, 0 password_resets\n"
    output = runner.invoke(args=["purge"]).output
    assert output == "Deleted 0 sessions, 0 rate_limits, 0 idempotent_replies, 0 password_resets\n"
    bearer(anyone, keep["accessToken"]).ok("GET", "/auth/me")


def test_purge_leaves_what_a_request_is_at_work_on(runner: FlaskCliRunner, database: Database) -> None:
    """Waiting for it could be a deadlock, as a sign-in locks two rows. SQLite has one writer at a time anyway."""
    past = datetime.now(UTC) - timedelta(days=1)
    with database.engine.begin() as connection:
        for key in ("b", "a"):
            connection.execute(insert(RateLimit).values(key=key, attempts=[], expires_at=past))
    if database.engine.dialect.name == "postgresql":
        with ThreadPoolExecutor(1) as pool, database.engine.begin() as connection:
            RateLimitRepository(connection).lock("a", past)
            deleted = pool.submit(runner.invoke, args=["purge"]).result(timeout=5).output
            assert deleted == "Deleted 0 sessions, 1 rate_limits, 0 idempotent_replies, 0 password_resets\n"
            RateLimitRepository(connection).lock("b", past)
    output = runner.invoke(args=["purge"]).output
    assert output == "Deleted 0 sessions, 2 rate_limits, 0 idempotent_replies, 0 password_resets\n"


def test_purge_says_in_one_line_that_there_are_no_tables(tmp_path: Path) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"})
    result = app.test_cli_runner().invoke(args=["purge"])
    app.extensions["database"].dispose()
    assert (result.exit_code, result.output) == (1, "Error: the database refused: no such table: sessions\n")

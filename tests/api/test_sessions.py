"""Sessions: refresh, logout and password change."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from interviews_api.accounts.mailed_links import RESET_LINK
from interviews_api.accounts.models import PasswordReset, Session, User
from interviews_api.accounts.passwords import hash_password
from interviews_api.accounts.repository import UserRepository
from interviews_api.clock import now
from interviews_api.config.limits import SESSIONS_OF_USER
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from interviews_api.interviews.link_tokens import make_token
from tests.support.access_rules import PROTECTED
from tests.support.api import PASSWORD, Caller
from tests.support.factories import World
from tests.support.sessions import ACCOUNT, GONE, bearer, sessions, sign_in
from tests.support.settings import SECRETS
from tests.support.tokens import Headers


def test_refresh_returns_new_tokens_and_keeps_the_old_access_token(ada_client: Caller) -> None:
    first = sign_in(ada_client)
    response = bearer(ada_client, first["refreshToken"]).call("POST", "/auth/refresh")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert response.get_json()["message"] == "Token refreshed successfully"
    second = response.get_json()["data"]
    assert second == first | {"accessToken": second["accessToken"], "refreshToken": second["refreshToken"]}
    assert second["refreshToken"] != first["refreshToken"]
    ends = [
        jwt.decode(tokens["refreshToken"], options={"verify_signature": False})["exp"] for tokens in (first, second)
    ]
    assert ends[0] == ends[1]  # the session's end does not move
    for tokens in (first, second):
        assert bearer(ada_client, tokens["accessToken"]).ok("GET", "/auth/me")["user"] == first["user"]
    bearer(ada_client, second["refreshToken"]).ok("POST", "/auth/refresh", {})


def test_reused_refresh_token_ends_its_session(ada_client: Caller, database: Database) -> None:
    first, other = sign_in(ada_client), sign_in(ada_client)
    second = bearer(ada_client, first["refreshToken"]).ok("POST", "/auth/refresh")
    assert bearer(ada_client, first["refreshToken"]).refused("POST", "/auth/refresh") == GONE
    assert bearer(ada_client, second["refreshToken"]).refused("POST", "/auth/refresh") == GONE
    for tokens in (first, second):
        assert bearer(ada_client, tokens["accessToken"]).refused("GET", "/candidate/interviews") == GONE
        assert bearer(ada_client, tokens["accessToken"]).refused("GET", "/auth/me") == GONE
    assert bearer(ada_client, other["accessToken"]).call("GET", "/auth/me").status_code == 200
    assert sessions(database) == 1


def test_access_and_refresh_tokens_are_not_interchangeable(ada_client: Caller) -> None:
    data = sign_in(ada_client)
    assert bearer(ada_client, data["accessToken"]).refused("POST", "/auth/refresh") == GONE
    assert bearer(ada_client, data["refreshToken"]).refused("POST", "/auth/logout") == GONE
    assert bearer(ada_client, data["refreshToken"]).refused("POST", "/auth/refresh", {"x": 1}) == (
        400,
        "x: Unknown field.",
    )
    bearer(ada_client, data["accessToken"]).ok("POST", "/auth/logout")
    assert bearer(ada_client, data["refreshToken"]).refused("POST", "/auth/refresh", {"x": 1}) == GONE


def test_each_secret_works_only_for_its_purpose(ada_client: Caller, world: World, database: Database) -> None:
    """Try each secret at each endpoint that takes one; only its own purpose accepts it."""
    data = sign_in(ada_client)
    me = data["user"]["id"]
    interview = world.interview(world.application({"id": me}), scheduledDate="2999-01-01T09:00:00.000Z")
    world.load()
    reset_id = new_id()
    with database.engine.begin() as connection:
        ends = now() + timedelta(hours=1)
        values = {"email_key": ACCOUNT["email"], "created_at": now(), "expires_at": ends, "is_fanned_out": True}
        connection.execute(insert(PasswordReset).values(id=reset_id, **values))
    feed = bearer(ada_client, data["accessToken"]).ok("POST", "/candidate/calendar-feed")["url"]
    secrets = {
        "access": data["accessToken"], "refresh": data["refreshToken"],
        "link": make_token(SECRETS["SECRET_KEY"], interview["id"], 0),
        "reset": RESET_LINK.token(SECRETS["SECRET_KEY"], reset_id),
        "feed": feed.removesuffix(".ics").rpartition("/")[2],
    }  # fmt: skip
    protected = [(method, path) for method, path in PROTECTED if path != "/auth/logout"]

    def open_all(secret: str) -> dict[str, set[int]]:
        holder, json = bearer(ada_client, secret), {"Accept": "application/json"}
        reset = {"token": secret, "newPassword": "another-good-password"}
        return {
            "access": {holder.call(method, path).status_code for method, path in protected},
            "link": {ada_client.call("GET", f"/interviews/confirm/{secret}", **json).status_code,
                     ada_client.call("POST", f"/interviews/confirm/{secret}", **json).status_code},
            "feed": {ada_client.call("GET", f"/calendar/{secret}.ics").status_code},
            "reset": {ada_client.call("POST", "/auth/password/reset", reset).status_code},
            "refresh": {holder.call("POST", "/auth/refresh").status_code},
        }  # fmt: skip

    shut = {"access": {401}, "link": {400}, "feed": {404}, "reset": {400}, "refresh": {401}}
    for purpose in ("feed", "link", "access", "refresh", "reset"):  # the last two end what the others live on
        opened = open_all(secrets[purpose])
        own = opened.pop(purpose)
        assert opened == {door: statuses for door, statuses in shut.items() if door != purpose}, purpose
        assert 401 not in own if purpose == "access" else own == {200}, purpose


def test_expired_session_cannot_be_refreshed(ada_client: Caller, database: Database) -> None:
    data = sign_in(ada_client)
    with database.engine.begin() as connection:
        connection.execute(update(Session).values(expires_at=datetime.now(UTC)))
    assert bearer(ada_client, data["refreshToken"]).refused("POST", "/auth/refresh") == GONE


def test_token_never_outlives_its_session(ada_client: Caller, database: Database) -> None:
    data = sign_in(ada_client)
    with database.engine.begin() as connection:
        connection.execute(update(Session).values(expires_at=datetime.now(UTC) + timedelta(seconds=60)))
    late = bearer(ada_client, data["refreshToken"]).ok("POST", "/auth/refresh")
    assert 55 <= late["expiresIn"] <= 60
    for name in ("accessToken", "refreshToken"):
        assert jwt.decode(late[name], options={"verify_signature": False})["exp"] <= time.time() + 60


def test_deleted_user_cannot_refresh(ada_client: Caller, database: Database) -> None:
    data = sign_in(ada_client)
    with database.engine.begin() as connection:
        connection.execute(delete(User))
    assert bearer(ada_client, data["refreshToken"]).refused("POST", "/auth/refresh") == GONE
    assert bearer(ada_client, data["accessToken"]).refused("POST", "/auth/logout") == GONE


def test_password_change_ends_other_sessions(ada_client: Caller, database: Database) -> None:
    here, there = sign_in(ada_client), sign_in(ada_client)
    change = {"currentPassword": PASSWORD, "newPassword": "another-good-password"}
    response = bearer(ada_client, here["accessToken"]).call("PUT", "/auth/password", change)
    assert response.get_json() == {"message": "Password changed successfully", "data": {}}
    assert bearer(ada_client, there["accessToken"]).refused("GET", "/auth/me") == GONE
    assert bearer(ada_client, there["refreshToken"]).refused("POST", "/auth/refresh") == GONE
    bearer(ada_client, here["refreshToken"]).ok("POST", "/auth/refresh")
    assert ada_client.refused("POST", "/auth/login", ACCOUNT) == (401, "Invalid email or password")
    ada_client.ok("POST", "/auth/login", ACCOUNT | {"password": "another-good-password"})
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
def test_invalid_password_change_changes_nothing(change: dict[str, str], message: str, ada_client: Caller) -> None:
    here, there = sign_in(ada_client), sign_in(ada_client)
    response = bearer(ada_client, here["accessToken"]).call("PUT", "/auth/password", change)
    assert (response.status_code, response.get_json()["message"]) == (400, message)
    assert list(response.get_json()["details"]) == [message.partition(":")[0]]
    bearer(ada_client, there["accessToken"]).ok("GET", "/auth/me")


def user_of(database: Database) -> RowMapping:
    with database.reads.connection() as connection:
        return connection.execute(select(User.id, User.password_hash)).mappings().one()


def remove(connection: Connection, user: RowMapping) -> None:
    connection.execute(delete(User).where(User.id == user["id"]))


def change(connection: Connection, user: RowMapping) -> None:
    users = UserRepository(connection)
    users.lock_user(user["id"])
    assert users.change_password(user["id"], user["password_hash"], hash_password("another-one"))


@pytest.mark.parametrize("overtake", [remove, change])
def test_login_overtaken_by_a_change_is_refused(
    overtake: Callable[[Connection, RowMapping], None], ada_client: Caller, database: Database
) -> None:
    """The password is checked, then the user is deleted or changes it before the session begins."""
    user = user_of(database)
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            overtake(connection, user)
            attempt = pool.submit(ada_client.refused, "POST", "/auth/login", ACCOUNT)
            time.sleep(0.5)
            assert not attempt.done()
        assert attempt.result() == (401, "Invalid email or password")
    assert sessions(database) == 0


def test_password_change_overtaken_by_another_is_refused(ada_client: Caller, database: Database) -> None:
    tokens, body = sign_in(ada_client), {"currentPassword": PASSWORD, "newPassword": "yet-another-one"}
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            change(connection, user_of(database))
            attempt = pool.submit(bearer(ada_client, tokens["accessToken"]).refused, "PUT", "/auth/password", body)
            time.sleep(0.5)
            assert not attempt.done()
        assert attempt.result() == (400, "currentPassword: Is not the current password.")
    ada_client.ok("POST", "/auth/login", ACCOUNT | {"password": "another-one"})


def test_oldest_session_ends_beyond_a_hundred(
    world: World, headers: Callable[..., Headers], client: FlaskClient
) -> None:
    user_id, other_id = world.candidate()["id"], world.candidate()["id"]
    world.load()
    tokens = [headers(other_id), *(headers(user_id) for _ in range(SESSIONS_OF_USER.allowed + 2))]
    answers = [client.get("/auth/me", headers=each).status_code for each in tokens]
    assert answers == [200, 401, 401] + [200] * SESSIONS_OF_USER.allowed

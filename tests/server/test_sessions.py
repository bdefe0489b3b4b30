"""Sessions over gunicorn with two workers: a session ends on each worker at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from interviews_api.db.connections import Database
from tests.support.api import PASSWORD, Caller
from tests.support.gunicorn_server import GunicornServer
from tests.support.sessions import ACCOUNT, GONE, bearer, sessions, sign_in
from tests.support.simultaneous import at_once


def test_simultaneous_refreshes_get_one_refresh_token(
    ada_client: Caller, gunicorn_server: GunicornServer, database: Database
) -> None:
    token = sign_in(ada_client)["refreshToken"]
    for _ in range(3):
        answers = at_once(gunicorn_server, [("POST", "/auth/refresh", _bearer(token), None)] * 50)
        assert [status for status, _ in answers] == [200] * 50
        tokens = [json.loads(body)["data"] for _, body in answers]
        assert len({each["accessToken"] for each in tokens}) == 50
        (successor,) = {each["refreshToken"] for each in tokens}
        assert successor != token
        token = successor
    assert sessions(database) == 1


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_logout_takes_effect_on_each_worker(ada_client: Caller, gunicorn_server: GunicornServer) -> None:
    paths = ["/candidate/interviews", "/auth/me", "/candidate/interviews/pending"] * 8  # both workers get some

    def statuses(header: dict[str, str]) -> set[int]:
        with ThreadPoolExecutor(8) as pool:
            return set(pool.map(lambda path: gunicorn_server.request("GET", path, header)[0], paths))

    for _ in range(5):
        data = sign_in(ada_client)
        header = {"Authorization": f"Bearer {data['accessToken']}"}
        assert statuses(header) == {200}
        status, _, body = gunicorn_server.request("POST", "/auth/logout", header)
        assert (status, body) == (200, b'{"message":"Logged out successfully","data":{}}')
        assert statuses(header) == {401}
        assert gunicorn_server.request("POST", "/auth/logout", header)[0] == 401
        assert bearer(ada_client, data["refreshToken"]).refused("POST", "/auth/refresh") == GONE


def test_one_of_simultaneous_password_changes_succeeds(ada_client: Caller, gunicorn_server: GunicornServer) -> None:
    header = {"Authorization": f"Bearer {sign_in(ada_client)['accessToken']}"}

    def change(number: int) -> int:
        body = {"currentPassword": PASSWORD, "newPassword": f"new-password-{number}"}
        return gunicorn_server.request("PUT", "/auth/password", header, body)[0]

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(change, range(4))) == [200, 400, 400, 400]


def test_sessions_of_the_old_password_end(
    ada_client: Caller, gunicorn_server: GunicornServer, database: Database
) -> None:
    header = {"Authorization": f"Bearer {sign_in(ada_client)['accessToken']}"}
    passwords = [PASSWORD, *(f"new-password-{number}" for number in range(6))]
    for old, new in pairwise(passwords):

        def act(number: int, old: str = old, new: str = new) -> int:
            if number == 2:  # amid the sign-ins
                body = {"currentPassword": old, "newPassword": new}
                return gunicorn_server.request("PUT", "/auth/password", header, body)[0]
            return gunicorn_server.request("POST", "/auth/login", {}, ACCOUNT | {"password": old})[0]

        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(act, range(6)))
        assert statuses.pop(2) == 200
        assert set(statuses) <= {200, 401}
        assert sessions(database) == 1  # the own one

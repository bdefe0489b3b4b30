"""Names of webhooks and push endpoints are looked up one at a time, while other requests go on."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from interviews_api.notifications.channels.request_resolver import RequestResolver
from interviews_api.services import register_services, service
from tests.support.api import Caller
from tests.support.delivery_addresses import SIDES, SUBSCRIPTIONS, WEBHOOKS, body
from tests.support.fixtures import MakeLimited
from tests.support.people import People

AT_ONCE = 8


class SilentNameServer:
    """A look-up that does not end until `answer` is called."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._threads: list[threading.Thread] = []
        self._answers = threading.Event()

    def resolve(self, host: str) -> list[str]:
        self.names.append(host)
        self._threads.append(threading.current_thread())
        self._answers.wait(20)
        return ["127.0.0.1"]

    def answer(self) -> None:
        self._answers.set()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def resolve_with(app: Flask) -> Iterator[Callable[[Any], None]]:
    """Yield a function that replaces the look-up of the application."""
    own = service(RequestResolver, app)
    yield lambda resolve: register_services(app, RequestResolver(resolve))
    register_services(app, own)


@pytest.fixture
def name_server(resolve_with: Callable[[Any], None]) -> Iterator[SilentNameServer]:
    server = SilentNameServer()
    resolve_with(server.resolve)
    yield server
    server.answer()


def post_at_once(app: Flask, people: People, first: int) -> list[tuple[int, float]]:
    """Return status and seconds of webhooks and subscriptions that are created together."""
    gate = threading.Barrier(AT_ONCE)

    def post(number: int) -> tuple[int, float]:
        route = (WEBHOOKS, SUBSCRIPTIONS)[number % 2]
        caller = Caller(app.test_client(), people.caller(SIDES[route]).headers)
        values = body(route, first + number)
        gate.wait(5)
        began = time.monotonic()
        return caller.call("POST", route, values).status_code, time.monotonic() - began

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(post, range(AT_ONCE)))


def test_silent_name_server_holds_one_thread_for_a_second(
    app: Flask, people: People, name_server: SilentNameServer
) -> None:
    threads = threading.active_count()
    results = post_at_once(app, people, 0)
    assert {status for status, _ in results} == {201}
    assert max(took for _, took in results) < 2.5
    assert sum(took > 0.9 for _, took in results) == 1
    assert threading.active_count() <= threads + 1
    again = post_at_once(app, people, AT_ONCE)
    assert {status for status, _ in again} == {201}
    assert max(took for _, took in again) < 0.9
    assert threading.active_count() <= threads + 1
    assert name_server.names == ["nobody.invalid"]


@pytest.mark.parametrize("wrong", [{"events": ["nonsense"]}, {"other": 1}, {"keys": {}}])
@pytest.mark.parametrize("route", SIDES)
def test_no_name_is_looked_up_for_an_invalid_body(
    route: str, wrong: Any, people: People, name_server: SilentNameServer
) -> None:
    caller = people.caller(SIDES[route])
    assert caller.refused("POST", route, body(route, 1) | wrong)[0] == 400
    caller.ok("POST", "/auth/logout")
    assert caller.refused("POST", route, body(route, 1) | wrong)[0] == 401
    assert name_server.names == []


@pytest.mark.parametrize("route", SIDES)
def test_private_address_is_refused_once_the_name_server_answers(
    route: str, people: People, name_server: SilentNameServer
) -> None:
    caller, field = people.caller(SIDES[route]), "url" if route == WEBHOOKS else "endpoint"
    caller.ok("POST", route, body(route, 1))
    caller.ok("POST", route, body(route, 2))
    name_server.answer()
    for _ in range(2):
        response = caller.call("POST", route, body(route, 3))
        assert (response.status_code, list(response.get_json()["details"])) == (400, [field])
    caller.ok("POST", "/auth/logout")
    assert caller.refused("POST", route, body(route, 3)) == (401, "Unauthorized")


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long")])
def test_unknown_name_is_accepted(error: Exception, people: People, resolve_with: Callable[[Any], None]) -> None:
    def fail(_host: str) -> list[str]:
        raise error

    resolve_with(fail)
    for number in range(3):
        people.us.ok("POST", WEBHOOKS, body(WEBHOOKS, number))


@pytest.mark.parametrize("route", SIDES)
def test_refused_names_count_as_attempts(route: str, people: People, make_limited: MakeLimited) -> None:
    """A refusal tells that an internal name exists, so over the limit no name is looked up."""
    names: list[str] = []

    def resolve(host: str) -> list[str]:
        names.append(host)
        return ["10.0.0.1"]

    client = make_limited(LIMITS="webhooks=2/3600,push_subscriptions=2/3600")
    register_services(client.application, RequestResolver(resolve))
    caller = Caller(client, people.caller(SIDES[route]).headers)
    assert [caller.call("POST", route, body(route, number)).status_code for number in range(4)] == [400, 400, 429, 429]
    assert len(names) == 2


def test_unchanged_subscription_is_not_looked_up_again(people: People, resolve_with: Callable[..., None]) -> None:
    """It is not counted, so that a refusal would tell without a limit."""
    subscription = body(SUBSCRIPTIONS, 1)
    people.candidate.ok("POST", SUBSCRIPTIONS, subscription)
    resolve_with(lambda _host: ["10.0.0.1"])
    people.candidate.ok("POST", SUBSCRIPTIONS, subscription)
    assert people.candidate.refused("POST", SUBSCRIPTIONS, body(SUBSCRIPTIONS, 1))[0] == 400

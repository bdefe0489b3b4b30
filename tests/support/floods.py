"""Floods of one route, and what another client sees meanwhile."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection
from typing import Any

from flask import Flask
from marshmallow import Schema, ValidationError, fields, validate

from interviews_api.web import strict_json
from interviews_api.web.http import MAX_BODY_VALUES
from interviews_api.web.route_contract import RouteContract, contract_of
from tests.support.access_rules import RULES
from tests.support.flooder import DROPPED
from tests.support.hostile_bodies import SIZE, hostile_bodies
from tests.support.hostile_text import ENCODED
from tests.support.nginx import Nginx
from tests.support.proof_table import figure
from tests.support.routes import routes
from tests.support.settings import ROOT

JSON, HTML = "application/json", "text/html"
LONG = 7000  # characters: with the rest of its line less than nginx and gunicorn take
UNBOUNDED = 20_000  # characters of a text that has no bound of its own
LETTERS = ("\U0001f600", "é", "a")
PAUSE_SECONDS = 0.02
OTHER_CLIENTS = 4
"""As many as give a p99 some hundred waits to be taken from, within seconds."""


@dataclass(frozen=True)
class Route:
    """A method and path of the URL map, with the contract of its view."""

    name: str
    rule: str
    contract: RouteContract | None

    @property
    def may_be_unavailable(self) -> bool:
        """Whether a 503 is documented."""
        return self.contract is not None and (self.contract.needs_database or self.contract.socket_query is not None)

    def path(self, ids: Mapping[str, str]) -> str:
        """Return the path with these ids; others are absent ones."""
        return re.sub("<(?:[^:<>]+:)?([a-z_]+)>", lambda match: ids.get(match[1], "f" * 24), self.rule)

    def requests(self, ids: Mapping[str, str], headers: Mapping[str, str], valid: Any = None) -> list[bytes]:
        """Return the worst requests for this route: of its path, its query and its body."""
        method, path = self.name.split()[0], self.path(ids)
        if self.contract is not None and self.contract.body is not None:
            own = {**headers, "Accept": JSON, "Content-Type": JSON}
            return [written(method, path, own, body) for body in worst_bodies(self.contract.body, valid or {})]
        query = f"?limit=100&skip=0&after=0&token={ENCODED}&" + "status=confirmed&" * (LONG // 20)
        paths = [path, f"{path}?limit=100", f"{path}{query}"]
        if "<" in self.rule:
            paths.append(re.sub("<[^<>]+>", "%C3%A9" * (LONG // 6), self.rule))
        has_page = self.contract is not None and self.contract.html is not None
        return [written(method, path, {**headers, "Accept": HTML if has_page else JSON}) for path in paths]


def flooded_routes(app: Flask, *roles: str) -> list[Route]:
    """Return the routes of the URL map for these roles, as the access rules name them."""
    return [
        Route(name, rule.rule, contract_of(app.view_functions[rule.endpoint]))
        for name, rule in routes(app).items()
        if RULES[name].role in roles
    ]


def written(method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def worst_bodies(schema: Schema, valid: Mapping[str, Any]) -> list[bytes]:
    """Return the body of the longest legal texts, and the three of 64 KiB that cost the most to refuse."""
    return [longest_body(schema, valid), *_costliest(type(schema), json.dumps(valid))]


@cache
def _costliest(schema: type[Schema], valid: str) -> list[bytes]:
    bodies = [body for _, body in hostile_bodies(schema(), json.loads(valid))][:: figure(sample=7, full=1)]
    return sorted(bodies, key=lambda body: load_seconds(schema(), body))[-3:]


def load_seconds(schema: Schema, body: bytes) -> float:
    """Return the seconds of CPU that it takes to read and validate a body: the least of two runs."""
    durations = []
    for _ in range(2):
        began = time.process_time()
        with suppress(ValidationError, strict_json.JSONRefused):
            schema.load(strict_json.loads(body, max_values=MAX_BODY_VALUES))
        durations.append(time.process_time() - began)
    return min(durations)


def longest_body(schema: Schema, valid: Mapping[str, Any]) -> bytes:
    """Return a valid body with the longest texts that fit into 64 KiB, of the letters with the most bytes."""
    for letter in LETTERS:
        body = json.dumps(longest_values(schema, valid, letter), ensure_ascii=False).encode()
        if len(body) <= SIZE:
            return body
    raise AssertionError(schema)


def longest_values(schema: Schema, valid: Mapping[str, Any], letter: str) -> dict[str, Any]:
    """Return a body with the longest text in each field that takes any text; the others are as in the valid one."""
    values = {
        own.data_key or name: longest_value(own, valid.get(own.data_key or name), letter)
        for name, own in schema.load_fields.items()
    }
    return {key: value for key, value in values.items() if value is not None}


def longest_value(own: fields.Field[Any], valid: Any, letter: str) -> Any:
    """Return the longest value of a field, or the valid one where no text of one letter is valid."""
    if isinstance(own, fields.Nested):
        return longest_values(own.schema, valid or {}, letter)
    bounds = [check.max for check in own.validators if isinstance(check, validate.Length) and check.max]
    if isinstance(own, fields.List):
        value: Any = [longest_value(own.inner, None, letter)] * min(bounds, default=1)
    else:
        value = letter * min(bounds, default=UNBOUNDED)
    try:
        own.deserialize(value)
    except ValidationError:
        return valid
    return value


@dataclass
class Flooded:
    """What a flood got, and the milliseconds that another client waited for /health/live meanwhile."""

    answers: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """The 99th percentile of the waits."""
        return sorted(self.waits)[int(len(self.waits) * 0.99)]

    def faults(self, route: Route) -> dict[str, int]:
        """Return the answers that no client may get: 5xx other than a documented 503 with Retry-After, and none."""
        allowed = {"503 later"} if route.may_be_unavailable else set()
        return {
            answer: number
            for answer, number in self.answers.items()
            if (answer.startswith("5") and answer not in allowed) or answer == DROPPED
        }


@dataclass(frozen=True)
class FloodedRoute:
    """A route and its flood."""

    route: Route
    flooded: Flooded


RequestsFor = Callable[[Route], list[bytes]]
"""Returns the requests of a flood; called before each, because a flood may end the session of its token."""


def describe(floods: list[FloodedRoute]) -> str:
    """Return the result of a proof: the slowest route, and how often there was each status."""
    slowest = max(floods, key=lambda each: each.flooded.p99)
    total = sum((each.flooded.answers for each in floods), Counter[str]())
    answers = ", ".join(f"{number} times {answer}" for answer, number in sorted(total.items()))
    return f"/health/live p99 {slowest.flooded.p99:.0f} ms at most ({slowest.route.name}); {answers}"


def assert_harmless(floods: list[FloodedRoute], milliseconds: int) -> None:
    """Check that each route got no answer that nobody may get, and that the p99 of another client was so low."""
    assert {each.route.name: faults for each in floods if (faults := each.flooded.faults(each.route))} == {}
    slow = {each.route.name: round(each.flooded.p99) for each in floods if each.flooded.p99 > milliseconds}
    assert slow == {}, f"slower than {milliseconds} ms: {slow}"


def flood_routes(
    nginx: Nginx, routes: list[Route], requests_for: RequestsFor, *, seconds: float, milliseconds: int
) -> list[FloodedRoute]:
    """Flood each route; a route where another client waited for longer is flooded again, up to twice.

    Another program, or a host that takes processors away, can slow down each flood. A slow route is slow in all of
    them, so the calmest flood counts. The answers of all floods count.
    """
    floods = {route.name: FloodedRoute(route, flood(nginx, requests_for(route), seconds)) for route in routes}
    for _ in range(2):
        slow = [each for each in floods.values() if each.flooded.p99 > milliseconds]
        for each in slow:
            again = flood(nginx, requests_for(each.route), seconds)
            calmest = min(each.flooded, again, key=lambda flooded: flooded.p99)
            floods[each.route.name] = FloodedRoute(
                each.route, Flooded(each.flooded.answers + again.answers, calmest.waits)
            )
    return list(floods.values())


def flood(nginx: Nginx, requests: list[bytes], seconds: float) -> Flooded:
    """Send the requests over eight connections for so many seconds; other clients ask for /health/live meanwhile."""
    flooded = Flooded()
    ends_at = time.monotonic() + seconds
    with flooding(nginx, requests, seconds, flooded), ThreadPoolExecutor(OTHER_CLIENTS) as pool:
        for waits in pool.map(lambda _: waits_of_a_client(nginx.port, ends_at), range(OTHER_CLIENTS)):
            flooded.waits += waits
    return flooded


def waits_of_a_client(port: int, ends_at: float) -> list[float]:
    """Ask for /health/live until `ends_at`, a monotonic time; return the milliseconds of each answer."""
    waits = []
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        while time.monotonic() < ends_at:
            began = time.perf_counter()
            connection.request("GET", "/health/live")
            response = connection.getresponse()
            response.read()
            waits.append((time.perf_counter() - began) * 1000)
            assert response.status == 200, (response.status, response.headers)
            time.sleep(PAUSE_SECONDS)
    return waits


@contextmanager
def flooding(nginx: Nginx, requests: list[bytes], seconds: float, flooded: Flooded) -> Iterator[None]:
    """Begin a flood of so many seconds, and add its answers at the end of the block."""
    task = {"port": nginx.port, "seconds": seconds, "requests": [request.decode("latin-1") for request in requests]}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.flooder"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(task).encode())
        process.stdin.close()
        process.stdout.readline()
        try:
            yield
        finally:
            flooded.answers.update(json.loads(process.stdout.read()))

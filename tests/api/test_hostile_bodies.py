"""A body of 64 KiB in its worst shape costs little time and gets a small answer, on every route."""

import gc
import re
import time
from itertools import islice
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from interviews_api.web import strict_json
from interviews_api.web.route_contract import contract_of
from tests.support.access_rules import COMPANY_USERS, RULES
from tests.support.api import Caller, invitation
from tests.support.hostile_bodies import SIZE, hostile_bodies
from tests.support.linked_interview import path
from tests.support.people import People
from tests.support.proof_table import figure
from tests.support.routes import routes

CPU_SECONDS = 0.1
ANSWER_BYTES = 24 * 1024
MAX_DETAILS = 50
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
ABSENT = "f" * 24


def routes_with_a_body(app: Flask) -> dict[str, Any]:
    """Return the contract of each method and path that takes a body."""
    contracts = {route: contract_of(app.view_functions[rule.endpoint]) for route, rule in routes(app).items()}
    return {route: contract for route, contract in contracts.items() if contract and contract.body is not None}


ROUTES = sorted(route for route in RULES if not route.startswith("GET "))


def test_each_route_with_a_body_is_tested(session_app: Flask) -> None:
    assert set(routes_with_a_body(session_app)) <= set(ROUTES)


@pytest.fixture
def own_ids(people: People) -> dict[str, str]:
    """Return ids by the names of path arguments, so that access is granted where it is asked for."""
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    return {
        "interview_id": interview["interviewId"],
        "application_id": people.us_application_id,
        "company_id": people.us_company_id,
        "token": path(interview["interviewId"]).rpartition("/")[2],
    }


@pytest.mark.proof
@pytest.mark.usefixtures("shipped_hashes")
@pytest.mark.parametrize("route", ROUTES)
def test_hostile_body_costs_little_and_gets_a_small_answer(
    route: str, app: Flask, people: People, own_ids: dict[str, str], client: FlaskClient
) -> None:
    contract = routes_with_a_body(app).get(route)
    if contract is None:  # such as DELETE without a body
        return
    rule = RULES[route]
    method, template = route.split()
    url = re.sub("<([a-z_]+)>", lambda match: own_ids.get(match[1], ABSENT), template)
    headers = (people.us if rule.role in COMPANY_USERS else people.candidate).headers | {"Accept": JSON}
    valid = invitation(people.us_application_id) if rule.body == "invitation" else rule.body or {}
    for name, body in islice(hostile_bodies(contract.body, valid), None, None, figure(sample=5, full=1)):
        assert len(body) <= SIZE, name
        durations = []
        while not durations or (min(durations) > CPU_SECONDS and len(durations) < 10):  # another process may disturb
            began = time.process_time()
            response = client.open(url, method=method, data=body, content_type=JSON, headers=headers)
            durations.append(time.process_time() - began)
        assert response.status_code < 500, name
        assert len(response.data) < ANSWER_BYTES, name
        assert len(response.get_json().get("details", {})) <= MAX_DETAILS, name
        assert min(durations) < CPU_SECONDS, name


def test_details_are_cut_and_the_message_names_the_first(anonymous: Caller) -> None:
    response = anonymous.call("POST", "/auth/login", {f"{number:03}": 0 for number in range(1000)})
    answer = response.get_json()
    assert list(answer["details"]) == ["email", "password", *(f"{number:03}" for number in range(48))]
    assert answer["message"] == "email: Missing data for required field."
    body = {f"{number:03}": 0 for number in range(1001)}
    assert anonymous.refused("POST", "/auth/login", body) == (400, "The JSON holds over 1000 values")


def test_long_unknown_name_is_cut(anonymous: Caller) -> None:
    status, message = anonymous.refused("POST", "/auth/login", {"email": "a", "password": "b", "é" * 65: 1})
    assert (status, message) == (400, f"{'é' * 63}…: Unknown field.")
    status, message = anonymous.refused("POST", "/auth/login", {"email": "a", "password": "b", "é" * 64: 1})
    assert (status, message) == (400, f"{'é' * 64}: Unknown field.")


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [
        ("complete", "feedback.strengths", [0] * 21),
        ("complete", "feedback.weaknesses", ["x" * 501] * 21),
        ("request-reschedule", "proposedTimes", ["never"] * 6),
    ],
)
def test_length_of_a_list_is_judged_before_its_elements(
    action: str, field: str, value: list[object], people: People, own_ids: dict[str, str]
) -> None:
    is_company = action == "complete"
    body = {"feedback": {field.partition(".")[2]: value}} if is_company else {field: value}
    prefix = "/interviews" if is_company else "/candidate/interviews"
    caller = people.us if is_company else people.candidate
    details = caller.call("PUT", f"{prefix}/{own_ids['interview_id']}/{action}", body).get_json()["details"]
    assert details == {field: [f"Longer than maximum length {len(value) - 1}."]}


def test_length_of_a_list_of_events_is_judged_before_its_elements(people: People) -> None:
    body = {"url": "https://nobody.invalid/hook", "events": [0] * 100}
    details = people.us.call("POST", "/webhooks", body).get_json()["details"]
    assert list(details) == ["events"]
    assert len(details["events"]) == 1


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "x", "identity, gzip", "GZIP"])
def test_compressed_body_is_a_415(encoding: str, anonymous: Caller) -> None:
    body = {"email": "a@b.co", "password": "x"}
    assert anonymous.refused("POST", "/auth/login", body, Content_Encoding=encoding) == (
        415, "The body must not be compressed",
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["identity", " Identity "])
def test_identity_is_no_compression(encoding: str, anonymous: Caller) -> None:
    body = {"email": "a@b.co", "password": "x"}
    assert anonymous.refused("POST", "/auth/login", body, Content_Encoding=encoding)[0] == 401


@pytest.mark.usefixtures("linked_interview")
def test_compressed_form_is_a_415(client: FlaskClient) -> None:
    headers = {"Content-Encoding": "gzip", "Accept": JSON, "Sec-Fetch-Site": "same-origin"}
    response = client.post(path(), data="a=b", content_type=FORM, headers=headers)
    assert (response.status_code, response.get_json()["statusCode"]) == (415, 415)


FLOOD = b'{"title": [' + b"[]," * 20_000 + b"[]]}"


def test_refused_body_is_parsed_once(people: People, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation refuses it first; then the company's right to the application that it names is judged."""
    parsed: list[bytes] = []
    loads = strict_json.loads
    monkeypatch.setattr(strict_json, "loads", lambda raw, **options: parsed.append(raw) or loads(raw, **options))
    response = client.post("/interviews/schedule", data=FLOOD, content_type=JSON, headers=people.us.headers)
    assert response.status_code == 400
    assert parsed == [FLOOD]


def test_refused_body_leaves_no_values_in_memory(people: People, client: FlaskClient) -> None:
    """In a cycle of references they would wait for the garbage collector, which then delays all requests."""
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(3):
            client.post("/interviews/schedule", data=FLOOD, content_type=JSON, headers=people.us.headers)
        assert len(gc.get_objects()) - before < 20_000
    finally:
        gc.enable()

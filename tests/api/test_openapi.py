"""The OpenAPI document: complete, and held against the running application by schemathesis."""

import re
from datetime import timedelta
from typing import Any

import jwt
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from sqlalchemy import insert

from interviews_api import create_app
from interviews_api.accounts.models import Session
from interviews_api.accounts.tokens import ALGORITHM
from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.ids import is_id
from interviews_api.web.fields import camel_case
from interviews_api.web.openapi import describe_api
from tests.api.test_accounts import KEY, claims
from tests.api.test_sample_responses import golden
from tests.conftest import SECRETS
from tests.support.factories import World
from tests.support.live import LiveServer

ME = "641a5f1234567890123456aa"
COMPANY_USER = "641a5f1234567890123456bb"
MY_SESSION = "641a5f1234567890123456cc"
THEIR_SESSION = "641a5f1234567890123456dd"
INTERVIEW = "641a5f123456789012345678"


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def _schema() -> Any:
    app = create_app(SECRETS | {"DATABASE_URL": "postgresql://never-asked"})
    with app.app_context():
        return schemathesis.openapi.from_dict(describe_api())


schema = _schema()
like_a_fuzzer = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def role_of(operation: Any) -> str:
    """Who has something to do at this route; anyone may ask who he is."""
    refusal = operation.definition.raw["responses"].get("403", {}).get("description", "")
    return "company" if "Company credentials required" in refusal else "candidate"


@schema.auth(cache_by_key=lambda case, _context: role_of(case.operation))
class SignedIn:
    def get(self, _case: schemathesis.Case, context: schemathesis.AuthContext) -> str:
        role = role_of(context.operation)
        user_id, session_id = {"candidate": (ME, MY_SESSION), "company": (COMPANY_USER, THEIR_SESSION)}[role]
        return jwt.encode(claims(user_id, session_id) | {"role": role}, KEY, ALGORITHM)

    def set(self, case: schemathesis.Case, token: str, _context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {token}"


@pytest.fixture
def my_interviews(world: World, database: Database) -> None:
    company = world.company()
    world.company_user(company, id=COMPANY_USER)
    application = world.application(world.candidate(id=ME), world.job(company))
    world.interview(application, id=INTERVIEW, feedback={"overallRating": 7})
    world.interview(application, status="confirmed")
    world.load()
    with database.engine.begin() as connection:
        for user_id, session_id in ((ME, MY_SESSION), (COMPANY_USER, THEIR_SESSION)):
            values = {"id": session_id, "user_id": user_id, "refresh_id": session_id}
            connection.execute(insert(Session).values(**values, created_at=now(), expires_at=now() + timedelta(1)))


def hold_against_the_document(case: schemathesis.Case, live: LiveServer) -> None:
    # Whether a change or a link is taken depends on what is stored and on the moment, and a body must not hold a NUL:
    # no schema can tell.
    depends_on_state = case.method != "GET" or "token" in case.path_parameters
    depends_on_state |= case.path.endswith(("/calendar.ics", "/updates"))
    excluded = [positive_data_acceptance] if depends_on_state else []
    if case.path.endswith("/updates"):  # without an upgrade a 426, whatever else is wrong
        excluded.append(negative_data_rejection)
    case.call_and_validate(base_url=live.url, excluded_checks=excluded)


@pytest.mark.usefixtures("my_interviews")
@schema.parametrize()
@like_a_fuzzer
def test_the_application_does_what_the_document_says(case: schemathesis.Case, live: LiveServer) -> None:
    hold_against_the_document(case, live)


@pytest.mark.usefixtures("my_interviews")
@schema.include(path_regex="interviewId").parametrize()
@like_a_fuzzer
def test_it_does_so_for_an_interview_that_exists(case: schemathesis.Case, live: LiveServer) -> None:
    if is_id(case.path_parameters.get("interviewId")):  # not when it is wrong on purpose
        case.path_parameters["interviewId"] = INTERVIEW
    hold_against_the_document(case, live)


def test_every_route_is_described(app: Flask, document: dict[str, Any]) -> None:
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    adapter = app.url_map.bind("localhost")
    existing = set()
    for rule in app.url_map.iter_rules():
        if rule.websocket:
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            names = sorted(rule.arguments)
            values = {
                name: f"{number:024x}" if name.endswith("_id") else "init.js" for number, name in enumerate(names)
            }
            path = adapter.build(rule.endpoint, values, method)
            for name in names:
                path = path.replace(values[name], f"{{{camel_case(name)}}}")
            existing.add((path, method))
    assert described == existing
    assert document["openapi"] == "3.1.0"


WITHOUT_DATABASE = {
    "show_docs", "show_docs_asset", "show_description", "show_liveness", "show_metrics", "show_reset_page",
    "show_push_key",
}  # fmt: skip


def test_every_operation_says_what_it_needs_and_how_it_fails(document: dict[str, Any]) -> None:
    operation_ids = []
    for path, item in document["paths"].items():
        for operation in item.values():
            operation_ids.append(operation["operationId"])
            assert operation["summary"].endswith(".")
            statuses = set(operation["responses"])
            assert operation["responses"]["500"] == {"$ref": "#/components/responses/Fault"}
            if "security" in operation:
                assert "401" in statuses, path
            assert ("503" in statuses) != (operation["operationId"] in WITHOUT_DATABASE), path
            if path.startswith("/candidate") and not path.endswith("/updates"):
                assert operation["security"] == [{"accessToken": []}], path
                assert {"401", "403", "503"} <= statuses, path
            if "Id}" in path:
                assert "404" in statuses, path
            if "requestBody" in operation:
                assert {"400", "413", "415"} <= statuses, path
            if any(one["in"] == "query" for one in operation.get("parameters", [])):
                assert "400" in statuses, path
    assert len(operation_ids) == len(set(operation_ids))


@pytest.mark.parametrize(
    ("sample", "component"),
    [
        ("list", "CandidateInterviews"), ("pending", "PendingInterviews"), ("upcoming", "UpcomingInterviews"),
        ("history", "InterviewHistory"), ("details", "InterviewDetails"), ("confirm", "Confirmation"),
    ],
)  # fmt: skip
def test_the_described_keys_are_the_samples(sample: str, component: str, document: dict[str, Any]) -> None:
    def keys(described: dict[str, Any], shown: Any) -> None:
        described = described | (described.get("anyOf") or [{}])[0]
        if "$ref" in described:
            described = document["components"]["schemas"][described["$ref"].rpartition("/")[2]]
        if isinstance(shown, dict):
            assert set(described["properties"]) == set(described["required"]) == set(shown)
            assert described["additionalProperties"] is False
            for name, value in shown.items():
                keys(described["properties"][name], value)
        elif isinstance(shown, list):
            keys(described["items"], shown[0])

    keys(document["components"]["schemas"][component], golden(sample)["data"])


def test_the_refused_states_are_described(document: dict[str, Any]) -> None:
    confirm = document["paths"]["/candidate/interviews/{interviewId}/confirm"]["put"]["responses"]
    for name in ("error-400", "error-403", "error-404"):
        sample = golden(name)
        assert sample["message"] in confirm[str(sample["statusCode"])]["description"]


def test_a_fault_is_described_once_and_as_it_is(document: dict[str, Any]) -> None:
    fault = document["components"]["responses"]["Fault"]
    assert fault["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    assert fault["headers"] == {"X-Request-Id": {"schema": {"type": "string"}, "required": True}}


def test_the_docs_page_is_all_local(client: FlaskClient) -> None:
    with client.get("/docs") as page:
        text = page.text
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"https?:|//", text)
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "init.js"):
        assert f"/docs/{asset}" in text
        with client.get(f"/docs/{asset}") as response:
            assert response.status_code == 200

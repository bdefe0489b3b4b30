"""The OpenAPI document: complete, and as the routes, their contracts and the settings say."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from interviews_api import create_app
from interviews_api.web.fields import camel_case
from interviews_api.web.route_contract import contract_of
from tests.support.golden import golden
from tests.support.settings import SECRETS


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").get_json()
    return document


def test_openapi_describes_each_route(app: Flask, document: dict[str, Any]) -> None:
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


def test_each_operation_describes_security_and_errors(document: dict[str, Any]) -> None:
    operation_ids = []
    for path, item in document["paths"].items():
        for operation in item.values():
            operation_ids.append(operation["operationId"])
            in_path = [parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "path"]
            assert in_path == re.findall(r"{(\w+)}", path)
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
            if any(parameter.get("in") == "query" for parameter in operation.get("parameters", [])):
                assert "400" in statuses, path
    assert len(operation_ids) == len(set(operation_ids))


@pytest.mark.parametrize(
    ("sample", "component"),
    [
        ("list", "CandidateInterviews"), ("pending", "PendingInterviews"), ("upcoming", "UpcomingInterviews"),
        ("history", "InterviewHistory"), ("details", "InterviewDetails"), ("confirm", "Confirmation"),
    ],
)  # fmt: skip
def test_described_keys_equal_the_samples(sample: str, component: str, document: dict[str, Any]) -> None:
    def keys(described: dict[str, Any], example: Any) -> None:
        described = described | (described.get("anyOf") or [{}])[0]
        if "$ref" in described:
            described = document["components"]["schemas"][described["$ref"].rpartition("/")[2]]
        if isinstance(example, dict):
            assert set(described["properties"]) == set(described["required"]) == set(example)
            assert described["additionalProperties"] is False
            for name, value in example.items():
                keys(described["properties"][name], value)
        elif isinstance(example, list):
            keys(described["items"], example[0])

    keys(document["components"]["schemas"][component], golden(sample)["data"])


def test_refused_states_are_described(document: dict[str, Any]) -> None:
    confirm = document["paths"]["/candidate/interviews/{interviewId}/confirm"]["put"]["responses"]
    for name in ("error-400", "error-403", "error-404"):
        sample = golden(name)
        assert sample["message"] in confirm[str(sample["statusCode"])]["description"]


def test_fault_is_described_once(document: dict[str, Any]) -> None:
    fault = document["components"]["responses"]["Fault"]
    assert fault["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    assert fault["headers"] == {
        "Error-Code": {"schema": {"enum": ["internal_server_error"]}, "required": True},
        "X-Request-Id": {"schema": {"type": "string"}, "required": True},
    }


def test_errors_come_from_the_classes_of_the_contract(app: Flask, document: dict[str, Any]) -> None:
    contracts = {view.__name__: contract_of(view) for view in app.view_functions.values()}
    errors = 0
    for item in document["paths"].values():
        for operation in item.values():
            contract = contracts[operation["operationId"]]
            for error in contract.errors if contract else ():
                response = operation["responses"][str(error.status)]
                assert (error.description or error.message) in response["description"]
                errors += 1
    assert errors > 50


def test_servers_name_the_public_url() -> None:
    settings = {"DATABASE_URL": "postgresql://never-asked", "PUBLIC_URL": "https://interviews.example"}
    app = create_app(SECRETS | settings)
    document = app.test_client().get("/openapi.json").get_json()
    assert document["servers"] == [{"url": "https://interviews.example"}]


@pytest.mark.parametrize("after", ["-1", str(2**63), "x", ""])
def test_a_wrong_query_of_the_updates_comes_before_the_missing_upgrade(
    after: str, client: FlaskClient, document: dict[str, Any]
) -> None:
    response = client.get("/candidate/interviews/updates", query_string={"after": after})
    assert response.status_code == 400
    assert list(response.get_json()["details"]) == ["after"]
    operation = document["paths"]["/candidate/interviews/updates"]["get"]
    (parameter,) = operation["parameters"]
    assert parameter["schema"] == {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    assert "comes before the 426" in operation["responses"]["400"]["description"]


def test_tags_have_an_order_and_a_sentence(document: dict[str, Any]) -> None:
    names = [tag["name"] for tag in document["tags"]]
    assert names[0] == "candidate-interviews"
    assert set(names) == {
        name for item in document["paths"].values() for operation in item.values() for name in operation["tags"]
    }
    assert all(re.fullmatch(r"[A-Z].{20,}\.", tag["description"]) for tag in document["tags"])


def test_docs_page_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    with client.get("/docs") as page:
        text = page.text
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"https?:|//", text)
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "init.js"):
        assert f"/docs/{asset}" in text
        with client.get(f"/docs/{asset}") as response:
            assert response.status_code == 200

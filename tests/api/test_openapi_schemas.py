"""The JSON Schemas of the OpenAPI document: valid, named, and with the limits that validators demand."""

import json
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest
from flask.testing import FlaskClient
from marshmallow import Schema, ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator

from interviews_api.accounts.models import Role
from interviews_api.accounts.schemas import NewCandidate, NewCompanyDetails
from interviews_api.events.models import PUBLISHED_TYPES, EventActor, EventType
from interviews_api.hiring.models import ApplicationStatus
from interviews_api.hiring.schemas import NewJob
from interviews_api.interviews.candidate_schemas import Reason, RescheduleWish
from interviews_api.interviews.company_schemas import Cancellation, Reschedule
from interviews_api.interviews.models import Actor, InterviewStatus, InterviewType
from interviews_api.notifications.models import Channel, DeliveryStatus
from interviews_api.notifications.schemas import SubscriptionKeys
from tests.support.error_codes import documented_codes
from tests.support.openapi import is_valid
from tests.support.typed_texts import LINKS, NAMES, NO_LINKS, NO_NAMES, TURNED_NAMES

INSTANTS = (
    "2999-05-15T09:00:00Z", "2999-05-15T09:00:00.0000000Z", "2999-05-15t09:00:00.123456789z",
    "2999-05-15T09:00:00.1+05:30", "2999-12-31T23:59:60Z", "2999-05-15T09:00:61Z", "2999-05-15 09:00:00Z",
    "2999-05-15T24:00:00Z", "2999-05-15T09:00:00.Z", "2999-05-15T09:00Z", "2999-05-15T09:00:00",
    "2999-05-15T09:00:00+24:00",
)  # fmt: skip
CONTROLS = tuple(map(chr, (*range(1, 0x20), *range(0x7F, 0xA0))))
OTHER_BLANKS = ("\x1c", "\x1f", "\x85", "\u2003", "\ufeff", "\n")


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").get_json()
    return document


def objects(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for item in node:
            yield from objects(item)


def request_objects(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects of parameters and request bodies, and of the components that they refer to."""
    todo: list[Any] = [
        operation.get(part, {})
        for item in document["paths"].values()
        for operation in item.values()
        for part in ("parameters", "requestBody")
    ]
    references: set[str] = set()
    while todo:
        for node in objects(todo.pop()):
            yield node
            reference = node.get("$ref")
            if isinstance(reference, str) and reference not in references:
                references.add(reference)
                _, _, kind, name = reference.split("/")
                todo.append(document["components"][kind][name])


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    types = [node["type"] for node in objects(document) if isinstance(node.get("type"), list)]
    assert all(len(set(names)) == len(names) for names in types)
    assert "readOnly" not in json.dumps(document)


def test_each_body_has_a_schema(document: dict[str, Any]) -> None:
    bodies = [node["requestBody"] for node in objects(document["paths"]) if "requestBody" in node]
    media_types = [media_type for body in bodies for media_type in body["content"].values()]
    assert len(media_types) > len(bodies)  # a form, too
    assert all("schema" in media_type for media_type in media_types)


@pytest.mark.parametrize(
    "enum",
    [InterviewStatus, InterviewType, ApplicationStatus, Role, Actor, EventActor, EventType, Channel, DeliveryStatus],
)
def test_an_enumeration_is_a_component(enum: type[StrEnum], document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas[enum.__name__] == {"type": "string", "enum": [member.value for member in enum]}
    assert f"#/components/schemas/{enum.__name__}" in json.dumps(document)


def test_webhooks_have_a_type_of_their_own(document: dict[str, Any]) -> None:
    assert set(document["components"]["schemas"]["ChangeType"]["enum"]) == PUBLISHED_TYPES


def test_shared_shapes_are_not_repeated(document: dict[str, Any]) -> None:
    """But each error lists its own codes, and some errors have the same."""
    error_codes = set(map(json.dumps, documented_codes(document).values()))
    enums = Counter(json.dumps(node["enum"]) for node in objects(document) if "enum" in node and "$ref" not in node)
    token_type = json.dumps(["Bearer"])
    actors = json.dumps(["candidate", "company"])  # of Role and of Actor
    assert {enum for enum, count in enums.items() if count > 1} - error_codes == {token_type, actors}
    shared = document["components"]["schemas"]
    for name in ("Limit", "Skip", "Rating", "DurationMinutes"):
        limits = {key: shared[name][key] for key in ("minimum", "maximum")}
        assert [node for node in objects(document) if limits.items() <= node.items()] == [shared[name]]
    for name in ("Id", "Instant", "LocalDate", "LocalTime"):
        pattern = shared[name]["pattern"]
        assert [node for node in objects(document) if node.get("pattern") == pattern] == [shared[name]]


def test_each_string_of_a_request_excludes_nul(document: dict[str, Any]) -> None:
    strings = [node for node in request_objects(document) if node.get("type") in ("string", ["string", "null"])]
    assert len(strings) > 40
    for schema in strings:
        patterns = {"type": "string", **{key: schema[key] for key in ("pattern", "enum") if key in schema}}
        assert not is_valid(document, patterns, "a\0b"), schema


def test_queries_are_never_null(document: dict[str, Any]) -> None:
    queries = [node for node in request_objects(document) if node.get("in") == "query"]
    assert len(queries) > 20
    assert not [node for node in queries if "null" in json.dumps(node)]


@pytest.mark.parametrize(
    ("schema", "key", "value"),
    [
        *((NewJob, "title", text) for text in ("", "a", "a" * 200, "a" * 201, "\na\n", *OTHER_BLANKS)),
        *((NewJob, "title", text) for text in (*NAMES, *NO_NAMES, *TURNED_NAMES, "a" * 200 + "\u202e")),
        *((NewCandidate, "firstName", text) for text in (*NAMES, *NO_NAMES, *TURNED_NAMES, "a" * 201)),
        *((Cancellation, "cancellationReason", text) for text in ("a", " \u2066\u2069", "\u202e", "\u202ea", " ")),
        *((Reason, "reason", text) for text in ("", "a\nb", "a" * 2000, "a" * 2001, None)),
        *((Cancellation, "cancellationReason", text) for text in ("", "\u2003", "a\nb", "\x01a\x7f")),
        *((Cancellation, "cancellationReason", text) for text in (*CONTROLS, "".join(CONTROLS), "\u00a0", "\ufeff")),
        *((NewCompanyDetails, "logo", f"https://{text}") for text in ("", "a", "a b", *OTHER_BLANKS)),
        *((NewCompanyDetails, "logo", text) for text in (*LINKS, *NO_LINKS)),
        *((NewCompanyDetails, "timeZone", text) for text in ("UTC", "Asia/Kolkata", "Asia/Nowhere", "utc")),
        *((Reschedule, "timeZone", text) for text in ("europe/paris", "ETC/gmt+5", "etc/gmt 5", "Factory", "factory")),
        *((Reschedule, "timeZone", text) for text in ("Asia/To\u212ayo", "Romance Standard Time", "UTC ", "", None)),
        *((RescheduleWish, "proposedTimes", [text]) for text in INSTANTS),
        *((Reschedule, "date", text) for text in ("1900-12-31", "1901-01-01", "9998-12-31", "9999-01-01", "2025-5-1")),
        *((Reschedule, "time", text) for text in ("00:00", "23:59", "24:00", "9:00")),
        *((Reschedule, "durationMinutes", number) for number in (4, 5, 1440, 1441, "60", 60.0, 60.5, None)),
        *((SubscriptionKeys, "auth", text) for text in ("A" * 22, "A" * 22 + "==", "A" * 21, "A" * 24, "+" * 22)),
    ],
)
def test_the_document_allows_what_validators_accept(
    schema: type[Schema], key: str, value: object, document: dict[str, Any]
) -> None:
    described = document["components"]["schemas"][schema.__name__]["properties"][key]
    try:
        schema(only=[next(name for name, field in schema().fields.items() if field.data_key == key)]).load({key: value})
    except ValidationError:
        assert not is_valid(document, described, value)
    else:
        assert is_valid(document, described, value)

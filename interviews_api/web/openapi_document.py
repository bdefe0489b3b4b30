"""The OpenAPI 3.1 document of an application, built from its routes and their contracts."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from importlib.metadata import version

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import current_app
from marshmallow import Schema

from interviews_api.config import Settings
from interviews_api.services import service
from interviews_api.web.fields import CamelSchema, camel_case
from interviews_api.web.openapi_operations import PATH_ARGUMENT, add_shared_parts, operation_object
from interviews_api.web.openapi_schemas import JsonObject, add_schemas, forbid_nul, require_any_key, require_every_key
from interviews_api.web.route_contract import contract_of

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, kw_only=True)
class WebhookDescription:
    """A webhook: the OpenAPI operation of its request, with marshmallow schemas, and the schema of its payload."""

    operation: JsonObject
    payload: Schema


@dataclass(frozen=True, kw_only=True)
class ApiDescription:
    """The introduction, tags and webhooks of the document.

    `text` is the introduction in Markdown. `tags` has a sentence for each blueprint in the order of the document, and
    `webhooks` maps names to descriptions.
    """

    text: str
    tags: Mapping[str, str]
    webhooks: Mapping[str, WebhookDescription] = field(default_factory=dict)


def build_document() -> JsonObject:
    """Return the OpenAPI document of the current application."""
    description = service(ApiDescription)
    plugin = MarshmallowPlugin(schema_name_resolver=_component_name)
    spec = APISpec(
        title="Candidate interviews API",
        version=version("interviews-api"),
        openapi_version="3.1.0",
        plugins=[plugin],
        info={"license": {"name": "MIT", "identifier": "MIT"}, "description": description.text},
        servers=[{"url": service(Settings).public_url}],
        tags=[{"name": name, "description": sentence} for name, sentence in description.tags.items()],
        webhooks={},
    )
    for scheme in ("accessToken", "refreshToken"):
        spec.components.security_scheme(scheme, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    add_schemas(spec, plugin.converter)  # type: ignore[arg-type]  # APISpec has set it
    add_shared_parts(spec)
    responses = _add_routes(spec) + [webhook.payload for webhook in description.webhooks.values()]
    for name, webhook in description.webhooks.items():
        operations = {"post": deepcopy(webhook.operation)}
        plugin.operation_helper(operations=operations)
        spec.options["webhooks"][name] = operations
    document: JsonObject = spec.to_dict()
    for schema in responses:
        require_every_key(document, schema)
    for view in current_app.view_functions.values():
        if (contract := contract_of(view)) and isinstance(contract.body, CamelSchema):
            require_any_key(document, contract.body)
    forbid_nul(document)
    return document


def _component_name(schema: Schema | type[Schema]) -> str:
    return schema.__name__ if isinstance(schema, type) else type(schema).__name__


def _add_routes(spec: APISpec) -> list[Schema]:
    """Add the path of each route, and return the schemas of the responses.

    The WebSocket is part of the route that answers clients without an upgrade.
    """
    responses: list[Schema] = []
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.websocket:
            continue
        view = current_app.view_functions[rule.endpoint]
        path = PATH_ARGUMENT.sub(lambda match: f"{{{camel_case(match[1])}}}", rule.rule)
        for method in _METHODS:
            if method in (rule.methods or ()):
                spec.path(path, operations={method.lower(): operation_object(rule, view)})
        if contract := contract_of(view):
            responses += contract.schemas
            responses += [schema for outcome in contract.outcomes.values() for schema in outcome.schemas]
    return responses

"""`/openapi.json`, generated from the routes and their schemas, and `/docs`, which shows it without the internet."""

import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flask_swagger_ui
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response, current_app, request, send_from_directory
from marshmallow import Schema, fields
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import AnyConverter, Rule

from interviews_api.ids import ID_PATTERN
from interviews_api.web.error_responses import json_response
from interviews_api.web.fields import Instant, WallTime, camel_case
from interviews_api.web.http import FORM, IdConverter
from interviews_api.web.route_contract import RouteContract, contract_of

blueprint = Blueprint("openapi", __name__)

_OWN = Path(__file__).parent / "swagger"
_SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = {"text/html": {"schema": {"type": "string"}}}
_METHODS = ("GET", "POST", "PUT", "DELETE")


class _ErrorBody(Schema):
    """Every failure."""

    statusCode = fields.Integer(required=True)  # the wire's own spelling
    message = fields.String(required=True)
    error = fields.String(required=True, metadata={"description": "The HTTP reason phrase."})


class _InputErrorBody(_ErrorBody):
    """What is wrong with a query or body, by dotted field name."""

    details = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))


def init_app(app: Flask, description: str) -> None:
    """Set the text (Markdown) that introduces the document."""
    app.extensions["api_description"] = description


@blueprint.get("/openapi.json")
def show_description() -> Response:
    """This API, described by OpenAPI 3.1."""
    extensions = current_app.extensions  # the routes of an application stay as they are: described once
    if "openapi" not in extensions:
        extensions["openapi"] = describe_api()
    return json_response(extensions["openapi"])


@blueprint.get("/docs")
def show_docs() -> Response:
    """The description as a page to read and to try."""
    page = _send_file(_OWN, "index.html")
    page.headers["Content-Security-Policy"] = _POLICY
    return page


@blueprint.get('/docs/<any("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "init.js"):name>')
def show_docs_asset(name: str) -> Response:
    """What the page is made of."""
    return _send_file(_OWN if name == "init.js" else _SWAGGER_UI, name)


def _send_file(folder: Path, name: str) -> Response:
    """The file; If-Match guards writes, so it is ignored (Werkzeug answers 412 even to `*`, with the file as body)."""
    return send_from_directory(folder, name, conditional="If-Match" not in request.headers)


def describe_api() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the current application."""
    plugin = MarshmallowPlugin(schema_name_resolver=_component_name)
    spec = APISpec(
        title="Candidate interviews API",
        version=version("interviews-api"),
        openapi_version="3.1.0",
        plugins=[plugin],
        info={
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": current_app.extensions["api_description"],
        },
    )
    map_type: Callable[[type[fields.Field[Any]], str, str | None], None] = plugin.map_to_openapi_type
    map_type(Instant, "string", "date-time")
    map_type(WallTime, "string", None)
    for scheme in ("accessToken", "refreshToken"):
        spec.components.security_scheme(scheme, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    spec.components.schema("Error", schema=_ErrorBody)
    spec.components.schema("InputError", schema=_InputErrorBody)
    spec.components.response("Fault", _refusal(500, "A fault of ours; its cause is in the log under the id"))
    answered: list[Schema] = []
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.websocket:  # described by the route that answers who does not upgrade
            continue
        view = current_app.view_functions[rule.endpoint]
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda match: f"{{{camel_case(match[1])}}}", rule.rule)
        for method in _METHODS:
            if method in (rule.methods or ()):
                spec.path(path, operations={method.lower(): _describe(rule, view)})
        if contract := contract_of(view):
            answered += contract.data
    document = spec.to_dict()
    _require_every_key(document, answered)
    return document


def _component_name(schema: Any) -> str:
    return schema.__name__ if isinstance(schema, type) else type(schema).__name__


def _describe(rule: Rule, view: Any) -> dict[str, Any]:
    contract = contract_of(view)
    described: dict[str, Any] = {
        "operationId": view.__name__,
        "summary": view.__doc__.split("\n")[0],
        "tags": [rule.endpoint.split(".")[0]],
        "parameters": [_describe_path(rule, name) for name in rule.arguments],
        "responses": {},
    }
    if contract is None:
        described["responses"] = _file_responses(rule)
    elif contract.upgrade is not None:
        described["parameters"].append({"in": "query", "schema": contract.upgrade})
        described["responses"] = _upgrade_responses()
    else:
        _describe_operation(described, contract)
    described["responses"]["500"] = "Fault"
    return described


def _upgrade_responses() -> dict[str, Any]:
    refusals = {400: "Invalid query or handshake", 426: "Not a WebSocket handshake", 503: "No room, or no database"}
    switching = {"101": {"description": "Switching Protocols: the changes follow as JSON texts"}}
    return switching | {str(status): _refusal(status, when) for status, when in refusals.items()}


def _file_responses(rule: Rule) -> dict[str, Any]:
    found = {"200": {"description": "The file", "content": {_media_type(rule): {}}}}
    return found | ({"404": _refusal(404, "There is no such file")} if rule.arguments else {})


def _describe_operation(described: dict[str, Any], operation: RouteContract) -> None:
    if operation.query is not None:
        described["parameters"].append({"in": "query", "schema": operation.query})
    described["parameters"] += [
        {"in": "header", "name": name, "schema": {"type": "string"}, "description": what}
        for name, what in _request_headers(operation).items()
    ]
    if operation.body is not None:
        described["requestBody"] = {
            "required": any(field.required for field in operation.body.fields.values()),
            "content": {"application/json": {"schema": operation.body}} | ({FORM: {}} if operation.page else {}),
        }
    if operation.role is not None:
        described["security"] = [{operation.security_scheme: []}]
    described["responses"] = {str(operation.status): _answer(operation)}
    if operation.has_etag:
        described["responses"]["304"] = {"description": "Not Modified: If-None-Match names what is still true"}
    for status, when in sorted(_errors(operation).items()):
        described["responses"][str(status)] = _refusal(status, when, has_page=operation.page is not None)


def _request_headers(operation: RouteContract) -> dict[str, str]:
    headers = {}
    if operation.has_etag:
        headers["If-None-Match"] = "The ETag of what one has: answered with 304 while it is true."
    if operation.if_match:
        headers["If-Match"] = "The ETag of what one saw: answered with 412 when it is true no longer."
    if operation.is_idempotent:
        headers["Idempotency-Key"] = (
            "Of one's choice: the same request again is answered with the first reply, for 24 h."
        )
    return headers


def _media_type(rule: Rule) -> str:
    if "name" in rule.arguments:
        return "*/*"
    return "application/json" if rule.rule.endswith(".json") else "text/html"


def _describe_path(rule: Rule, name: str) -> dict[str, Any]:
    converter = rule._converters[name]
    schema: dict[str, Any] = {"type": "string"}
    if isinstance(converter, IdConverter):
        schema["pattern"] = ID_PATTERN
    elif isinstance(converter, AnyConverter):
        schema["enum"] = sorted(converter.items)
    return {"in": "path", "name": camel_case(name), "required": True, "schema": schema}


def _answer(operation: RouteContract) -> dict[str, Any]:
    etag = {"ETag": {"schema": {"type": "string"}, "required": True}} if operation.has_etag else {}
    if operation.file is not None:
        return {"headers": etag, "description": operation.message, "content": {operation.file: {}}}
    schemas = list(operation.data)
    return {
        "headers": etag,
        "description": operation.message,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "message": {"const": operation.message},
                        "data": schemas[0] if len(schemas) == 1 else {"oneOf": schemas},
                    },
                    "required": ["message", "data"],
                    "additionalProperties": False,
                }
            }
        }
        | (_PAGE if operation.page else {}),
    }


def _errors(operation: RouteContract) -> dict[int, str]:
    errors = {503: "The database is away or busy"} if operation.needs_database else {}
    if operation.role is not None:
        errors[401] = "No token, or not a good one"
    if operation.role not in (None, "any"):
        errors[403] = f"{operation.role.capitalize()} credentials required"
    if operation.query is not None or operation.body is not None:
        errors[400] = "Invalid query or body"
    if operation.body is not None:
        errors |= {413: "The body is larger than 64 KiB", 415: "The body is not JSON"}
    if operation.if_match:
        errors[412] = "If-Match names what is true no longer"
    if operation.is_idempotent:
        errors |= {
            409: "A request with this Idempotency-Key is still running",
            422: "This Idempotency-Key was used with another body",
        }
    for error in operation.errors:
        when = error.description or error.message
        errors[error.status] = f"{errors[error.status]}; or: {when}" if error.status in errors else when
    return errors


def _refusal(status: int, when: str, *, has_page: bool = False) -> dict[str, Any]:
    schema = "InputError" if status == 400 else "Error"
    described: dict[str, Any] = {
        "description": f"{HTTP_STATUS_CODES[status]}: {when}",
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
        | (_PAGE if has_page else {}),
    }
    if status == 401:
        described["headers"] = {"WWW-Authenticate": {"schema": {"const": "Bearer"}, "required": True}}
    if status == 500:
        described["headers"] = {"X-Request-Id": {"schema": {"type": "string"}, "required": True}}
    if status in (429, 503):
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
    return described


def _require_every_key(document: dict[str, Any], answered: list[Schema]) -> None:
    """An answer has all of its schema's keys; marshmallow's `required` speaks of requests alone."""
    for schema in answered:
        name = type(schema).__name__
        if not getattr(schema, "has_optional_parts", False):
            described = document["components"]["schemas"][name]
            described["required"] = list(described.get("properties", {}))
        for field in schema.fields.values():
            inner = field.inner if isinstance(field, fields.List) else field
            if isinstance(inner, fields.Nested):
                _require_every_key(document, [inner.schema])

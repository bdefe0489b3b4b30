"""Operation Objects of the OpenAPI document: parameters, request body and responses of a route, from its contract."""

import re
from collections.abc import Iterator

from apispec import APISpec
from marshmallow import Schema
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import AnyConverter, Rule

from interviews_api.errors import (
    ApiError,
    BodyTooLarge,
    InputRefused,
    InvalidInput,
    PreconditionFailed,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)
from interviews_api.web.error_responses import ERROR_CODE, status_code_name
from interviews_api.web.fields import camel_case
from interviews_api.web.http import FORM, IdConverter
from interviews_api.web.openapi_schemas import JsonObject, schema_reference
from interviews_api.web.route_contract import IDEMPOTENCY_KEY_PATTERN, RouteContract, View, contract_of
from interviews_api.web.text_rules import NO_NUL_PATTERN

PATH_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
"""An argument in the path of a werkzeug rule. The group is its name."""

_PAGE = {"text/html": {"schema": {"type": "string"}}}
_REQUEST_HEADERS = {
    "If-None-Match": ("The ETag of the client's copy; 304 while it is current.", NO_NUL_PATTERN),
    "If-Match": ("The ETag that the client read; 412 if it is no longer current.", NO_NUL_PATTERN),
    "Idempotency-Key": (
        "A key of the client's choice; a repeated request gets the first response, for 24 h.",
        f"^{IDEMPOTENCY_KEY_PATTERN}$",
    ),
}
_SHARED_ERRORS: dict[type[ApiError], str] = {
    Unauthorized: "No token, or not a good one",
    BodyTooLarge: "The body is larger than 64 KiB",
    UnsupportedMediaType: "The body is compressed, or not of a type that the route takes",
    ServiceUnavailable: "The database is away or busy",
}
_FAULT = "A fault of ours; its cause is in the log under the id"
_ERROR_COMPONENTS = {
    401: "Unauthorized",
    413: "BodyTooLarge",
    415: "UnsupportedMediaType",
    500: "Fault",
    503: "Unavailable",
}


def add_shared_parts(spec: APISpec) -> None:
    """Add the parameters, headers and responses that many operations refer to."""
    for name, (description, pattern) in _REQUEST_HEADERS.items():
        parameter = {"name": name, "description": description, "schema": {"type": "string", "pattern": pattern}}
        spec.components.parameter(_component(name), "header", parameter)
    spec.components.header("ETag", {"schema": {"type": "string"}, "required": True})
    for error, description in _SHARED_ERRORS.items():
        response = _error_response(error.status, description, {error.code})
        spec.components.response(_ERROR_COMPONENTS[error.status], response)
    spec.components.response(_ERROR_COMPONENTS[500], _error_response(500, _FAULT, {status_code_name(500)}))


def _component(header: str) -> str:
    return header.replace("-", "")


def operation_object(rule: Rule, view: View) -> JsonObject:
    """Return the Operation Object of a view; marshmallow schemas and names of components stand in it."""
    contract = contract_of(view)
    operation: JsonObject = {
        "operationId": view.__name__,
        "summary": (view.__doc__ or "").split("\n")[0],
        "tags": [rule.endpoint.split(".")[0]],
        "parameters": [_path_parameter(rule, name) for name in PATH_ARGUMENT.findall(rule.rule)],
    }
    if contract is None:
        operation["responses"] = _file_responses(rule)
    elif contract.socket_query is not None:
        operation["parameters"].append({"in": "query", "schema": contract.socket_query})
        operation["responses"] = _upgrade_responses()
    else:
        operation["parameters"] += _parameters(contract)
        operation |= _request_body(contract)
        operation["responses"] = _responses(contract)
        if contract.role is not None:
            operation["security"] = [{contract.security_scheme: []}]
    operation["responses"]["500"] = _ERROR_COMPONENTS[500]
    return operation


def _upgrade_responses() -> JsonObject:
    errors = {
        400: (
            "Invalid query or handshake; an invalid query comes before the 426",
            {InvalidInput.code, status_code_name(400)},
        ),
        426: ("Not a WebSocket handshake", {status_code_name(426)}),
        503: ("No room, or no database", {ServiceUnavailable.code}),
    }
    switching = {"101": {"description": "Switching Protocols: the changes follow as JSON texts"}}
    return switching | {str(status): _error_response(status, *error) for status, error in errors.items()}


def _file_responses(rule: Rule) -> JsonObject:
    responses: JsonObject = {"200": {"description": "The file", "content": {_media_type(rule): {}}}}
    not_found = _error_response(404, "There is no such file", {status_code_name(404)})
    return responses | ({"404": not_found} if rule.arguments else {})


def _media_type(rule: Rule) -> str:
    if "name" in rule.arguments:
        return "*/*"
    return "application/json" if rule.rule.endswith(".json") else "text/html"


def _path_parameter(rule: Rule, name: str) -> JsonObject:
    converter = rule._converters[name]
    schema: JsonObject = {"type": "string", "minLength": 1, "pattern": r"^[^/\u0000]+$"}
    if isinstance(converter, IdConverter):
        schema = schema_reference("Id")
    elif isinstance(converter, AnyConverter):
        schema = {"type": "string", "enum": sorted(converter.items)}
    return {"in": "path", "name": camel_case(name), "required": True, "schema": schema}


def _parameters(contract: RouteContract) -> list[str | JsonObject]:
    """Return the query, and the names of the request headers' components."""
    query: list[str | JsonObject] = [{"in": "query", "schema": contract.query}] if contract.query else []
    headers = {
        "If-None-Match": contract.has_etag,
        "If-Match": contract.if_match_read is not None,
        "Idempotency-Key": contract.is_idempotent,
    }
    return query + [_component(name) for name, is_read in headers.items() if is_read]


def _request_body(contract: RouteContract) -> JsonObject:
    if contract.body is None:
        return {}
    ignored = {"type": "object", "description": "Fields of a form are ignored."}
    form = {FORM: {"schema": contract.form or ignored}}
    is_required = any(field.required for field in contract.body.fields.values())
    content: JsonObject = {"application/json": {"schema": contract.body}} | (form if contract.has_page else {})
    return {"requestBody": {"required": is_required, "content": content}}


def _responses(contract: RouteContract) -> JsonObject:
    responses: JsonObject = {str(contract.status): _success(contract)}
    responses |= {str(status): _success(outcome) for status, outcome in contract.outcomes.items()}
    if contract.see_other:
        location = {"Location": {"schema": {"type": "string"}, "required": True}}
        responses["303"] = {"description": "See Other: the page that shows the change", "headers": location}
    if contract.has_etag:
        responses["304"] = {"description": "Not Modified: If-None-Match names the current ETag"}
    for status, (description, codes) in sorted(_errors_by_status(contract).items()):
        if description in _SHARED_ERRORS.values() and not contract.has_page:
            responses[str(status)] = _ERROR_COMPONENTS[status]
        else:
            responses[str(status)] = _error_response(status, description, codes, has_page=contract.has_page)
    return responses


def _success(contract: RouteContract) -> JsonObject:
    """Return the Response Object of a success."""
    content: JsonObject
    if contract.media_type is not None:
        content = {contract.media_type: {}}
    else:
        content = {"application/json": {"schema": _envelope(contract.message, list(contract.schemas))}}
        content |= _PAGE if contract.html else {}
    headers = {"ETag": "ETag"} if contract.has_etag else {}
    return {"headers": headers, "description": contract.message, "content": content}


def _envelope(message: str, schemas: list[Schema]) -> JsonObject:
    data = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {
        "type": "object",
        "properties": {"message": {"const": message}, "data": data},
        "required": ["message", "data"],
        "additionalProperties": False,
    }


def _errors_by_status(contract: RouteContract) -> dict[int, tuple[str, set[str]]]:
    """Return the description and the error codes of a route's errors, by status."""
    by_status: dict[int, tuple[str, set[str]]] = {}
    for error, text in _errors(contract):
        earlier, codes = by_status.get(error.status, ("", set()))
        by_status[error.status] = "; or: ".join(filter(None, (earlier, text))), codes | {error.code}
    return by_status


def _errors(contract: RouteContract) -> Iterator[tuple[type[ApiError], str]]:
    """Yield a route's errors and their descriptions; "" for an error that the one before it describes."""
    shared: set[type[ApiError]] = {ServiceUnavailable} if contract.needs_database else set()
    if contract.role is not None:
        shared.add(Unauthorized)
    if contract.query is not None or contract.body is not None:
        yield InvalidInput, "Invalid query or body"
    if contract.body is not None:
        yield InputRefused, ""
        shared |= {BodyTooLarge, UnsupportedMediaType}
    if contract.if_match_read:
        yield PreconditionFailed, "If-Match names an ETag that is no longer current"
    if contract.limits:
        counted = "; ".join(f"{limit.counted} (`{limit.name}`)" for limit in contract.limits)
        yield TooManyRequests, f"{TooManyRequests.message}. Counted are {counted}"
    yield from ((error, text) for error, text in _SHARED_ERRORS.items() if error in shared)
    yield from ((error, error.description or error.message) for error in contract.errors)


def _error_response(status: int, description: str, codes: set[str], *, has_page: bool = False) -> JsonObject:
    """Return the Response Object of an error."""
    schema = schema_reference("InputError" if status == 400 else "Error")
    headers: JsonObject = {ERROR_CODE: {"schema": {"enum": sorted(codes)}, "required": True}}
    if status == 401:
        headers["WWW-Authenticate"] = {"schema": {"const": "Bearer"}, "required": True}
    if status == 500:
        headers["X-Request-Id"] = {"schema": {"type": "string"}, "required": True}
    if status in (429, 503):
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds"}
    return {
        "description": f"{HTTP_STATUS_CODES[status]}: {description}",
        "headers": headers,
        "content": {"application/json": {"schema": schema}} | (_PAGE if has_page else {}),
    }

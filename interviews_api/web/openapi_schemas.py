"""JSON Schemas of the OpenAPI document: named components of fields, and what apispec leaves out."""

from collections.abc import Iterator
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from interviews_api.errors import MAX_DETAILS
from interviews_api.ids import ID_PATTERN
from interviews_api.web.fields import (
    TIME_PATTERN,
    CamelSchema,
    Instant,
    LocalDate,
    LocalTime,
    WallTime,
)
from interviews_api.web.text_rules import NO_NUL_PATTERN
from interviews_api.web.zone_names import zone_name_schema

JsonObject = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_LATER_YEARS = "[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8]"  # up to 9998
_YEAR = f"(19[0-9]{{2}}|{_LATER_YEARS})"
_DAY_YEAR = f"(190[1-9]|19[1-9][0-9]|{_LATER_YEARS})"
_INSTANT_PATTERN = (
    f"^{_YEAR}-[0-9]{{2}}-[0-9]{{2}}[Tt]{TIME_PATTERN}:([0-5][0-9]|60)([.][0-9]+)?([Zz]|[+-]{TIME_PATTERN})$"
)
_COMPONENTS: dict[str, JsonObject] = {
    "Id": {"type": "string", "pattern": ID_PATTERN},
    "Instant": {
        "type": "string",
        "format": "date-time",
        "pattern": _INSTANT_PATTERN,
        "description": "RFC 3339. Written in UTC with milliseconds and `Z`; what is read may have another form.",
    },
    "LocalDate": {"type": "string", "format": "date", "pattern": f"^{_DAY_YEAR}-[0-9]{{2}}-[0-9]{{2}}$"},
    "LocalTime": {"type": "string", "pattern": f"^{TIME_PATTERN}$"},
    "TimeZone": zone_name_schema(),
}
_COMPONENT_KEYS = ("type", "format", "pattern", "enum", "minimum", "maximum")
_FIELD_COMPONENTS: dict[type[fields.Field[Any]], str] = {
    Instant: "Instant",
    LocalDate: "LocalDate",
    LocalTime: "LocalTime",
    WallTime: "LocalTime",
}


class ErrorBody(Schema):
    """The body of every error."""

    statusCode = fields.Integer(required=True)  # the key of the responses
    message = fields.String(required=True)
    error = fields.String(required=True, metadata={"description": "The HTTP reason phrase."})


class InputErrorBody(ErrorBody):
    """The body of a 400; `details` has the problems of the first 50 fields, by dotted name."""

    details = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), metadata={"maxProperties": MAX_DETAILS}
    )


def schema_reference(name: str) -> JsonObject:
    """Return the reference to a component's schema."""
    return {"$ref": _SCHEMAS + name}


def add_schemas(spec: APISpec, converter: OpenAPIConverter) -> None:
    """Add the shared components, and make the converter refer fields to their components."""
    for name, schema in _COMPONENTS.items():
        spec.components.schema(name, dict(schema))
    spec.components.schema("Error", schema=ErrorBody)
    spec.components.schema("InputError", schema=InputErrorBody)
    converter.attribute_functions.remove(converter.field2read_only)  # says nothing that a response's schema does not
    converter.add_attribute_function(_refer_to_component)  # type: ignore[no-untyped-call]


def _refer_to_component(converter: OpenAPIConverter, field: fields.Field[Any], ret: JsonObject) -> JsonObject:
    """Return the reference that replaces the JSON Schema of a field that has a component; apispec calls it."""
    name = field.metadata.get("component") or _FIELD_COMPONENTS.get(type(field))
    if name is None:
        return {}
    schema = {key: ret.pop(key) for key in _COMPONENT_KEYS if key in ret}
    if isinstance(schema.get("type"), list):  # with null
        schema["type"] = schema["type"][0]
    choices = [str(choice) for choice in schema.pop("enum", []) if choice is not None]
    members = [str(member) for member in field.metadata.get("members", choices)]
    components = converter.spec.components
    if name not in components.schemas:
        components.schema(name, schema | ({"enum": members} if members else {}))
    narrowing = {"enum": choices} if choices != members else {}
    if field.allow_none:
        return {"anyOf": [schema_reference(name) | narrowing, {"type": "null"}]}
    return schema_reference(name) | narrowing


def require_every_key(document: JsonObject, schema: Schema) -> None:
    """Make all keys of a response's schema required; marshmallow's `required` is about requests."""
    if not (isinstance(schema, CamelSchema) and schema.has_optional_parts):
        component = document["components"]["schemas"][type(schema).__name__]
        component["required"] = list(component.get("properties", {}))
    for field in schema.fields.values():
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            require_every_key(document, inner.schema)


def require_any_key(document: JsonObject, schema: CamelSchema) -> None:
    """Say in a request's schema that one of the schema's keys `any_required` must be there and not be empty."""
    filled = {"type": "string", "minLength": 1}
    alternatives = [{"required": [key], "properties": {key: filled}} for key in schema.any_required]
    if alternatives:
        document["components"]["schemas"][type(schema).__name__]["anyOf"] = alternatives


def forbid_nul(document: JsonObject) -> None:
    """Give each string of a request a pattern without NUL, unless it has a pattern or an enumeration."""
    visited: set[str] = set()
    for path in document["paths"].values():
        for operation in path.values():
            request = [operation.get("parameters", []), operation.get("requestBody", {})]
            for schema in _reachable_objects(document, request, visited):
                is_string = schema.get("type") in ("string", ["string", "null"])
                if is_string and not schema.keys() & {"pattern", "enum", "const"}:
                    schema["pattern"] = NO_NUL_PATTERN


def _reachable_objects(document: JsonObject, node: object, visited: set[str]) -> Iterator[JsonObject]:
    """Yield the objects inside a node of the document and, once, those of the components that it refers to."""
    if isinstance(node, list):
        for item in node:
            yield from _reachable_objects(document, item, visited)
    elif isinstance(node, dict):
        yield node
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in visited:
            visited.add(reference)
            _, _, kind, name = reference.split("/")
            yield from _reachable_objects(document, document["components"][kind][name], visited)
        for value in list(node.values()):
            yield from _reachable_objects(document, value, visited)

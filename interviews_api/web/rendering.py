"""Response bodies: the value that a view returns, shaped by the schemas of its contract."""

from functools import cache
from typing import Any

import orjson
from marshmallow import Schema

from interviews_api.config import Settings
from interviews_api.db.pagination import Page
from interviews_api.services import service
from interviews_api.web.route_contract import RouteContract
from interviews_api.web.serializers import Serializer, serializer_for


def render(contract: RouteContract, value: Any) -> bytes:
    """Return the body that carries the value: JSON with `message` and `data`, or the bytes of a file."""
    if contract.media_type is not None:
        return bytes(value)
    schema, value = value if len(contract.schemas) > 1 else (contract.schemas[0], value)
    if isinstance(value, Page):
        value = value.as_mapping()
    serialize = _compiled(schema) if service(Settings).compiled_dump else schema.dump
    return orjson.dumps({"message": contract.message, "data": serialize(value)})


@cache  # bounded: one schema object for each route
def _compiled(schema: Schema) -> Serializer:
    return serializer_for(schema)

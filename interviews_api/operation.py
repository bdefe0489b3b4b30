"""`@operation`: what a route takes and answers, said once; the request goes through it and /openapi.json reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response
from marshmallow import Schema

from interviews_api.http import json_response, load_body, load_query

Handler = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A route's side of the contract. Where `data` has several schemas, the handler answers (schema, value)."""

    message: str
    data: tuple[Schema, ...]
    status: int
    query: Schema | None
    body: Schema | None
    errors: Mapping[int, str]
    headers: Mapping[str, str]
    needs_database: bool


def operation(
    message: str,
    *data: type[Schema],
    status: int = 200,
    query: type[Schema] | None = None,
    body: type[Schema] | None = None,
    errors: Mapping[int, str] | None = None,
    headers: Mapping[str, str] | None = None,
    needs_database: bool = True,
) -> Callable[[Handler], Handler]:
    """Load query and body for the handler, and dump its return value into `{"message", "data"}`.

    `errors` adds refusals (status and when) to those that follow from the route: 401, 403 and 404 from who may
    call it and what its path names, 400, 413 and 415 from what it takes, 503 from the database.
    """
    described = Operation(
        message=message,
        data=tuple(schema() for schema in data),
        status=status,
        query=query() if query else None,
        body=body() if body else None,
        errors=errors or {},
        headers=headers or {},
        needs_database=needs_database,
    )

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def handle(*args: Any, **kwargs: Any) -> Response:
            if described.query is not None:
                kwargs |= load_query(described.query)
            if described.body is not None:
                kwargs |= load_body(described.body)
            value = handler(*args, **kwargs)
            schema, value = value if len(described.data) > 1 else (described.data[0], value)
            payload = {"message": described.message, "data": schema.dump(value)}
            return json_response(payload, described.status, described.headers)

        handle.operation = described  # type: ignore[attr-defined]
        return handle

    return decorate

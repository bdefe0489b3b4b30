"""`@operation`: what a route takes and answers, said once; the request goes through it and /openapi.json reads it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
from flask import Response, request
from marshmallow import Schema

from interviews_api.errors import PreconditionFailed
from interviews_api.http import load_body, load_query, prefers_page

Handler = Callable[..., Any]
Page = Callable[[Any], str]


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
    has_etag: bool
    if_match: Handler | None
    page: Page | None
    file: str | None

    def answer(self, value: Any) -> bytes:
        """The body that says this."""
        if self.file is not None:
            return bytes(value)
        schema, value = value if len(self.data) > 1 else (self.data[0], value)
        return orjson.dumps({"message": self.message, "data": schema.dump(value)})


def operation(
    message: str,
    *data: type[Schema],
    status: int = 200,
    query: type[Schema] | None = None,
    body: type[Schema] | None = None,
    errors: Mapping[int, str] | None = None,
    headers: Mapping[str, str] | None = None,
    needs_database: bool = True,
    has_etag: bool = False,
    if_match: Handler | None = None,
    page: Page | None = None,
    file: str | None = None,
) -> Callable[[Handler], Handler]:
    """Load query and body for the handler, and dump its return value into `{"message", "data"}`.

    `errors` adds refusals (status and when) to those that follow from the route: 401, 403 and 404 from who may
    call it and what its path names, 400, 413 and 415 from what it takes, 503 from the database.
    `has_etag` gives a read an ETag and answers 304 to who has it already (RFC 9110, section 13.1.2).
    `if_match` names the read whose ETag the move honours; the handler is passed `check` (see `_if_match`).
    `file` is the media type of an answer that is no JSON: the handler's own bytes.
    `page` makes the answer of a route that is for browsers too: HTML unless JSON is asked for, and a form may post.
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
        has_etag=has_etag,
        if_match=if_match,
        page=page,
        file=file,
    )

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def handle(*args: Any, **kwargs: Any) -> Response:
            if described.query is not None:
                kwargs |= load_query(described.query)
            if described.body is not None:
                kwargs |= load_body(described.body, ignores_form=page is not None)
            if described.if_match is not None:
                kwargs["check"] = _if_match(described.if_match.operation)  # type: ignore[attr-defined]
            value = handler(*args, **kwargs)
            if page is not None and prefers_page():
                return Response(page(value), described.status, described.headers, mimetype="text/html")
            answer = described.answer(value)
            response = Response(answer, described.status, described.headers, mimetype=file or "application/json")
            return _with_etag(response, answer) if has_etag else response

        handle.operation = described  # type: ignore[attr-defined]
        return handle

    return decorate


def _etag(answer: bytes) -> str:
    """Changes with what is said, and with nothing else."""
    return hashlib.sha256(answer).hexdigest()[:32]


def _with_etag(response: Response, answer: bytes) -> Response:
    response.set_etag(_etag(answer))
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    if request.if_none_match.contains_weak(_etag(answer)):
        response.status_code = 304
        response.set_data(b"")
        del response.headers["Content-Type"], response.headers["Content-Length"]
    return response


def _if_match(shown: Operation) -> Callable[[Any], None] | None:
    """A check of what is stored now against the request's If-Match (RFC 9110, section 13.1.1); None without one."""
    if "If-Match" not in request.headers:
        return None
    wanted = request.if_match

    def check(value: Any) -> None:
        if not wanted.contains(_etag(shown.answer(value))):
            raise PreconditionFailed

    return check

"""`@operation`: what a route takes and answers, said once; the request goes through it and /openapi.json reads it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
from flask import current_app, request
from marshmallow import Schema
from werkzeug.datastructures import Headers

from interviews_api.cache import CachedResponse, Freshness, LRUCache, Version
from interviews_api.clock import now
from interviews_api.errors import PreconditionFailed
from interviews_api.web.error_responses import JSON
from interviews_api.web.flask_app import ApiResponse
from interviews_api.web.http import load_body, load_query, prefers_page
from interviews_api.web.serializers import Serializer, serializer_for

_OWN_ALONE = (("Cache-Control", "private, no-cache"), ("Vary", "Authorization"))

Handler = Callable[..., Any]
Page = Callable[[Any], str]


@dataclass(frozen=True)
class CachePolicy:
    """How a read of a viewer's own is kept: the present version of what it says, and how long an answer stands."""

    version: Callable[[Any], Version]
    validity: Callable[[Any], Freshness]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A route's side of the contract. Where `data` has several schemas, the handler answers (schema, value)."""

    message: str
    data: tuple[Schema, ...]
    dumps: Mapping[type[Schema], Serializer]
    status: int
    query: Schema | None
    body: Schema | None
    errors: Mapping[int, str]
    headers: Mapping[str, str]
    needs_database: bool
    has_etag: bool
    cache: CachePolicy | None
    if_match: Handler | None
    page: Page | None
    file: str | None

    def answer(self, value: Any) -> bytes:
        """The body that says this."""
        if self.file is not None:
            return bytes(value)
        schema, value = value if len(self.data) > 1 else (self.data[0], value)
        dump = self.dumps[type(schema)] if current_app.config["COMPILED_DUMP"] else schema.dump
        return orjson.dumps({"message": self.message, "data": dump(value)})


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
    cache: CachePolicy | None = None,
    if_match: Handler | None = None,
    page: Page | None = None,
    file: str | None = None,
) -> Callable[[Handler], Handler]:
    """Load query and body for the handler, and dump its return value into `{"message", "data"}`.

    `errors` adds refusals (status and when) to those that follow from the route: 401, 403 and 404 from who may
    call it and what its path names, 400, 413 and 415 from what it takes, 503 from the database.
    `has_etag` gives a read an ETag and answers 304 to who has it already (RFC 9110, section 13.1.2).
    `remembers` keeps the answer and gives it again while it stands (ADR 0019); the handler takes the viewer first.
    `if_match` names the read whose ETag the move honours; the handler is passed `check` (see `_if_match`).
    `file` is the media type of an answer that is no JSON: the handler's own bytes.
    `page` makes the answer of a route that is for browsers too: HTML unless JSON is asked for, and a form may post.
    """
    schemas = tuple(schema() for schema in data)
    described = Operation(
        message=message,
        data=schemas,
        dumps={type(schema): serializer_for(schema) for schema in schemas},
        status=status,
        query=query() if query else None,
        body=body() if body else None,
        errors=errors or {},
        headers=headers or {},
        needs_database=needs_database,
        has_etag=has_etag,
        cache=cache,
        if_match=if_match,
        page=page,
        file=file,
    )

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def handle(*args: Any, **kwargs: Any) -> ApiResponse:
            return _perform(described, handler, args, kwargs)

        handle.operation = described  # type: ignore[attr-defined]
        return handle

    return decorate


def _perform(shown: Operation, handler: Handler, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ApiResponse:
    """What the request says, the handler's answer to it, and how that is said."""
    if shown.query is not None:
        kwargs |= load_query(shown.query)
    if shown.body is not None:
        kwargs |= load_body(shown.body, ignores_form=shown.page is not None)
    if shown.if_match is not None:
        kwargs["check"] = _if_match(shown.if_match.operation)  # type: ignore[attr-defined]
    if shown.cache is not None and (memory := current_app.extensions.get("memory")):
        return _recall(memory, shown, shown.cache, handler, *args, **kwargs)
    value = handler(*args, **kwargs)
    if shown.page is not None and prefers_page():
        return ApiResponse(shown.page(value), shown.status, shown.headers, mimetype="text/html")
    answer = shown.answer(value)
    if shown.has_etag:
        return _with_etag(shown, _etag(answer), lambda: answer)
    return ApiResponse(answer, shown.status, shown.headers, mimetype=shown.file or JSON)


def _etag(answer: bytes) -> str:
    """Changes with what is said, and with nothing else."""
    return hashlib.sha256(answer).hexdigest()[:32]


def _recall(
    memory: LRUCache[CachedResponse], shown: Operation, cache: CachePolicy, handler: Handler, viewer: Any, **asked: Any
) -> ApiResponse:
    """What was answered before, if it stands; else the answer, which is kept."""
    key = (handler, viewer.user_id, *asked.values())
    kept = memory.get(key)
    if kept is not None and kept.is_fresh(cache.version(viewer), now()):
        return _with_etag(shown, kept.etag, lambda: kept.body)
    value = handler(viewer, **asked)
    answer = shown.answer(value)
    etag = _etag(answer)
    memory.put(key, CachedResponse(answer, etag, cache.validity(value)))
    return _with_etag(shown, etag, lambda: answer)


def _with_etag(shown: Operation, etag: str, answer: Callable[[], bytes]) -> ApiResponse:
    """The answer, or a 304 for who has it already (RFC 9110, section 13.1.2)."""
    headers = Headers([("ETag", f'"{etag}"'), *_OWN_ALONE, *shown.headers.items()])
    if "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains_weak(etag):
        return ApiResponse(None, 304, headers)
    return ApiResponse(answer(), 200, headers, mimetype=shown.file or JSON)


def _if_match(shown: Operation) -> Callable[[Any], None] | None:
    """A check of what is stored now against the request's If-Match (RFC 9110, section 13.1.1); None without one."""
    if "If-Match" not in request.headers:
        return None
    wanted = request.if_match

    def check(value: Any) -> None:
        if not wanted.contains(_etag(shown.answer(value))):
            raise PreconditionFailed

    return check

"""`@operation`: declare the contract of a view, and handle its requests by it."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from marshmallow import Schema

from interviews_api.cache import ResponseCache, Versioned
from interviews_api.errors import ApiError
from interviews_api.services import service
from interviews_api.web.conditional import etag_of, if_match_precondition, respond_with_etag
from interviews_api.web.error_responses import JSON
from interviews_api.web.http import load_body, load_query, prefers_page
from interviews_api.web.rendering import render
from interviews_api.web.response_cache import respond_from_cache
from interviews_api.web.responses import ApiResponse
from interviews_api.web.route_contract import (
    CachePolicy,
    Handler,
    Layer,
    RenderPage,
    RouteContract,
    contract_of,
    set_contract,
)


def operation(
    message: str,
    *data: type[Schema],
    query: type[Schema] | None = None,
    body: type[Schema] | None = None,
    if_match: Handler | None = None,
    errors: tuple[type[ApiError], ...] = (),
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    needs_database: bool = True,
    has_etag: bool = False,
    cache: CachePolicy | None = None,
    page: RenderPage | None = None,
    file: str | None = None,
) -> Callable[[Handler], Handler]:
    """Load query and body for the handler, and render its return value into `{"message", "data"}`.

    `errors` adds refusals to those that follow from the route: 401 and 403 of its role, 400, 413 and 415 of its input,
    503 of the database. `has_etag` gives a read an ETag and answers 304 to If-None-Match.
    `cache` caches the responses of a handler that takes the viewer first and returns a Versioned.
    `if_match` names the view of the read whose ETag a transition honours; the handler gets a `precondition` argument.
    `page` renders HTML for clients that do not ask for JSON; such a route takes HTML forms, too.
    `file` is the media type of a response that is no JSON: the handler returns its bytes.
    """
    contract = RouteContract(
        layer=Layer.OPERATION,
        message=message,
        data=tuple(schema() for schema in data),
        status=status,
        query=query() if query else None,
        body=body() if body else None,
        errors=errors,
        headers=headers or {},
        needs_database=needs_database,
        has_etag=has_etag,
        cache=cache,
        if_match=contract_of(if_match) if if_match else None,
        page=page,
        file=file,
    )

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def handle(*viewer: Any, **path: Any) -> ApiResponse:
            return _respond(contract, handler, viewer, path | _load_input(contract))

        return set_contract(handle, contract)

    return decorate


def _load_input(contract: RouteContract) -> dict[str, Any]:
    """Return the handler's arguments from query, body and If-Match; raises InputRefused."""
    arguments: dict[str, Any] = {}
    if contract.query is not None:
        arguments |= load_query(contract.query)
    if contract.body is not None:
        arguments |= load_body(contract.body, ignores_form=contract.page is not None)
    if contract.if_match is not None:
        arguments["precondition"] = if_match_precondition(contract.if_match)
    return arguments


def _respond(
    contract: RouteContract, handler: Handler, viewer: tuple[Any, ...], arguments: dict[str, Any]
) -> ApiResponse:
    """Call the handler, or the cache in its place, and return the response."""
    if contract.cache is not None and (cache := service(ResponseCache)).is_enabled:
        return respond_from_cache(cache, contract.cache, contract, handler, *viewer, **arguments)
    value = handler(*viewer, **arguments)
    if isinstance(value, Versioned):
        value = value.value
    if contract.page is not None and prefers_page():
        return ApiResponse(contract.page(value), contract.status, contract.headers, mimetype="text/html")
    body = render(contract, value)
    if contract.has_etag:
        return respond_with_etag(contract, etag_of(body), lambda: body)
    return ApiResponse(body, contract.status, contract.headers, mimetype=contract.file or JSON)

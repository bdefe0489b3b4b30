"""`@operation`: declare the contract of a view, and handle its requests by it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

from marshmallow import Schema

from interviews_api.cache import ResponseCache, Versioned
from interviews_api.config.limits import Limit
from interviews_api.errors import ApiError
from interviews_api.services import service
from interviews_api.web.conditional import etag_of, if_match_precondition, respond_with_etag
from interviews_api.web.error_responses import JSON
from interviews_api.web.http import load_body, load_query
from interviews_api.web.negotiation import prefers_html, wants_page
from interviews_api.web.rendering import render
from interviews_api.web.response_cache import respond_from_cache
from interviews_api.web.responses import ApiResponse
from interviews_api.web.route_contract import (
    CachePolicy,
    Layer,
    Outcome,
    RenderHtml,
    RouteContract,
    View,
    contract_of,
    set_contract,
)


def operation(
    message: str,
    *schemas: type[Schema],
    query: type[Schema] | None = None,
    body: type[Schema] | None = None,
    if_match_read: View | None = None,
    errors: tuple[type[ApiError], ...] = (),
    limits: tuple[Limit, ...] = (),
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    needs_database: bool = True,
    has_etag: bool = False,
    cache: CachePolicy | None = None,
    html: RenderHtml | None = None,
    see_other: Callable[[], str] | None = None,
    form: type[Schema] | None = None,
    outcomes: Mapping[int, tuple[str, type[Schema]]] | None = None,
    media_type: str | None = None,
) -> Callable[[View], View]:
    """Load query and body for the view, and render its return value into `{"message", "data"}`.

    The arguments are fields of RouteContract, but schemas are classes, `if_match_read` is a view, and `outcomes` has
    message and schema by status. Raises TypeError for a `cache` without `has_etag` or without status 200.
    """
    if cache is not None and (not has_etag or status != 200):
        raise TypeError(f"{message}: a cached response needs has_etag and status 200")
    contract = RouteContract(
        layer=Layer.OPERATION,
        message=message,
        schemas=tuple(schema() for schema in schemas),
        status=status,
        query=query() if query else None,
        body=body() if body else None,
        errors=errors,
        limits=limits,
        headers=headers or {},
        needs_database=needs_database,
        has_etag=has_etag,
        cache=cache,
        if_match_read=contract_of(if_match_read) if if_match_read else None,
        html=html,
        see_other=see_other,
        form=form() if form else None,
        media_type=media_type,
    )
    others = {
        other: replace(contract, message=text, schemas=(schema(),), status=other)
        for other, (text, schema) in (outcomes or {}).items()
    }
    contract = replace(contract, outcomes=others)

    def decorate(view: View) -> View:
        @wraps(view)
        def handle(*identity: Any, **path: Any) -> ApiResponse:
            return _respond(contract, view, identity, path | _load_input(contract))

        return set_contract(handle, contract)

    return decorate


def _load_input(contract: RouteContract) -> dict[str, Any]:
    """Return the view's arguments from query, body and If-Match; raises InputRefused."""
    arguments: dict[str, Any] = {}
    if contract.query is not None:
        arguments |= load_query(contract.query)
    if contract.body is not None:
        arguments |= load_body(contract.body, ignores_form=contract.has_page, form=contract.form)
    if contract.if_match_read is not None:
        arguments["precondition"] = if_match_precondition(contract.if_match_read)
    return arguments


def _respond(contract: RouteContract, view: View, identity: tuple[Any, ...], arguments: dict[str, Any]) -> ApiResponse:
    """Call the view, or the cache in its place, and return the response."""
    if contract.cache is not None and (cache := service(ResponseCache)).is_enabled:
        return respond_from_cache(cache, contract.cache, contract, view, *identity, **arguments)
    value = view(*identity, **arguments)
    if isinstance(value, Versioned):
        value = value.value
    if isinstance(value, Outcome):
        contract, value = contract.outcomes[value.status], value.value
    if contract.has_page and (wants_page() if contract.form else prefers_html()):
        return _respond_with_page(contract, value)
    body = render(contract, value)
    if contract.has_etag:
        return respond_with_etag(contract, etag_of(body), lambda: body)
    return ApiResponse(body, contract.status, contract.headers, mimetype=contract.media_type or JSON)


def _respond_with_page(contract: RouteContract, value: Any) -> ApiResponse:
    """Return the page, or a 303 to it (RFC 9110, section 15.4.4)."""
    if contract.see_other is not None:
        return ApiResponse(None, 303, {"Location": contract.see_other()})
    page = contract.html(value) if contract.html else ""
    return ApiResponse(page, contract.status, contract.headers, mimetype="text/html")

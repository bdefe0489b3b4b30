"""Contract of a route: its input, its responses and its role. The decorators of its view declare it.

Requests are handled by it (`operation.py`), and /openapi.json is generated from it (`openapi_operations.py`).
Decorators stand in one order on every view, so that refusals come in one order:

1. ForeignForm for a form of another site;
2. 401 and 403 of the role;
3. 404 of a route that the operator's settings close;
4. of a company that is not approved, 404 and 403 of `check`, then CompanyNotApproved;
5. with a well-formed `Idempotency-Key`, its 409 and 422;
6. if input or key were refused, 404 and 403 of `check`, then 400;
7. else the view's own refusals::

    @blueprint.post("/...")
    @same_origin_required                 # Layer.ORIGIN
    @company_required                     # Layer.ROLE
    @local_session_required               # Layer.AVAILABILITY
    @approval_required                    # Layer.APPROVAL
    @authorize_before_validation(check)   # Layer.AUTHORIZATION
    @idempotent                           # Layer.IDEMPOTENCY
    @operation(...)                       # Layer.OPERATION
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, TypeVar

from flask import Flask
from marshmallow import Schema

from interviews_api.cache import Version
from interviews_api.config.limits import Limit
from interviews_api.errors import ApiError

View = Callable[..., Any]
"""A view, or a function that a decorator makes of a view."""

AnyView = TypeVar("AnyView", bound=View)

IDEMPOTENCY_KEY_PATTERN = r"[\x21-\x7e]{1,255}"


@dataclass(frozen=True)
class Outcome:
    """A view's value for another success than the usual one: that of this status in the contract's `outcomes`."""

    status: int
    value: Any


RenderHtml = Callable[[Any], str]
"""Makes HTML of the value that a view returns."""


class Layer(IntEnum):
    """The decorators of a view, from the innermost to the outermost."""

    OPERATION = 1
    IDEMPOTENCY = 2
    AUTHORIZATION = 3
    APPROVAL = 4
    AVAILABILITY = 5
    ROLE = 6
    ORIGIN = 7


@dataclass(frozen=True)
class CachePolicy:
    """Cache policy of a GET: `version` takes the view's arguments and returns the current version.

    It raises what the view raises for a caller without access, because a cached response is served without the view.
    """

    version: Callable[..., Version]


@dataclass(frozen=True, kw_only=True)
class RouteContract:
    """The contract of a route: what it accepts, what it answers, and for whom it is."""

    layer: Layer
    """The outermost decorator so far."""
    message: str = ""
    """The `message` of a success."""
    schemas: tuple[Schema, ...] = ()
    """The schema of `data`; with several, the view returns (schema, value)."""
    status: int = 200
    """The status of a success."""
    query: Schema | None = None
    """The query's parameters, which the view gets as arguments."""
    body: Schema | None = None
    """The body's fields, which the view gets as arguments."""
    errors: tuple[type[ApiError], ...] = ()
    """For OpenAPI: refusals beside those of the token (401), the input (400, 413, 415) and the database (503)."""
    limits: tuple[Limit, ...] = ()
    """For OpenAPI: the rate limits that the view counts, for its 429."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of a success, beside those of `web/security_headers.py`."""
    needs_database: bool = True
    """Whether the route answers 503 without a database."""
    has_etag: bool = False
    """Whether a read has an ETag, and answers 304 to If-None-Match."""
    cache: CachePolicy | None = None
    """Caches the responses of a view that returns a Versioned; requires `has_etag` and status 200."""
    if_match_read: "RouteContract | None" = None
    """The contract of the read whose ETag a transition honours in If-Match; the view gets a `precondition` argument."""
    html: RenderHtml | None = None
    """Renders HTML for clients that do not ask for JSON. Such a route ignores the fields of an HTML form."""
    see_other: Callable[[], str] | None = None
    """Returns the address of the page to which those clients are sent with a 303, in place of `html`."""
    form: Schema | None = None
    """The fields of an HTML form, if one is a body; then a client that sends JSON gets JSON."""
    outcomes: Mapping[int, "RouteContract"] = field(default_factory=dict)
    """Further successes by status, which the view returns as an Outcome."""
    media_type: str | None = None
    """That of a response that is no JSON: the view returns its bytes."""
    role: str | None = None
    """The viewer's role; "any" for every signed-in viewer, None for a public route."""
    needs_owner: bool = False
    """Whether members of a company may not call the route."""
    security_scheme: str = "accessToken"
    """OpenAPI's name of the token that the route takes."""
    is_idempotent: bool = False
    """Whether the route takes an Idempotency-Key."""
    check: Callable[..., object] | None = None
    """The access check of `authorize_before_validation`; raises 401, 403 or 404."""
    socket_query: type[Schema] | None = None
    """The query of a route that clients upgrade to a WebSocket."""

    @property
    def has_page(self) -> bool:
        """Whether clients that do not ask for JSON get a page, or are sent to one."""
        return self.html is not None or self.see_other is not None


def set_contract(view: View, contract: RouteContract) -> View:
    """Attach the contract to the view, and return the view."""
    view.contract = contract  # type: ignore[attr-defined]
    return view


def contract_of(view: View) -> RouteContract | None:
    """Return the contract of a view, or None of a view that has none, such as Flask's static files."""
    contract: RouteContract | None = getattr(view, "contract", None)
    return contract


def extend_contract(view: View, layer: Layer, *, errors: tuple[type[ApiError], ...] = (), **changes: Any) -> View:
    """Add a layer to a view's contract, and its errors before those of the view; return the view.

    Raises TypeError when the decorators are out of order.
    """
    contract = contract_of(view)
    if contract is None or contract.layer >= layer:
        inner = contract.layer.name if contract else "no layer"
        raise TypeError(f"{view.__name__}: {layer.name} cannot stand outside of {inner}; see {__name__}")
    return set_contract(view, replace(contract, layer=layer, errors=(*errors, *contract.errors), **changes))


def websocket_contract(query: type[Schema]) -> Callable[[AnyView], AnyView]:
    """Declare a route that clients upgrade to a WebSocket, with its query."""

    def decorate(view: AnyView) -> AnyView:
        set_contract(view, RouteContract(layer=Layer.OPERATION, socket_query=query))
        return view

    return decorate


def check_routes(app: Flask) -> None:
    """Raise TypeError for a route with a method other than GET that has no contract."""
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if methods and contract_of(app.view_functions[rule.endpoint]) is None:
            raise TypeError(f"{rule.rule} has no contract")

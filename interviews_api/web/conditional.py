"""Conditional requests (RFC 9110, section 13): ETag and If-None-Match of reads, If-Match of transitions.

Both headers compare weakly (section 8.8.3.2). An ETag is a hash of the content. A proxy that compresses the response
makes it a weak one, which still names that content.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from flask import request
from werkzeug.datastructures import Headers

from interviews_api.errors import PreconditionFailed
from interviews_api.web.error_responses import JSON
from interviews_api.web.rendering import render
from interviews_api.web.responses import ApiResponse
from interviews_api.web.route_contract import RouteContract

_PRIVATE = (("Cache-Control", "private, no-cache"), ("Vary", "Authorization"))


def etag_of(body: bytes) -> str:
    """Return the ETag of a body, 32 hex digits without quotes: it changes when the body does."""
    return hashlib.sha256(body).hexdigest()[:32]


def respond_with_etag(contract: RouteContract, etag: str, body: Callable[[], bytes]) -> ApiResponse:
    """Return 304 if If-None-Match names the ETag (section 13.1.2), else the full response."""
    headers = Headers([("ETag", f'"{etag}"'), *_PRIVATE, *contract.headers.items()])
    if "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains_weak(etag):
        return ApiResponse(None, 304, headers)
    return ApiResponse(body(), 200, headers, mimetype=contract.media_type or JSON)


def if_match_precondition(contract: RouteContract) -> Callable[[Any], None] | None:
    """Return a check of a stored value against the request's If-Match (section 13.1.1), or None without that header.

    `contract` is that of the read whose ETag the client has. The check raises PreconditionFailed.
    """
    if "If-Match" not in request.headers:
        return None
    etags = request.if_match

    def check(value: Any) -> None:
        if not etags.contains_weak(etag_of(render(contract, value))):
            raise PreconditionFailed

    return check

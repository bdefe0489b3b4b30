"""Cached responses: served again while the database says that nothing has changed (ADR 19)."""

from typing import Any

from interviews_api.cache import CachedResponse, ResponseCache
from interviews_api.clock import now
from interviews_api.web.conditional import etag_of, respond_with_etag
from interviews_api.web.rendering import render
from interviews_api.web.responses import ApiResponse
from interviews_api.web.route_contract import CachePolicy, RouteContract, View


def respond_from_cache(
    cache: ResponseCache, policy: CachePolicy, contract: RouteContract, view: View, *viewers: Any, **arguments: Any
) -> ApiResponse:
    """Return the cached response if it is fresh; else call the view, which returns a Versioned, and cache that.

    `viewers` is the viewer of a signed-in route, and empty on a public one.
    """
    key = (view, viewers[0].user_id if viewers else None, *arguments.values())
    cached = cache.get(key)
    if cached is not None and cached.is_fresh(policy.version(*viewers, **arguments), now()):
        return respond_with_etag(contract, cached.etag, lambda: cached.body)
    value, freshness = view(*viewers, **arguments)
    body = render(contract, value)
    etag = etag_of(body)
    cache.put(key, CachedResponse(body, etag, freshness))
    return respond_with_etag(contract, etag, lambda: body)

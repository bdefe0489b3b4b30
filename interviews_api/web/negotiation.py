"""Content negotiation: HTML or JSON, for routes that have both."""

from flask import request

from interviews_api.web.error_responses import JSON


def prefers_html() -> bool:
    """Return whether the client prefers HTML: unless Accept names JSON with at least the quality of HTML."""
    for media_range, quality in request.accept_mimetypes:  # by quality, then in the order of the header
        media_type = media_range.partition(";")[0].strip().lower()
        if quality > 0 and media_type in (JSON, "text/html", "application/xhtml+xml"):
            return media_type != JSON
    return True


def wants_page() -> bool:
    """Return whether a route whose body is a form or JSON answers with a page: never to a client that sends JSON.

    A route that takes no body asks `prefers_html` instead, because the Content-Type of nothing says nothing.
    """
    return request.mimetype != JSON and prefers_html()

"""Headers that every response of the API has, unless its route sets them (OWASP REST Security Cheat Sheet)."""

from flask import Flask, Response

DEFAULTS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PUBLIC = {"Cache-Control": "no-cache"}
"""Headers of a public read, which caches may keep but must validate."""

_DEFAULTS = [(name, name.lower(), value) for name, value in DEFAULTS.items()]


def init_app(app: Flask) -> None:
    """Add the headers that are missing to each response."""
    app.after_request(_add_missing)


def _add_missing(response: Response) -> Response:
    """Add the missing headers. `Headers.setdefault` for each would search all headers four times."""
    headers = response.headers
    present = {name.lower() for name, _ in headers}
    for name, lower_name, value in _DEFAULTS:
        if lower_name not in present:
            headers.add(name, value)
    return response

"""Flask without what this API does not use: coroutines, sessions in cookies, and answers that are mended once more.

Each of these costs a request a few microseconds, which together are a tenth of what a remembered answer takes (ADR 18).
"""

from typing import Any

from flask import Flask, Response
from flask.sessions import NullSession, SessionInterface
from werkzeug.datastructures import Headers

_NO_SESSION = NullSession()


class _NoSessions(SessionInterface):
    """There is none, whatever cookies a client sends."""

    def open_session(self, app: Flask, request: Any) -> NullSession:
        """The same for everybody; it refuses to be written."""
        return _NO_SESSION


class ApiResponse(Response):
    """Werkzeug copies and mends the headers of every response; here those say already what they have to.

    Who answers with a body says its `mimetype`: there is none by default, as an answer without a body has none.
    """

    default_mimetype = None

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """As they are, of a 200 with its length and of a 304 without a type; of others as Werkzeug mends them."""
        known = self.headers
        if self.status_code == 200 and "Content-Length" in known:
            return known
        if self.status_code == 304 and "Content-Type" not in known:
            return known
        return super().get_wsgi_headers(environ)


class ApiFlask(Flask):
    """A Flask whose views and hooks are plain functions."""

    session_interface = _NoSessions()
    response_class = ApiResponse

    def ensure_sync(self, func: Any) -> Any:
        """It is one."""
        return func

    def create_url_adapter(self, request: Any) -> Any:
        """There is one host, whatever name it is asked under."""
        return super().create_url_adapter(None) if request is None else self.url_map.bind_to_environ(request.environ)

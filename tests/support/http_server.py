"""A server on a port of this machine, as the tests' clients see it."""

import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection


class HttpServer:
    """A running server on `port` of 127.0.0.1."""

    port: int

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: object = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the response to a request on a new connection."""
        sent = {"Content-Type": "application/json", **headers}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            return response.status, dict(response.headers), response.read()

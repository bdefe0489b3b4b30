"""The response class of the application."""

from flask import Response


class ApiResponse(Response):
    """A response without a default media type: a response with a body names its `mimetype`, and a 304 has none."""

    default_mimetype = None

"""The page of a refusal, for routes that answer with HTML."""

from collections.abc import Callable
from http import HTTPStatus

from flask import Response

from interviews_api.errors import ApiError
from interviews_api.web.error_responses import answer_api_error


def refusal_page(error: ApiError, render: Callable[..., str]) -> Response:
    """Return the refusal as a page, with the status and Retry-After of its JSON.

    `render` gets the error's message as `refusal`, and the reason phrase of its status as `phrase`.
    """
    return respond_with_refusal(error, render(refusal=error.message, phrase=HTTPStatus(error.status).phrase))


def respond_with_refusal(error: ApiError, page: str) -> Response:
    """Return this page with the status and Retry-After of the refusal's JSON."""
    response = Response(page, error.status, mimetype="text/html")
    headers = answer_api_error(error).headers
    if "Retry-After" in headers:
        response.headers["Retry-After"] = headers["Retry-After"]
    return response

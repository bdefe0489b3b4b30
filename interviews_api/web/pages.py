"""Pages of routes that answer with HTML: the filters of their templates, and the page of a refusal."""

from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, Response

from interviews_api.errors import ApiError
from interviews_api.web.bidirectional import isolate, isolate_in_html
from interviews_api.web.error_responses import ERROR_CODE, answer_api_error


def refusal_page(error: ApiError, render: Callable[..., str]) -> Response:
    """Return the refusal as a page, with the status, Error-Code and Retry-After of its JSON.

    `render` gets the error's message as `refusal`, and the reason phrase of its status as `phrase`.
    """
    return respond_with_refusal(error, render(refusal=error.message, phrase=HTTPStatus(error.status).phrase))


def respond_with_refusal(error: ApiError, page: str) -> Response:
    """Return this page with the status, Error-Code and Retry-After of the refusal's JSON."""
    response = Response(page, error.status, mimetype="text/html")
    headers = answer_api_error(error).headers
    for name in {ERROR_CODE, "Retry-After"} & set(headers.keys()):
        response.headers[name] = headers[name]
    return response


def init_app(app: Flask) -> None:
    """Install the filters of names in sentences: `isolated`, and `isolated_text` for elements without markup."""
    app.jinja_env.filters |= {"isolated": isolate_in_html, "isolated_text": isolate}

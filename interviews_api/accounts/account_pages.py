"""The pages behind the mailed links of accounts: their style, their headers, and the page of a refusal."""

from collections.abc import Callable
from pathlib import Path

from flask import Response

from interviews_api.errors import ApiError
from interviews_api.web.csp import page_headers
from interviews_api.web.error_responses import answer_api_error
from interviews_api.web.negotiation import wants_page
from interviews_api.web.pages import refusal_page

STYLE = (Path(__file__).parent / "pages" / "account.css").read_text()
_HEADERS = page_headers(STYLE)


def answer_refusal(error: ApiError, render: Callable[..., str]) -> Response:
    """Return the refusal as a page, or as JSON to a client that sends JSON or asks for it."""
    return refusal_page(error, render) if wants_page() else answer_api_error(error)


def add_page_headers(response: Response) -> Response:
    """Add the headers of a page behind a mailed link, also to its JSON."""
    response.headers.update(_HEADERS)
    return response

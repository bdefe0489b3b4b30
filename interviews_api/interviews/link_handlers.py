"""Blueprint `email-link`: show and confirm an interview by the link in a mail, without a sign-in.

A GET changes nothing, because mail scanners open links. The response is HTML, or JSON for clients that ask for it.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template

from interviews_api.accounts.rate_limits import active_limits
from interviews_api.clock import format_instant, now, zone
from interviews_api.config import Settings
from interviews_api.config.limits import TRANSITIONS_OF_INTERVIEW
from interviews_api.db.connections import read_connection, transaction
from interviews_api.errors import ApiError
from interviews_api.interviews.candidate_schemas import Confirmation
from interviews_api.interviews.errors import InvalidLink
from interviews_api.interviews.link_repository import LinkRepository
from interviews_api.interviews.link_tokens import read_token
from interviews_api.interviews.state_machine import CONFIRM
from interviews_api.services import service
from interviews_api.web.csp import page_headers
from interviews_api.web.error_responses import answer_api_error
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import ForeignForm, authorize_before_validation, same_origin_required
from interviews_api.web.negotiation import prefers_html
from interviews_api.web.operation import operation
from interviews_api.web.pages import refusal_page

blueprint = Blueprint("email-link", __name__, url_prefix="/interviews/confirm", template_folder="templates")

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE, _SCRIPT = ((_TEMPLATES / f"link.{kind}").read_text() for kind in ("css", "js"))

_HEADERS = page_headers(_STYLE, _SCRIPT)


def _render(**values: object) -> str:
    return render_template("link.html", style=_STYLE, script=_SCRIPT, **values)


def _render_interview(interview: Mapping[Any, Any]) -> str:
    local: datetime = interview["starts_at"].astimezone(zone(interview["time_zone"]))
    return _render(
        interview=interview,
        day=f"{local:%A}, {local.day} {local:%B %Y}",
        time=f"{local:%H:%M}",
        instant=format_instant(interview["starts_at"]),
    )


@blueprint.get("/<token>")
@operation("Interview retrieved successfully", Confirmation, errors=(InvalidLink,), html=_render_interview)
def show_link(token: str) -> Mapping[Any, Any]:
    """Show the interview that the link names. Changes nothing."""
    with read_connection() as connection:
        return LinkRepository(connection).get(*_read(token), now=now())


@blueprint.post("/<token>")
@same_origin_required
@authorize_before_validation(lambda connection, token: LinkRepository(connection).get(*_read(token), now=now()))
@operation(
    "Interview confirmed successfully",
    Confirmation,
    body=Nothing,
    errors=(InvalidLink, ForeignForm, CONFIRM.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW,),
    html=_render_interview,
)
def confirm_by_link(token: str) -> Mapping[Any, Any]:
    """Confirm the interview at the revision that the link names."""
    with transaction() as connection:
        return LinkRepository(connection).confirm(*_read(token), now=now(), limits=active_limits())


def _read(token: str) -> tuple[str, int]:
    return read_token(service(Settings).secret_key, token)


@blueprint.errorhandler(ApiError)
def _answer_refusal(error: ApiError) -> Response:
    return refusal_page(error, _render) if prefers_html() else answer_api_error(error)


@blueprint.after_request
def _add_page_headers(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response

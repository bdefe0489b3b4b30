"""Blueprint `email-link`: show and answer an interview by the link in a mail, without a sign-in.

A GET changes nothing, because mail scanners open links. The response is HTML, or JSON for clients that ask for it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request

from interviews_api.accounts.rate_limits import active_limits
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.config.limits import RESCHEDULE_REQUESTS, TRANSITIONS_OF_INTERVIEW
from interviews_api.db.connections import read_connection, transaction
from interviews_api.errors import ApiError
from interviews_api.interviews.candidate_schemas import Confirmation, InterviewDetails, Reason, RescheduleWish
from interviews_api.interviews.errors import InvalidLink
from interviews_api.interviews.link_forms import DeclineForm, LocalTimes, RescheduleForm, instants_of
from interviews_api.interviews.link_pages import HEADERS, answer_refusal, page_address, render_interview
from interviews_api.interviews.link_repository import LinkRepository
from interviews_api.interviews.link_tokens import read_token
from interviews_api.interviews.reschedule_requests import new_request
from interviews_api.interviews.state_machine import CONFIRM, DECLINE, REQUEST_RESCHEDULE
from interviews_api.services import service
from interviews_api.web.error_responses import answer_api_error
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import ForeignForm, authorize_before_validation, same_origin_required
from interviews_api.web.negotiation import prefers_html, wants_page
from interviews_api.web.operation import operation

blueprint = Blueprint("email-link", __name__, url_prefix="/interviews/confirm", template_folder="templates")

check_link = authorize_before_validation(
    lambda connection, token: LinkRepository(connection).get(*_read(token), now=now())
)


@blueprint.get("/<token>")
@operation("Interview retrieved successfully", Confirmation, errors=(InvalidLink,), html=render_interview)
def show_link(token: str) -> Mapping[Any, Any]:
    """Show the interview that the link names. Changes nothing."""
    return _show(token)


@blueprint.post("/<token>")
@same_origin_required
@check_link
@operation(
    "Interview confirmed successfully",
    Confirmation,
    body=Nothing,
    errors=(InvalidLink, CONFIRM.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW,),
    html=render_interview,
)
def confirm_by_link(token: str) -> Mapping[Any, Any]:
    """Confirm the interview at the revision that the link names."""
    with transaction() as connection:
        return LinkRepository(connection).apply(CONFIRM, _read(token), now=now(), limits=active_limits())


@blueprint.post("/<token>/decline")
@same_origin_required
@check_link
@operation(
    "Interview declined successfully",
    Confirmation,
    body=Reason,
    form=DeclineForm,
    errors=(InvalidLink, DECLINE.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW,),
    see_other=page_address,
)
def decline_by_link(token: str, *, reason: str | None) -> Mapping[Any, Any]:
    """Decline the interview at the revision that the link names."""
    link, limits = _read(token), active_limits()
    with transaction() as connection:
        return LinkRepository(connection).apply(DECLINE, link, now=now(), limits=limits, cancellation_reason=reason)


@blueprint.post("/<token>/request-reschedule")
@same_origin_required
@check_link
@operation(
    "Reschedule requested successfully",
    InterviewDetails,
    body=RescheduleWish,
    form=RescheduleForm,
    errors=(InvalidLink, REQUEST_RESCHEDULE.refusal),
    limits=(TRANSITIONS_OF_INTERVIEW, RESCHEDULE_REQUESTS),
    see_other=page_address,
)
def request_reschedule_by_link(
    token: str, *, reason: str | None, proposed_times: list[datetime] | LocalTimes
) -> Mapping[Any, Any]:
    """Ask the company for another time. A form has local times of the interview's zone."""
    link, present = _read(token), now()
    with transaction() as connection:
        links = LinkRepository(connection)
        if isinstance(proposed_times, dict):
            proposed_times = instants_of(proposed_times, links.get(*link, now=present)["time_zone"], now=present)
        wish = new_request(reason, proposed_times)
        return links.apply(REQUEST_RESCHEDULE, link, now=present, limits=active_limits(), reschedule_request=wish)


def _show(token: str) -> Mapping[Any, Any]:
    with read_connection() as connection:
        return LinkRepository(connection).show(*_read(token), now=now())


def _read(token: str) -> tuple[str, int]:
    return read_token(service(Settings).secret_key, token)


_ACTIONS = {
    f"{blueprint.name}.{decline_by_link.__name__}": DECLINE.name,
    f"{blueprint.name}.{request_reschedule_by_link.__name__}": REQUEST_RESCHEDULE.name,
}


@blueprint.errorhandler(ApiError)
def _answer_refusal(error: ApiError) -> Response:
    """Answer with the error as JSON or as a page, which shows the interview again, with the form that was refused."""
    action = _ACTIONS.get(request.endpoint or "", "")
    if not (wants_page() if action else prefers_html()):
        return answer_api_error(error)
    is_shown = request.method == "POST" and not isinstance(error, ForeignForm)  # nothing that another site has typed
    return answer_refusal(error, _find_interview() if is_shown else None, action)


def _find_interview() -> Mapping[Any, Any] | None:
    try:
        return _show((request.view_args or {})["token"])
    except InvalidLink:
        return None


@blueprint.after_request
def _add_page_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response

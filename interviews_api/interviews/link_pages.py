"""The page behind the link in a mail: the interview, and the forms that confirm, decline and ask for another time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Response, render_template, request

from interviews_api.clock import format_instant, parse_instant, zone
from interviews_api.errors import ApiError, InputRefused, InvalidInput
from interviews_api.interviews.candidate_actions import allowed_actions
from interviews_api.interviews.candidate_schemas import MAX_PROPOSED_TIMES
from interviews_api.interviews.errors import InvalidLink
from interviews_api.interviews.models import InterviewType
from interviews_api.interviews.terms import contact, phone_call
from interviews_api.web.csp import page_headers
from interviews_api.web.pages import refusal_page, respond_with_refusal
from interviews_api.web.text_rules import MAX_REASON
from interviews_api.web.uris import as_uri

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE, _SCRIPT = ((_TEMPLATES / f"link.{kind}").read_text() for kind in ("css", "js"))
_MAX_TYPED = 2 * MAX_REASON  # characters; a browser sends no more than MAX_REASON

_FIELDS = {"reason", *(f"proposedTimes.{index}" for index in range(MAX_PROPOSED_TIMES))}
HEADERS = page_headers(_STYLE, _SCRIPT)


@dataclass(frozen=True)
class RefusedForm:
    """A form that was refused: the action in its address, what was typed, and its problems by field."""

    action: str = ""
    reason: str = ""
    times: list[str] = field(default_factory=list)
    problems: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def has_field_problems(self) -> bool:
        """Whether each problem stands beside a field of the page."""
        return bool(self.problems) and self.problems.keys() <= _FIELDS


def _render(**values: object) -> str:
    return render_template("link.html", style=_STYLE, script=_SCRIPT, **values)


def _local_time(instant: datetime, zone_name: str) -> str:
    local = instant.astimezone(zone(zone_name))
    return f"{local:%A}, {local.day} {local:%B %Y}, {local:%H:%M}"


def render_interview(interview: Mapping[Any, Any], refusal: str = "", form: RefusedForm | None = None) -> str:
    """Return the page of the interview, with a refusal and with the form that was refused, if there are any."""
    zone_name, wish = interview["time_zone"], interview["reschedule_request"]
    form = form or RefusedForm()
    return _render(
        interview=interview,
        refusal=refusal,
        form=form,
        link=_link_path(is_below=bool(form.action)),
        meeting_link=as_uri(interview["meeting_link"] or ""),
        actions=allowed_actions(interview["status"]),
        start=_local_time(interview["starts_at"], zone_name),
        instant=format_instant(interview["starts_at"]),
        call=phone_call(interview) if interview["type"] == InterviewType.PHONE else "",
        contact=contact(interview),
        wished_times=[_local_time(parse_instant(time), zone_name) for time in wish["proposed_times"]] if wish else [],
        max_times=MAX_PROPOSED_TIMES,
        max_reason=MAX_REASON,
    )


def _link_path(*, is_below: bool) -> str:
    """Return the address of the link's page, relative to itself, or to the address of a form's action below it."""
    token = (request.view_args or {})["token"]
    return f"../{token}" if is_below else token


def page_address() -> str:
    """Return the address of the link's page, relative to that of a form's action."""
    return _link_path(is_below=True)


def answer_refusal(error: ApiError, interview: Mapping[Any, Any] | None, action: str) -> Response:
    """Return the refusal as a page, with the status and Retry-After of its JSON.

    The page shows the interview, unless there is none, and the form of this action as it was typed.
    """
    if interview is None:
        return refusal_page(error, _render)
    if isinstance(error, InvalidLink):  # a decline by this link came before
        return respond_with_refusal(error, render_interview(interview, form=RefusedForm(action)))
    form = _typed_form(error, action)
    message = "Please correct what is marked below." if form.has_field_problems else error.message
    return respond_with_refusal(error, render_interview(interview, message, form))


def _typed_form(error: ApiError, action: str) -> RefusedForm:
    """Return what was typed into the form. A body that could not be read has nothing."""
    problems = error.details if isinstance(error, InvalidInput) else {}
    if isinstance(error, InputRefused) and not isinstance(error, InvalidInput):
        return RefusedForm(action)
    fields = request.form
    times = [text[:_MAX_TYPED] for text in fields.getlist("proposedTimes")[:MAX_PROPOSED_TIMES]]
    return RefusedForm(action, fields.get("reason", "")[:_MAX_TYPED], times, problems)

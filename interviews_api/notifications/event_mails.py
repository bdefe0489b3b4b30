"""Mails about events: their template, their link to answer, their calendar event, the facts and the company's notes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from interviews_api.accounts.answerable_addresses import answerable_address
from interviews_api.accounts.models import Role
from interviews_api.clock import parse_instant, zone
from interviews_api.config import Settings
from interviews_api.email_addresses import in_ascii
from interviews_api.events.models import EventType
from interviews_api.interviews.icalendar_export import Method
from interviews_api.interviews.link_tokens import confirmation_link
from interviews_api.interviews.models import OPEN_STATUSES, InterviewStatus, InterviewType
from interviews_api.interviews.terms import contact, phone_call
from interviews_api.notifications.mail_templates import TERMS, UrlText
from interviews_api.web.plain_text import replace_controls
from interviews_api.web.uris import as_uri

_TELLS_DETAILS = (
    EventType.SCHEDULED,
    EventType.RESCHEDULED,
    EventType.UPDATED,
    EventType.NUDGE,
    EventType.REMINDER,
)
_HAS_LINK = (*_TELLS_DETAILS, EventType.CONFIRMED)
_METHODS = {
    EventType.SCHEDULED: Method.REQUEST,
    EventType.RESCHEDULED: Method.REQUEST,
    EventType.UPDATED: Method.REQUEST,
    EventType.CONFIRMED: Method.REQUEST,
    EventType.DECLINED: Method.CANCEL,
    EventType.CANCELLED: Method.CANCEL,
}

Values = Mapping[Any, Any]


def template(user: Values, context: Values) -> str:
    """Return the name of the template for the user's role and the event's type."""
    return f"{user['role']}_{context['event_type'].removeprefix('interview.')}.j2"


def link(settings: Settings, context: Values) -> str | None:
    """Return the link to the page on which the candidate answers, while the event leaves that to do."""
    if context["event_type"] not in _HAS_LINK or context["status"] not in OPEN_STATUSES:
        return None
    return confirmation_link(settings.public_url, settings.secret_key, context["interview_id"], context["revision"])


def reply_to(user: Values, context: Values) -> str | None:
    """Return the other party's address in ASCII, or None if answers cannot go to it."""
    if user["role"] == Role.CANDIDATE:
        return answerable_address(context)
    try:
        return in_ascii(context["candidate_email"])
    except ValueError:
        return None


def method(user: Values, context: Values) -> Method | None:
    """Return the method of the calendar event that the candidate's mail carries, or None."""
    return _METHODS.get(context["event_type"]) if user["role"] == Role.CANDIDATE else None


def flags(context: Values) -> dict[str, bool]:
    """Return the flags on which the words of templates depend: the interview's state at the time of sending."""
    return {
        "is_pending": context["status"] == InterviewStatus.PENDING,
        "is_confirmed": context["status"] == InterviewStatus.CONFIRMED,
        "is_cancelled": context["status"] == InterviewStatus.CANCELLED,
        "is_moved": context["previous_starts_at"] is not None,
        "has_request": bool(context["reschedule_request"]),
        "has_contact": bool(contact(context)),
    }


def notes(user: Values, context: Values) -> str:
    """Return the company's notes for the candidate; never the internal notes."""
    is_shown = user["role"] == Role.CANDIDATE and context["event_type"] in _TELLS_DETAILS
    return replace_controls(context["notes"] or "") if is_shown else ""


def facts(user: Values, context: Values) -> list[tuple[str, str]]:
    """Return pairs of a label from `terms.j2` and a text, without empty texts."""
    zone_name = context["time_zone"]
    pairs = [("changed", _changes(context))]
    pairs.append(("when", _when(context["starts_at"], context["duration_minutes"], zone_name)))
    if context["previous_starts_at"] is not None:
        pairs.append(("before", _when(context["previous_starts_at"], None, zone_name)))
    pairs.append(("how", TERMS.ways[context["type"]]))
    is_open_call = context["type"] == InterviewType.PHONE and context["status"] in OPEN_STATUSES
    if user["role"] == Role.CANDIDATE and is_open_call:
        pairs.append(("call", phone_call(context)))
    else:
        pairs.append(("where", replace_controls(context["location"] or "")))
    pairs.append(("link", UrlText(as_uri(context["meeting_link"] or ""))))
    if context["event_type"] in (EventType.DECLINED, EventType.CANCELLED):
        pairs.append(("reason", replace_controls(context["cancellation_reason"] or "")))
    if context["event_type"] == EventType.RESCHEDULE_REQUESTED and context["reschedule_request"]:
        pairs += _reschedule_request(context["reschedule_request"], zone_name)
    if user["role"] == Role.CANDIDATE:
        pairs.append(("contact", contact(context)))
    return [(TERMS.labels[name], value) for name, value in pairs if value]


def _changes(context: Values) -> str:
    """Return the names of the changed facts; a deleted fact is marked.

    The time is one of them, too, if an earlier reschedule changed it and its mail was never sent.
    """
    names = context["changed_fields"] or []
    if names and context["previous_starts_at"] is not None and "starts_at" not in names:
        names = ["starts_at", *names]
    return ", ".join(TERMS.change(TERMS.changes[name], context[name] in (None, "")) for name in names)


def _reschedule_request(request: Values, zone_name: str) -> list[tuple[str, str]]:
    times = [_when(parse_instant(proposed), None, zone_name) for proposed in request["proposed_times"]]
    return [("reason", replace_controls(request["reason"] or "")), ("proposed_times", "\n".join(times))]


def _when(starts_at: datetime, minutes: int | None, zone_name: str) -> str:
    """Return the time in the named zone, with the end if `minutes` (the duration) is not None."""
    ends_at = starts_at + timedelta(minutes=minutes) if minutes is not None else None
    local = [moment.astimezone(zone(zone_name)) if moment else None for moment in (starts_at, ends_at)]
    return str(TERMS.when(*local, zone_name))

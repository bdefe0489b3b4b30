"""E-mail messages: plain text, HTML and, for changes of the calendar, the calendar event.

The texts are in `templates/`, one file for each kind of e-mail. A file sets `subject`, `lead` and optionally `action`;
`terms.j2` holds the shared labels and formats.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from interviews_api.accounts.invitation_tokens import invitation_link
from interviews_api.accounts.models import MailKind, Role
from interviews_api.accounts.reset_tokens import reset_link
from interviews_api.accounts.verification_tokens import verification_link
from interviews_api.clock import parse_instant, zone
from interviews_api.config import Settings
from interviews_api.email_addresses import in_ascii
from interviews_api.events.models import EventType
from interviews_api.interviews.icalendar_export import Method, export_calendar
from interviews_api.interviews.link_tokens import confirmation_link
from interviews_api.notifications.channels.delivery_errors import Obsolete, Rejected
from interviews_api.web.plain_text import in_one_line, replace_controls, shorten

_METHODS = {
    EventType.SCHEDULED: Method.REQUEST,
    EventType.RESCHEDULED: Method.REQUEST,
    EventType.CONFIRMED: Method.REQUEST,
    EventType.DECLINED: Method.CANCEL,
    EventType.CANCELLED: Method.CANCEL,
}
_TEXTS_OF_COMPANY = (
    "cancellation_reason",
    "notes",
    "location",
    "meeting_link",
    "company_phone",
    "company_email",
    "company_address",
)
_ASKS_FOR_ANSWER = (EventType.SCHEDULED, EventType.RESCHEDULED, EventType.NUDGE)
_LOADER = PackageLoader("interviews_api.notifications")
_TEXTS = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=False)  # noqa: S701  # plain text, not HTML
_LAYOUT = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=select_autoescape(["html.j2"]))
_TERMS: Any = _TEXTS.get_template("terms.j2").module
_MAX_NAME_IN_SUBJECT = 100  # characters
_FITS_ONE_LINE = re.compile(r"(?!.*=\?)[ -~]{1,66}")  # ASCII; with `Subject: ` within the 78 of RFC 5322

Values = Mapping[Any, Any]


class _Subject(str):
    """Subject header that is never decoded, so a text that looks like an encoded word (RFC 2047) arrives unchanged.

    `EmailPolicy` would decode `=?utf-8?b?DQo=?=` in a text, and so let a user inject a line break into the header.
    """

    __slots__ = ()
    name = "Subject"

    def fold(self, *, policy: EmailPolicy) -> str:
        """Return the header line; the policy calls this for a header that is already parsed."""
        is_plain = _FITS_ONE_LINE.fullmatch(self)
        line = self if is_plain else Header(self, "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {line}{policy.linesep}"


def compose(settings: Settings, user: Values, context: Values) -> EmailMessage:
    """Return the e-mail to the user about the delivery's event, password reset, account or disabled webhook.

    A cancellation by a muted company has none of the company's texts but names. Raises Rejected for an address that
    cannot get e-mail. Raises Obsolete for the reset of a candidate whose password is at the identity provider.
    """
    if context["reset_id"] is not None and user["role"] == Role.CANDIDATE and settings.idp_algorithm:
        raise Obsolete("candidates sign in with the identity provider")
    if context["is_muted"] and context["event_type"] == EventType.CANCELLED:
        context = dict(context) | dict.fromkeys(_TEXTS_OF_COMPANY)
    names = {
        "company": in_one_line(context["company_name"] or ""),
        "job": in_one_line(context["job_title"] or ""),
        "candidate": in_one_line(f"{context['first_name']} {context['last_name']}"),
        "webhook": in_one_line(context["webhook_url"] or ""),
    }
    names |= {name: in_one_line(text) for name, text in (context["mail_details"] or {}).items()}
    template = _TEXTS.get_template(_template(user, context))
    module = template.make_module(names)
    texts = {name: str(getattr(module, name, "")) for name in ("lead", "action")}
    short_names = {name: shorten(text, _MAX_NAME_IN_SUBJECT) for name, text in names.items()}
    texts["subject"] = str(template.make_module(short_names).subject)  # type: ignore[attr-defined]
    variables = texts | {"facts": _facts(user, context), "notes": _notes(user, context), "url": _url(settings, context)}
    try:
        to = in_ascii(user["email"])
    except ValueError:
        raise Rejected("the address is not one that a mail can be sent to") from None
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _Subject(texts["subject"])
    message["From"] = settings.mail_from
    message["To"] = Address(addr_spec=to)
    message["Date"] = format_datetime(_happened_at(context))
    message["Message-ID"] = f"<{context['key']}.{user['id']}@{parseaddr(settings.mail_from)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5: no holiday replies
    message.set_content(_LAYOUT.get_template("layout.txt.j2").render(variables))
    message.add_alternative(_LAYOUT.get_template("layout.html.j2").render(variables), subtype="html")
    if user["role"] == Role.CANDIDATE and (method := _METHODS.get(context["event_type"])):
        invitation = export_calendar([context], method, organizer=settings.mail_from, attendee=to)
        message.add_alternative(invitation.decode(), subtype="calendar", params={"method": method.value})
    return message


def _happened_at(context: Values) -> datetime:
    names = ("event_at", "reset_created_at", "mail_created_at", "webhook_disabled_at")
    moment: datetime = next(filter(None, map(context.__getitem__, names)))
    return moment


def _template(user: Values, context: Values) -> str:
    if context["account_mail_id"] is not None:
        return f"account_{context['mail_kind']}.j2"
    if context["reset_id"] is not None:
        return "password_reset.j2"
    if context["webhook_id"] is not None:
        return "webhook_disabled.j2"
    return f"{user['role']}_{context['event_type'].removeprefix('interview.')}.j2"


def _url(settings: Settings, context: Values) -> str | None:
    if context["reset_id"] is not None:
        return reset_link(settings.public_url, settings.secret_key, context["reset_id"])
    if context["mail_kind"] == MailKind.INVITATION:
        return invitation_link(settings.public_url, settings.secret_key, context["account_mail_id"])
    if context["mail_kind"] == MailKind.VERIFICATION:
        return verification_link(settings.public_url, settings.secret_key, context["account_mail_id"])
    if context["event_type"] in _ASKS_FOR_ANSWER:
        return confirmation_link(settings.public_url, settings.secret_key, context["interview_id"], context["revision"])
    return None


def _notes(user: Values, context: Values) -> str:
    """Return the company's notes for the candidate; never the internal notes."""
    is_shown = user["role"] == Role.CANDIDATE and context["event_type"] in (*_ASKS_FOR_ANSWER, EventType.REMINDER)
    return replace_controls(context["notes"] or "") if is_shown else ""


def _facts(user: Values, context: Values) -> list[tuple[str, str]]:
    """Return pairs of a label from `terms.j2` and a text, without empty texts."""
    if context["event_type"] is None:
        return []
    zone_name = context["time_zone"]
    facts = [("when", _when(context["starts_at"], context["duration_minutes"], zone_name))]
    if context["previous_starts_at"] is not None:
        facts.append(("before", _when(context["previous_starts_at"], None, zone_name)))
    facts.append(("how", _TERMS.ways[context["type"]]))
    facts.append(("where", replace_controls(context["location"] or "")))
    facts.append(("link", replace_controls(context["meeting_link"] or "")))
    if context["event_type"] in (EventType.DECLINED, EventType.CANCELLED):
        facts.append(("reason", replace_controls(context["cancellation_reason"] or "")))
    if context["event_type"] == EventType.RESCHEDULE_REQUESTED and context["reschedule_request"]:
        facts += _reschedule_request(context["reschedule_request"], zone_name)
    if user["role"] == Role.CANDIDATE:
        contact = [context[f"company_{name}"] for name in ("phone", "email", "address")]
        facts.append(("contact", replace_controls(", ".join(filter(None, contact)))))
    return [(_TERMS.labels[name], value) for name, value in facts if value]


def _reschedule_request(request: Values, zone_name: str) -> list[tuple[str, str]]:
    times = [_when(parse_instant(proposed), None, zone_name) for proposed in request["proposed_times"]]
    return [("reason", replace_controls(request["reason"] or "")), ("proposed_times", "\n".join(times))]


def _when(starts_at: datetime, minutes: int | None, zone_name: str) -> str:
    """Return the time in the named zone, with the end if `minutes` (the duration) is not None."""
    ends_at = starts_at + timedelta(minutes=minutes) if minutes is not None else None
    local = [moment.astimezone(zone(zone_name)) if moment else None for moment in (starts_at, ends_at)]
    return str(_TERMS.when(*local, zone_name))

"""Mails: what is said to whom, as a message of text, HTML and, where a calendar is concerned, the event itself.

The words are in `templates/`: one file a mail, each of which sets `subject`, `lead` and perhaps `action`, and
`terms.j2` for what the mails have in common.
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

from interviews_api.accounts.models import Role
from interviews_api.accounts.resets import reset_link
from interviews_api.clock import parse_instant, zone
from interviews_api.config import Settings
from interviews_api.email_addresses import in_ascii
from interviews_api.events.models import EventType
from interviews_api.interviews.icalendar_export import Method, export_calendar, in_one_line, speakable
from interviews_api.interviews.link_tokens import link
from interviews_api.notifications.channels.delivery_errors import Obsolete, Rejected

_METHODS = {
    EventType.SCHEDULED: Method.REQUEST,
    EventType.RESCHEDULED: Method.REQUEST,
    EventType.CONFIRMED: Method.REQUEST,
    EventType.DECLINED: Method.CANCEL,
    EventType.CANCELLED: Method.CANCEL,
}
_ASKS_FOR_ANSWER = (EventType.SCHEDULED, EventType.RESCHEDULED, EventType.NUDGE)
_LOADER = PackageLoader("interviews_api.notifications")
_SAYS = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=False)  # noqa: S701  # words, not HTML
_LAYOUT = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=select_autoescape(["html.j2"]))
_TERMS: Any = _SAYS.get_template("terms.j2").module
_PLAIN = re.compile(r"(?!.*=\?)[ -~]{1,66}")  # in one line of 78 characters (RFC 5322, section 2.1.1)

About = Mapping[Any, Any]


class _Subject(str):
    """A subject that arrives letter by letter as it was typed, also where that looks like an encoded word (RFC 2047).

    `EmailPolicy` would decode `=?utf-8?b?DQo=?=` in what it is given, and write the line break in it into the header.
    """

    __slots__ = ()
    name = "Subject"

    def fold(self, *, policy: EmailPolicy) -> str:
        """What the policy asks of a header that is made already."""
        is_plain = _PLAIN.fullmatch(self)
        line = self if is_plain else Header(self, "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {line}{policy.linesep}"


def compose(settings: Settings, user: About, about: About) -> EmailMessage:
    """The mail to this user about a delivery's event or request.

    Raises Refused for an address that takes no mail, Suppressed for a password that is the identity provider's.
    """
    if about["reset_id"] is not None and user["role"] == Role.CANDIDATE and settings.idp_algorithm:
        raise Obsolete("candidates sign in with the identity provider")
    names = {
        "company": in_one_line(about["company_name"] or ""),
        "job": in_one_line(about["job_title"] or ""),
        "candidate": in_one_line(f"{about['first_name']} {about['last_name']}"),
    }
    words = _SAYS.get_template(_template(user, about)).make_module(names)
    said = {name: str(getattr(words, name, "")) for name in ("subject", "lead", "action")}
    shown = said | {"facts": _facts(user, about), "notes": _notes(user, about), "url": _url(settings, about)}
    try:
        to = in_ascii(user["email"])
    except ValueError:
        raise Rejected("the address is not one that a mail can be sent to") from None
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _Subject(said["subject"])
    message["From"] = settings.mail_from
    message["To"] = Address(addr_spec=to)
    message["Date"] = format_datetime(about["event_at"] or about["reset_created_at"])
    message["Message-ID"] = f"<{about['key']}.{user['id']}@{parseaddr(settings.mail_from)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5: no holiday replies
    message.set_content(_LAYOUT.get_template("layout.txt.j2").render(shown))
    message.add_alternative(_LAYOUT.get_template("layout.html.j2").render(shown), subtype="html")
    if user["role"] == Role.CANDIDATE and (method := _METHODS.get(about["event_type"])):
        invitation = export_calendar([about], method, organizer=settings.mail_from, attendee=to)
        message.add_alternative(invitation.decode(), subtype="calendar", params={"method": method.value})
    return message


def _template(user: About, about: About) -> str:
    if about["reset_id"] is not None:
        return "password_reset.j2"
    return f"{user['role']}_{about['event_type'].removeprefix('interview.')}.j2"


def _url(settings: Settings, about: About) -> str | None:
    if about["reset_id"] is not None:
        return reset_link(settings.public_url, settings.secret_key, about["reset_id"])
    if about["event_type"] in _ASKS_FOR_ANSWER:
        return link(settings.public_url, settings.secret_key, about["interview_id"], about["revision"])
    return None


def _notes(user: About, about: About) -> str:
    """The company's words to the candidate; its internal ones go nowhere."""
    is_shown = user["role"] == Role.CANDIDATE and about["event_type"] in (*_ASKS_FOR_ANSWER, EventType.REMINDER)
    return speakable(about["notes"] or "") if is_shown else ""


def _facts(user: About, about: About) -> list[tuple[str, str]]:
    """By the names that `terms.j2` has labels for."""
    if about["reset_id"] is not None:
        return []
    zone_name = about["time_zone"]
    facts = [("when", _when(about["starts_at"], about["duration_minutes"], zone_name))]
    if about["previous_starts_at"] is not None:
        facts.append(("before", _when(about["previous_starts_at"], None, zone_name)))
    facts.append(("how", _TERMS.ways[about["type"]]))
    facts.append(("where", speakable(about["location"] or "")))
    facts.append(("link", speakable(about["meeting_link"] or "")))
    if about["event_type"] in (EventType.DECLINED, EventType.CANCELLED):
        facts.append(("reason", speakable(about["cancellation_reason"] or "")))
    if about["event_type"] == EventType.RESCHEDULE_REQUESTED and about["reschedule_request"]:
        facts += _wish(about["reschedule_request"], zone_name)
    if user["role"] == Role.CANDIDATE:
        contact = [about[f"company_{name}"] for name in ("phone", "email", "address")]
        facts.append(("contact", speakable(", ".join(filter(None, contact)))))
    return [(_TERMS.labels[name], value) for name, value in facts if value]


def _wish(request: About, zone_name: str) -> list[tuple[str, str]]:
    times = [_when(parse_instant(one), None, zone_name) for one in request["proposed_times"]]
    return [("reason", speakable(request["reason"] or "")), ("proposed_times", "\n".join(times))]


def _when(starts_at: datetime, minutes: int | None, zone_name: str) -> str:
    """On the zone's own clocks, the zone named; without `minutes` only the beginning."""
    ends_at = starts_at + timedelta(minutes=minutes) if minutes is not None else None
    local = [moment.astimezone(zone(zone_name)) if moment else None for moment in (starts_at, ends_at)]
    return str(_TERMS.when(*local, zone_name))

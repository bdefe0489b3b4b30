"""iCalendar export of interviews: files and feeds (RFC 5545), invitations by mail (RFC 5546).

The UID stays for an interview's life; SEQUENCE is its revision. DTSTAMP is the last change of interview, job or
company, so equal rows give equal files.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneStandard, vCalAddress, vDuration, vUri

from interviews_api.accounts.answerable_addresses import answerable_address
from interviews_api.config import Settings
from interviews_api.email_addresses import in_ascii
from interviews_api.interviews.link_tokens import pending_link
from interviews_api.interviews.models import OPEN_STATUSES, Actor, InterviewStatus, InterviewType
from interviews_api.interviews.scheduling import ends_at
from interviews_api.interviews.terms import description, phone_call, summary
from interviews_api.web.plain_text import in_one_line, replace_controls
from interviews_api.web.uris import as_uri

_PRODUCT = "-//interviews-api//EN"
_ALARM_BEFORE = timedelta(hours=1)
_LINE_OCTETS = 75
_REFRESH = timedelta(hours=1)
"""How often calendar programs are asked to read a feed (RFC 7986, section 5.7)."""

_SAFE_IN_LOCAL_PART = "!$'*+"  # and letters, digits, - . _ ~ (RFC 6068, section 2)
_STATUS = {
    InterviewStatus.PENDING: "TENTATIVE",
    InterviewStatus.CONFIRMED: "CONFIRMED",
    InterviewStatus.COMPLETED: "CONFIRMED",
    InterviewStatus.CANCELLED: "CANCELLED",
}

InterviewRow = Mapping[Any, Any]
"""A row of an interview with its job, its company (also `company_answerable_email`) and the candidate's phone."""


class Method(StrEnum):
    """Method of an iCalendar object (RFC 5546, section 1.4)."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True)
class Invitee:
    """The candidate that an invitation goes to: its e-mail address in ASCII, and its name.

    `reply_address` receives the answer that the candidate's mail program sends, and is None if nothing does.
    """

    address: str
    name: str
    reply_address: str | None = None


def export_calendar(
    settings: Settings,
    interviews: Iterable[InterviewRow],
    method: Method,
    *,
    invitee: Invitee | None = None,
    feed_name: str | None = None,
) -> bytes:
    """Return the calendar of these interviews in UTF-8.

    Invitations need the `invitee`, and publications must not have it (RFC 5546, section 3.2.1).
    """
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    if feed_name is not None:
        calendar.calendar_name = feed_name  # NAME and X-WR-CALNAME
        calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", vDuration(_REFRESH))
    for interview in interviews:
        calendar.add_component(_event(settings, interview, invitee))
    if not calendar.subcomponents:
        calendar.add_component(_utc())
    return b"".join(_fold(line) for line in calendar.content_lines() if line)


def _fold(line: str) -> bytes:
    """Return a content line in lines of at most 75 octets (RFC 5545, section 3.1).

    Splits between characters, and not after the backslash of an escape, which some clients would not read. The
    icalendar package looks at each character, which takes twice as long for the largest feed.
    """
    raw = line.encode()
    parts = []
    begin, size = 0, _LINE_OCTETS
    while len(raw) - begin > size:
        end = begin + size
        while raw[end] & 0xC0 == 0x80:  # inside of a character of UTF-8
            end -= 1
        part = raw[begin:end]
        if (len(part) - len(part.rstrip(b"\\"))) % 2:
            end -= 1
        parts.append(raw[begin:end])
        begin, size = end, _LINE_OCTETS - 1  # the others begin with a space
    parts.append(raw[begin:])
    return b"\r\n ".join(parts) + b"\r\n"


def _event(settings: Settings, interview: InterviewRow, invitee: Invitee | None) -> Event:
    event = Event()
    event.add("uid", f"{interview['interview_id']}@interviews-api")
    event.add("sequence", interview["revision"])
    changes = (interview["updated_at"], interview["job_updated_at"], interview["company_updated_at"])
    changed_at = max(filter(None, changes))
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("created", interview["created_at"])
    event.add("dtstart", interview["starts_at"])
    event.add("dtend", ends_at(interview))
    status = interview["status"]
    event.add("summary", summary(interview))
    event.add("status", _STATUS[status])
    event.add("transp", "TRANSPARENT" if status == InterviewStatus.CANCELLED else "OPAQUE")
    reply_address = invitee.reply_address if invitee else None
    link = as_uri(interview["meeting_link"]) if interview["meeting_link"] else None
    text = description(
        interview,
        confirmation_link=pending_link(settings, interview),
        meeting_link=link,
        takes_replies=reply_address is not None,
    )
    if text:
        event.add("description", text)
    if place := link if interview["type"] == InterviewType.VIDEO else _place(interview):
        event.add("location", place)
    if link:
        event.add("url", vUri(link))
    organizer = reply_address or answerable_address(interview) or parseaddr(settings.mail_from)[1]
    event.add("organizer", _address(organizer, interview["company_name"]))
    if invitee:
        event.add("attendee", _attendee(interview, invitee))
    if status in OPEN_STATUSES:
        event.add_component(_alarm(summary(interview)))
    return event


def _place(interview: InterviewRow) -> str | None:
    if interview["type"] == InterviewType.PHONE:
        return phone_call(interview)
    return interview["location"] and replace_controls(interview["location"])


def _attendee(interview: InterviewRow, invitee: Invitee) -> vCalAddress:
    attendee = _address(invitee.address, invitee.name)
    attendee.params["PARTSTAT"] = _participation(interview)
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    is_asked = interview["status"] == InterviewStatus.PENDING and invitee.reply_address is not None
    attendee.params["RSVP"] = "TRUE" if is_asked else "FALSE"
    return attendee


def _participation(interview: InterviewRow) -> str:
    """Return PARTSTAT: what the candidate has answered, also to an interview that the company then cancelled."""
    if interview["status"] == InterviewStatus.CANCELLED and interview["cancelled_by"] == Actor.CANDIDATE:
        return "DECLINED"
    is_confirmed = interview["status"] in (InterviewStatus.CONFIRMED, InterviewStatus.COMPLETED)
    return "ACCEPTED" if is_confirmed or interview["confirmed_at"] else "NEEDS-ACTION"


def _address(address: str, name: str | None) -> vCalAddress:
    """Return a `mailto:` URI (RFC 6068, section 2) with the name as CN."""
    with suppress(ValueError):
        address = in_ascii(address)
    local_part, _, domain = address.rpartition("@")
    mailbox = vCalAddress(f"mailto:{quote(local_part, safe=_SAFE_IN_LOCAL_PART)}@{quote(domain, safe='[]:')}")
    if name := in_one_line(name or ""):
        mailbox.params["CN"] = re.sub(r'["\\^]', "'", name)  # not allowed there (RFC 5545, section 3.2, RFC 6868)
    return mailbox


def _alarm(text: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", text)
    alarm.add("trigger", -_ALARM_BEFORE)
    return alarm


def _utc() -> Timezone:
    """Return a time zone, because a calendar needs at least one component (RFC 5545, section 3.6)."""
    always = TimezoneStandard()
    always.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001  # a local time, as RFC 5545 wants it here
    always.add("tzoffsetfrom", timedelta())
    always.add("tzoffsetto", timedelta())
    always.add("tzname", "UTC")
    utc = Timezone()
    utc.add("tzid", "UTC")
    utc.add_component(always)
    return utc

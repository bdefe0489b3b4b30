"""iCalendar export of interviews: files and feeds (RFC 5545), invitations by mail (RFC 5546).

The UID stays for an interview's life; SEQUENCE is its revision. DTSTAMP is the last change, so equal rows
give equal files.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from email.utils import parseaddr
from enum import StrEnum
from typing import Any

from icalendar import Alarm, Calendar, Event, vCalAddress, vUri

from interviews_api.interviews.models import InterviewStatus, InterviewType
from interviews_api.web.bidirectional import isolate
from interviews_api.web.plain_text import in_one_line, replace_controls

_PRODUCT = "-//interviews-api//EN"
_ALARM_BEFORE = timedelta(hours=1)
_LINE_OCTETS = 75
_STATUS = {
    InterviewStatus.PENDING: "TENTATIVE",
    InterviewStatus.CONFIRMED: "CONFIRMED",
    InterviewStatus.COMPLETED: "CONFIRMED",
    InterviewStatus.CANCELLED: "CANCELLED",
}

InterviewRow = Mapping[Any, Any]
"""A row of an interview with the names of its company and job."""


class Method(StrEnum):
    """Method of an iCalendar object (RFC 5546, section 1.4)."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


def export_calendar(
    interviews: Iterable[InterviewRow], method: Method, *, organizer: str, attendee: str | None = None
) -> bytes:
    """Return the calendar of these interviews in UTF-8.

    `organizer` is a mailbox ("Name <address>"), used as organizer when the company has no address. `attendee` is the
    candidate's address; invitations need it, and publications must not have it (RFC 5546, section 3.2.1).
    """
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    for interview in interviews:
        calendar.add_component(_event(interview, organizer, attendee))
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


def _event(interview: InterviewRow, organizer: str, attendee: str | None) -> Event:
    event = Event()
    event.add("uid", f"{interview['interview_id']}@interviews-api")
    event.add("sequence", interview["revision"])
    event.add("dtstamp", interview["updated_at"])
    event.add("last-modified", interview["updated_at"])
    event.add("created", interview["created_at"])
    event.add("dtstart", interview["starts_at"])
    event.add("dtend", interview["starts_at"] + timedelta(minutes=interview["duration_minutes"]))
    company = in_one_line(interview["company_name"])
    summary = f"Interview: {isolate(in_one_line(interview['job_title']))} - {isolate(company)}"
    event.add("summary", summary)
    event.add("status", _STATUS[interview["status"]])
    if interview["notes"]:
        event.add("description", replace_controls(interview["notes"]))
    link = interview["meeting_link"]
    if place := link if interview["type"] == InterviewType.VIDEO else interview["location"]:
        event.add("location", replace_controls(place))
    if link:
        event.add("url", vUri(in_one_line(link)))
    event.add("organizer", _address(interview["company_email"] or parseaddr(organizer)[1], company))
    if attendee:
        candidate = _address(attendee)
        is_confirmed = interview["status"] in (InterviewStatus.CONFIRMED, InterviewStatus.COMPLETED)
        candidate.params["PARTSTAT"] = "ACCEPTED" if is_confirmed else "NEEDS-ACTION"
        candidate.params["ROLE"] = "REQ-PARTICIPANT"
        event.add("attendee", candidate)
    if interview["status"] in (InterviewStatus.PENDING, InterviewStatus.CONFIRMED):
        event.add_component(_alarm(summary))
    return event


def _address(address: str, name: str | None = None) -> vCalAddress:
    mailbox = vCalAddress(f"mailto:{in_one_line(address)}")
    if name:
        mailbox.params["CN"] = re.sub(r'["\\^]', "'", name)  # not allowed there (RFC 5545, section 3.2, RFC 6868)
    return mailbox


def _alarm(text: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", text)
    alarm.add("trigger", -_ALARM_BEFORE)
    return alarm

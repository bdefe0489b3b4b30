"""Interviews as iCalendar objects (RFC 5545; as invitations RFC 5546). Pure: what comes out depends on the rows alone.

One UID for an interview's life; SEQUENCE is its revision; DTSTAMP and LAST-MODIFIED are its last change, never now.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from email.utils import parseaddr
from enum import StrEnum
from typing import Any

from icalendar import Alarm, Calendar, Event, vCalAddress, vUri

from interviews_api.interviews.models import InterviewStatus, InterviewType

_PRODUCT = "-//interviews-api//EN"
_ALARM_BEFORE = timedelta(hours=1)
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff\ufffe\uffff]+")
_STATUS = {
    InterviewStatus.PENDING: "TENTATIVE",
    InterviewStatus.CONFIRMED: "CONFIRMED",
    InterviewStatus.COMPLETED: "CONFIRMED",
    InterviewStatus.CANCELLED: "CANCELLED",
}

Interview = Mapping[Any, Any]


class Method(StrEnum):
    """What a calendar is to do with it (RFC 5546, section 1.4)."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


def speakable(text: str) -> str:
    """With line breaks as line feeds, and without the control characters that no calendar or header may carry."""
    return _UNSPEAKABLE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def in_one_line(text: str) -> str:
    """The same with every run of blanks and breaks as one blank."""
    return " ".join(speakable(text).split())


def export_calendar(
    interviews: Iterable[Interview], method: Method, *, organizer: str, attendee: str | None = None
) -> bytes:
    """The calendar of these interviews, which have the names of company and job with them.

    `organizer` is a mailbox ("Name <address>") that stands for companies without an e-mail address; `attendee` the
    invited person's address, which an invitation needs and a publication must not have.
    """
    made = Calendar()
    made.add("prodid", _PRODUCT)
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", method.value)
    for interview in interviews:
        made.add_component(_event(interview, organizer, attendee))
    raw: bytes = made.to_ical()
    return raw


def _event(interview: Interview, organizer: str, attendee: str | None) -> Event:
    event = Event()
    event.add("uid", f"{interview['interview_id']}@interviews-api")
    event.add("sequence", interview["revision"])
    event.add("dtstamp", interview["updated_at"])
    event.add("last-modified", interview["updated_at"])
    event.add("created", interview["created_at"])
    event.add("dtstart", interview["starts_at"])
    event.add("dtend", interview["starts_at"] + timedelta(minutes=interview["duration_minutes"]))
    company = in_one_line(interview["company_name"])
    summary = f"Interview: {in_one_line(interview['job_title'])} - {company}"
    event.add("summary", summary)
    event.add("status", _STATUS[interview["status"]])
    if interview["notes"]:
        event.add("description", speakable(interview["notes"]))
    link = interview["meeting_link"]
    if place := link if interview["type"] == InterviewType.VIDEO else interview["location"]:
        event.add("location", speakable(place))
    if link:
        event.add("url", vUri(in_one_line(link)))
    event.add("organizer", _address(interview["company_email"] or parseaddr(organizer)[1], company))
    if attendee:
        invited = _address(attendee)
        is_confirmed = interview["status"] in (InterviewStatus.CONFIRMED, InterviewStatus.COMPLETED)
        invited.params["PARTSTAT"] = "ACCEPTED" if is_confirmed else "NEEDS-ACTION"
        invited.params["ROLE"] = "REQ-PARTICIPANT"
        event.add("attendee", invited)
    if interview["status"] in (InterviewStatus.PENDING, InterviewStatus.CONFIRMED):
        event.add_component(_alarm(summary))
    return event


def _address(address: str, name: str | None = None) -> vCalAddress:
    made = vCalAddress(f"mailto:{in_one_line(address)}")
    if name:
        made.params["CN"] = re.sub(r'["\\^]', "'", name)  # RFC 5545, section 3.2, and 6868: not for parameters
    return made


def _alarm(text: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", text)
    alarm.add("trigger", -_ALARM_BEFORE)
    return alarm

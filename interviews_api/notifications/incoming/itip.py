"""iTIP replies of attendees: REPLY and COUNTER (RFC 5546, sections 3.2.3 and 3.2.7), as real calendars write them.

Outlook leaves out ORGANIZER. Gmail, Outlook, Apple Calendar and Thunderbird keep UID and SEQUENCE of the invitation.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any
from urllib.parse import unquote

from icalendar import Calendar, vCalAddress, vDDDTypes

from interviews_api.clock import EARLIEST, LATEST
from interviews_api.email_addresses import email_key, in_ascii
from interviews_api.notifications.incoming.mime import CalendarPart
from interviews_api.web.plain_text import replace_controls

_METHODS = ("REPLY", "COUNTER")
_NAMES = ("METHOD", "UID", "RECURRENCE-ID", "SEQUENCE", "ATTENDEE", "COMMENT", "DTSTART")
_MAX_LINES = 200
_HAS_ZONE = ("DTSTART", "RECURRENCE-ID")
_MAX_SLASHES = 8  # the library looks for a zone at each of them, and real names have five at most
_UID = re.compile("([0-9a-f]{24})@interviews-api")  # as icalendar_export.py writes it
_UNKNOWN_SEQUENCE = -1  # which no revision is
_GMAIL = ("gmail.com", "googlemail.com")


class PartStat(StrEnum):
    """The participation status that an attendee answers (RFC 5545, section 3.2.12)."""

    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    TENTATIVE = "TENTATIVE"


@dataclass(frozen=True)
class CalendarReply:
    """An attendee's reply about an interview: a REPLY, or a COUNTER, which proposes another start.

    `addresses` are spellings of the attendee's address. `status` is None for a status that PartStat lacks.
    `starts_at` is in UTC, or None without a time in a known zone.
    """

    interview_id: str
    addresses: tuple[str, ...]
    sequence: int
    status: PartStat | None
    is_counter: bool
    comment: str
    starts_at: datetime | None

    def is_from(self, address: str) -> bool:
        """Return whether the attendee has this address."""
        key = _mailbox_key(address)
        return key != "" and key in map(_mailbox_key, self.addresses)


def read_replies(part: CalendarPart) -> list[CalendarReply] | None:
    """Return the replies in the order of their SEQUENCE, or None if the part is no REPLY or COUNTER."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of a time zone that is guessed from its name
            calendar = Calendar.from_ical("\r\n".join([*_relevant_lines(part.unfolded), ""]))
    except Exception:  # icalendar raises errors of any class: TZID=Europe, a folder of zones, is an OSError
        return None
    method = str(_first(calendar, "METHOD") or part.method).strip().upper()
    if method not in _METHODS:
        return None
    replies = [reply for event in calendar.walk("VEVENT") for reply in _replies(event, is_counter=method == "COUNTER")]
    return sorted(replies, key=attrgetter("sequence"))


def _relevant_lines(text: str) -> Iterator[str]:
    """Yield the lines that a reply is made of; others cost time, and time zones may cost it without end.

    Raises ValueError for the name of a time zone that would cost much to look for.
    """
    inside: list[str] = []
    count = 0
    for line in replace_controls(text).split("\n"):
        name = re.match(r"[A-Za-z-]{1,20}", line)
        key = name[0].upper() if name else ""
        if key == "BEGIN":
            inside.append(line.partition(":")[2].strip().upper())
        if key in _HAS_ZONE and line.count("/") > _MAX_SLASHES:
            raise ValueError("no time zone has such a name")
        is_event = inside in (["VCALENDAR"], ["VCALENDAR", "VEVENT"])
        if is_event and (key in _NAMES or key in ("BEGIN", "END")) and count < _MAX_LINES:
            count += 1
            yield line
        if key == "END" and inside:
            inside.pop()


def _replies(event: Mapping[str, Any], *, is_counter: bool) -> Iterator[CalendarReply]:
    """Yield a reply for each attendee of the event, none for an event that is no interview.

    Interviews do not recur, so a reply about one occurrence is not about an interview.
    """
    uid = _UID.fullmatch(str(_first(event, "UID") or "").strip())
    if uid is None or "RECURRENCE-ID" in event:
        return
    for attendee in (value for value in _all(event, "ATTENDEE") if isinstance(value, vCalAddress)):
        status = str(attendee.params.get("PARTSTAT", "")).upper()
        yield CalendarReply(
            uid[1],
            tuple(_addresses(attendee)),
            _sequence(event),
            PartStat(status) if status in tuple(PartStat) else None,
            is_counter,
            "\n".join(str(comment) for comment in _all(event, "COMMENT")),
            _start(event),
        )


def _sequence(event: Mapping[str, Any]) -> int:
    """Return the SEQUENCE: 0 if there is none (RFC 5545, section 3.8.7.4), -1 if it cannot be read."""
    sequence = _first(event, "SEQUENCE")
    if sequence is None:
        return 0
    return sequence if isinstance(sequence, int) else _UNKNOWN_SEQUENCE


def _start(event: Mapping[str, Any]) -> datetime | None:
    """Return the start (UTC), or None if it is no instant, or none that interviews can have."""
    value = _first(event, "DTSTART")
    start = value.dt if isinstance(value, vDDDTypes) else None  # icalendar keeps what it cannot read as another type
    if not isinstance(start, datetime) or start.tzinfo is None:
        return None
    try:
        instant = start.astimezone(UTC)
    except OverflowError:
        return None
    return instant if EARLIEST <= instant < LATEST else None


def _all(component: Mapping[str, Any], name: str) -> list[Any]:
    value = component.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _first(component: Mapping[str, Any], name: str) -> Any:
    return next(iter(_all(component, name)), None)


def _addresses(attendee: Any) -> Iterator[str]:
    """Yield the addresses of an ATTENDEE: its `mailto:` URI, and its parameter EMAIL (RFC 7986, section 6.2)."""
    uri = str(attendee).strip()
    yield unquote(re.sub(r"^mailto:\s*", "", uri, flags=re.IGNORECASE).partition("?")[0]).strip(" <>\"'")
    yield str(attendee.params.get("EMAIL", ""))


def _mailbox_key(address: str) -> str:
    """Return the key of an address, empty if it is none; Gmail ignores dots and what follows a plus sign."""
    try:
        key = email_key(in_ascii(address))
    except ValueError:
        return ""
    local_part, _, domain = key.rpartition("@")
    if domain not in _GMAIL:
        return key
    return f"{local_part.partition('+')[0].replace('.', '')}@{_GMAIL[0]}"

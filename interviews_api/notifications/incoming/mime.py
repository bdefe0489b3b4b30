"""Incoming mail: its header and its calendar part (RFC 6047), read in linear time whatever the bytes.

Python's parser of whole messages takes quadratic time for deeply nested parts, so only its parser of headers is used.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

MAX_BYTES = 1024 * 1024
_MAX_HEADER = 256 * 1024  # Exchange adds tens of KiB
_MAX_PART_HEADER = 16 * 1024
_MAX_FIELD = 2000  # characters of Content-Type
_MAX_CALENDAR = 128 * 1024  # of an invitation with the longest notes, twice over
_MAX_DEPTH = 5
_MAX_PARTS = 50
_FOLD = re.compile(r"\r?\n[ \t]")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_METHOD = re.compile(r';\s*method\s*=\s*"?([A-Za-z-]+)', re.IGNORECASE)
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([A-Za-z0-9_-]+)', re.IGNORECASE)
_CHARSETS = ("us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252")  # others are UTF-8 (RFC 5545, section 3.1.4)


@dataclass(frozen=True)
class CalendarPart:
    """An iCalendar object of a mail, and the method of its MIME type in capitals, which may be empty."""

    text: str
    method: str

    @property
    def unfolded(self) -> str:
        """The text with each content line in one line (RFC 5545, section 3.1)."""
        return _FOLD.sub("", self.text)


@dataclass(frozen=True)
class IncomingMail:
    """A mail: its header, and its first calendar part or None."""

    header: Message
    calendar: CalendarPart | None

    def values(self, *names: str) -> list[str]:
        """Return the values of these header fields, in the order of the names."""
        return [str(value) for name in names for value in self.header.get_all(name, [])]


@dataclass(frozen=True)
class _Part:
    content_type: str
    content_type_field: str
    """The whole Content-Type, or nothing if it is too long."""
    header: Message
    body: bytes


def read_mail(raw: bytes) -> IncomingMail | None:
    """Return the mail, or None if its header is longer than 256 KiB.

    `raw` may be the beginning of a mail of over MAX_BYTES; such a mail has no calendar part.
    """
    header, body = _split(raw, _MAX_HEADER)
    if header is None:
        return None
    if len(raw) > MAX_BYTES:
        return IncomingMail(header, None)
    calendars = [part for part in _leaves(_part(header, body)) if _is_calendar(part)]
    # Gmail and Thunderbird attach a second copy as application/ics, which may lack the method.
    calendars.sort(key=lambda part: part.content_type != "text/calendar")
    return IncomingMail(header, _read_calendar(calendars[0]) if calendars else None)


def _split(raw: bytes, longest: int) -> tuple[Message | None, bytes]:
    """Return header and body; the header is None if it has more than `longest` bytes."""
    if raw.startswith((b"\n", b"\r\n")):  # a part without a header
        return Message(compat32), raw.partition(b"\n")[2]
    end = _HEADER_END.search(raw, 0, longest)
    if end is None and len(raw) > longest:
        return None, b""
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    return BytesParser(policy=compat32).parsebytes(head + b"\n\n", headersonly=True), body


def _part(header: Message, body: bytes) -> _Part:
    field = str(header.get("Content-Type", "text/plain"))
    field = field if len(field) <= _MAX_FIELD else ""
    return _Part(field.partition(";")[0].strip().lower(), field, header, body)


def _leaves(part: _Part) -> Iterator[_Part]:
    """Yield the parts that have no parts, of at most _MAX_PARTS in all."""
    waiting, count = [(part, 0)], 0
    while waiting and count < _MAX_PARTS:
        part, depth = waiting.pop(0)
        count += 1
        boundary = _BOUNDARY.search(part.content_type_field) if part.content_type.startswith("multipart/") else None
        if boundary is None:
            yield part
        elif depth < _MAX_DEPTH:
            pieces = _pieces(part.body, (boundary[1] or boundary[2]).encode(errors="replace"))
            waiting[:0] = [(inner, depth + 1) for inner in pieces]


def _pieces(body: bytes, boundary: bytes) -> list[_Part]:
    """Return the parts between the delimiters (RFC 2046, section 5.1.1)."""
    delimiter = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*\r?$", re.MULTILINE)
    parts: list[_Part] = []
    begin = None
    for match in delimiter.finditer(body):
        if begin is not None:
            header, inner = _split(body[begin : match.start()], _MAX_PART_HEADER)
            parts += [_part(header, inner)] if header is not None else []
        begin = match.end() + 1
        if match[1] or len(parts) >= _MAX_PARTS:
            break
    return parts


def _is_calendar(part: _Part) -> bool:
    return part.content_type in ("text/calendar", "application/ics")


def _read_calendar(part: _Part) -> CalendarPart | None:
    """Return the decoded calendar, or None if it is too long or cannot be decoded."""
    raw = part.body[: 2 * _MAX_CALENDAR]
    try:
        match str(part.header.get("Content-Transfer-Encoding", "")).strip().lower():
            case "base64":
                raw = binascii.a2b_base64(raw)
            case "quoted-printable":
                raw = quopri.decodestring(raw)
    except binascii.Error:
        return None
    if len(raw) > _MAX_CALENDAR:
        return None
    charset = _CHARSET.search(part.content_type_field)
    name = charset[1].lower() if charset else ""
    text = raw.decode(name if name in _CHARSETS else "utf-8-sig", errors="replace")
    method = _METHOD.search(part.content_type_field)
    return CalendarPart(text, method[1].upper() if method else "")

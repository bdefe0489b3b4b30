"""Incoming mails as bytes: what a calendar wrote in them, in a bounded time and without an error for any bytes."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from interviews_api.notifications.incoming.receive import Incoming, read_incoming
from interviews_api.notifications.incoming.reply_addresses import make_reply_address
from tests.support.calendar_mails import (
    FORMS,
    REPLY_ADDRESS,
    Form,
    Invited,
    apple,
    calendar,
    crlf,
    outlook,
    thunderbird,
)
from tests.support.settings import SECRETS

ORGANIZER = make_reply_address(REPLY_ADDRESS, SECRETS["SECRET_KEY"], "a" * 24, "b" * 24)
INVITED = Invited(ORGANIZER, "a" * 24, 0, "ada@example.com")
CALENDAR = 120 * 1024  # bytes: nearly the longest calendar that is read
BODY = 1000 * 1024  # bytes: nearly the longest mail that is read


def read(raw: bytes) -> Incoming | None:
    return read_incoming(raw, REPLY_ADDRESS)


def sequences(raw: bytes) -> list[int]:
    incoming = read(raw)
    assert incoming is not None
    return [reply.sequence for reply in incoming.replies or ()]


@pytest.mark.parametrize("written", ["x", "", "-1", "4294967296", "9" * 5000, "1.0", "0x0"])
def test_sequence_that_cannot_be_read_is_that_of_no_revision(written: str) -> None:
    (sequence,) = sequences(outlook(INVITED).replace(b"SEQUENCE:0", f"SEQUENCE:{written}".encode()))
    assert sequence < 0


def test_missing_sequence_is_that_of_the_first_revision() -> None:
    assert sequences(outlook(INVITED).replace(b"SEQUENCE:0\r\n", b"")) == [0]


@pytest.mark.parametrize(
    ("in_mime", "in_calendar", "is_counter"),
    [
        ("REPLY", "REPLY", False), ("reply", "counter", True), ("REQUEST", "REPLY", False), ("COUNTER", "", True),
        ("REPLY", "REQUEST", None), ("REPLY", "PUBLISH", None), ("REPLY", "CANCEL", None), ("REQUEST", "", None),
    ],
)  # fmt: skip
def test_method_of_the_calendar_is_before_that_of_the_mail(
    in_mime: str, in_calendar: str, is_counter: bool | None
) -> None:
    """They must be equal (RFC 6047, section 2.4); `is_counter` is None for a mail that is no answer."""
    method = f"METHOD:{in_calendar}".encode() if in_calendar else b"X-METHOD:REPLY"
    raw = thunderbird(INVITED).replace(b"METHOD:REPLY", method).replace(b"method=REPLY", f"method={in_mime}".encode())
    incoming = read(raw)
    assert incoming is not None
    replies = incoming.replies
    assert (replies and [reply.is_counter for reply in replies]) == (None if is_counter is None else [is_counter])


@pytest.mark.parametrize("name", FORMS)
def test_answer_about_an_occurrence_is_about_no_interview(name: str) -> None:
    """Interviews do not recur; an answer about the interview beside it counts."""
    incoming = read(FORMS[name](INVITED, "DECLINED", extra="RECURRENCE-ID:20300517T080000Z"))
    assert incoming is not None
    assert incoming.replies == []
    occurrence = calendar(replace(INVITED, sequence=7), "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.com",
                          extra="RECURRENCE-ID;TZID=Europe/Paris:20300517T080000")  # fmt: skip
    event = crlf(occurrence[occurrence.index("BEGIN:VEVENT") : occurrence.index("END:VCALENDAR")])
    assert sequences(outlook(INVITED).replace(b"END:VCALENDAR", event + b"END:VCALENDAR")) == [0]


@pytest.mark.parametrize("zone", [
    "Europe/Paris", "Romance Standard Time", "/freeassociation.sourceforge.net/Europe/Paris",
    "/softwarestudio.org/Olson_20011030_5/Europe/Paris", '"Europe/Paris"', "/mozilla.org/20050126_1/Europe/Paris",
])  # fmt: skip
def test_proposed_time_is_read_in_zones_as_programs_name_them(zone: str) -> None:
    incoming = read(outlook(INVITED, method="COUNTER", extra=f"DTSTART;TZID={zone}:20300517T100000"))
    assert incoming is not None
    (reply,) = incoming.replies or ()
    assert reply.starts_at == datetime(2030, 5, 17, 8, tzinfo=UTC)


@pytest.mark.parametrize("charset", ["UTF8", "us-ascii", "iso-8859-1", "utf-7", "utf-16", "idna", "rot13", "x"])
def test_answer_counts_whatever_charset_is_named(charset: str) -> None:
    assert sequences(outlook(INVITED).replace(b'charset="utf-8"', f'charset="{charset}"'.encode())) == [0]


def test_calendar_may_begin_with_a_byte_order_mark() -> None:
    assert sequences(outlook(INVITED).replace(b"BEGIN:VCALENDAR", b"\xef\xbb\xbfBEGIN:VCALENDAR")) == [0]


def test_calendar_in_another_encoding_is_no_answer() -> None:
    head, begin, body = outlook(INVITED).partition(b"BEGIN:VCALENDAR")
    head = head.replace(b"Auto-Submitted: auto-generated", b"Auto-Submitted: no")
    incoming = read(head + (begin + body).decode().encode("utf-16"))
    assert incoming is not None
    assert incoming.replies is None


def with_line(line: str, *, before: str = "SEQUENCE:0") -> bytes:
    """Return an answer with another content line, which is not folded."""
    return outlook(INVITED).replace(before.encode(), f"{line}\r\n{before}".encode())


def with_body(content_type: str, body: bytes) -> bytes:
    return f"To: {ORGANIZER}\r\nContent-Type: {content_type}\r\n\r\n".encode() + body[:BODY]


def repeated(text: str, length: int = CALENDAR) -> str:
    return text * (length // len(text.encode()))


ZONE = ["BEGIN:VTIMEZONE", "TZID:X", "BEGIN:STANDARD", "DTSTART:16010101T000000", "RRULE:FREQ=SECONDLY", "END:STANDARD",
        "END:VTIMEZONE"]  # fmt: skip
BOMBS = {
    "parameters": with_line(f"ATTENDEE{repeated(';A=b')}:mailto:ada@example.com"),
    "different parameters": with_line("ATTENDEE;" + ";".join(f"X{n}=1" for n in range(12_000)) + ":mailto:x"),
    "values of a parameter": with_line(f"ATTENDEE;CN={repeated('a,')}a:mailto:ada@example.com"),
    "quotes": with_line(f"ATTENDEE;CN={repeated(chr(34))}:mailto:ada@example.com"),
    "quoted commas": with_line(f"ATTENDEE;CN={repeated(chr(34) + ',' + chr(34) + ',')}:mailto:ada@example.com"),
    "carets": with_line(f"ATTENDEE;CN={repeated('^')}:mailto:ada@example.com"),
    "blanks": with_line(f"ATTENDEE;CN={repeated(' ')}:mailto:ada@example.com"),
    "blanks between parameters": with_line(f"ATTENDEE{repeated(' ; ')}:mailto:ada@example.com"),
    "quoted blanks": with_line(f'ATTENDEE;CN="{repeated(" ")}";X= :mailto:ada@example.com'),
    "backslashes": with_line("COMMENT:" + repeated("\\")),
    "escapes": with_line("COMMENT:" + repeated("\\n")),
    "address": with_line(f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{repeated('a')}@example.com"),
    "mailto": with_line(f"ATTENDEE;PARTSTAT=ACCEPTED:{repeated('mailto: ')}"),
    "percent": with_line(f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{repeated('%40')}"),
    "domain": with_line(f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@{repeated('ü.')}"),
    "attendees": with_line("\r\n".join(["ATTENDEE;PARTSTAT=ACCEPTED:mailto:" + "b" * 500 + "@example.com"] * 200)),
    "starts": with_line("\r\n".join([f"DTSTART;TZID=America/Argentina/{'x' * 500}:20300517T080000"] * 200)),
    "zone": with_line(f"DTSTART;TZID={repeated('x/')}:20300517T080000"),
    "zone of a vendor": with_line(f"DTSTART;TZID=/{repeated('x/')}:20300517T080000"),
    "zones of vendors": with_line("\r\n".join([f"DTSTART;TZID=/{'x/' * 200}:20300517T080000"] * 200)),
    "zones of occurrences": with_line("\r\n".join([f"RECURRENCE-ID;TZID=/{'x/' * 200}:20300517T080000"] * 200)),
    "zones with eight slashes": with_line("\r\n".join([f"DTSTART;TZID=/{'x/' * 6}x:20300517T080000"] * 200)),
    "duration": with_line("DTSTART:P" + repeated("1")),
    "zone above": with_line(f"DTSTART;TZID={repeated('../')}etc/passwd:20300517T080000"),
    "digits of a start": with_line("DTSTART:" + repeated("1")),
    "sequence": with_line("SEQUENCE:" + repeated("9")),
    "uid": with_line("UID:" + repeated("a"), before="UID:"),
    "names": with_line("\r\n".join(["A" * 500] * 200)),
    "folds": outlook(INVITED).replace(b"SEQUENCE:0", b"SEQUENCE:0" + b"\r\n " * (CALENDAR // 3)),
    "line ends": outlook(INVITED).replace(b"SEQUENCE:0", b"SEQUENCE:0" + b"\r\n" * (CALENDAR // 2)),
    "bidirectional controls": with_line("COMMENT:" + repeated("\u2066\u202a")),
    "unbalanced bidirectional controls": with_line("COMMENT:" + repeated("\u2067") + repeated("\u202c")),
    "components": with_line("\r\n".join(["BEGIN:VEVENT"] * 9000)),
    "other components": with_line("\r\n".join(["BEGIN:X"] * 9000)),
    "ends": with_line("\r\n".join(["END:VEVENT"] * 9000)),
    "calendars": outlook(INVITED).replace(b"--_000_AS8P251MB0958_--", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" * 3000),
    "zones": with_line("\r\n".join(ZONE * 500), before="BEGIN:VEVENT"),
    "base64": with_body("text/calendar; method=REPLY\r\nContent-Transfer-Encoding: base64", b"=" * BODY),
    "quoted-printable": with_body(
        "text/calendar; method=REPLY\r\nContent-Transfer-Encoding: quoted-printable", b"=" * BODY
    ),
    "soft line breaks": with_body(
        "text/calendar; method=REPLY\r\nContent-Transfer-Encoding: quoted-printable", b"=\r\n" * (BODY // 3)
    ),
    "boundaries": with_body('multipart/mixed; boundary="-"', b"---\r\n" * (BODY // 5)),
    "blanks after a boundary": with_body("multipart/mixed; boundary=b", (b"--b" + b" " * 9000 + b"x\r\n") * 100),
    "parts without a header": with_body("multipart/mixed; boundary=b", b"--b\r\n\r\n" * (BODY // 7)),
    "long header of a part": with_body("multipart/mixed; boundary=b", b"--b\r\n" + b"A: b\r\n" * (BODY // 6)),
    "folds of a header": b"To: a" + b"\r\n " * 80_000 + ORGANIZER.encode() + b"\r\n\r\n",
    "recipients": b"To: " + ORGANIZER.encode() + b",\r\n x+" * 40_000 + b"\r\n\r\n",
    "reply addresses": b"To: " + (ORGANIZER.encode() + b",\r\n ") * 3000 + b"x@y.example\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_read_in_little_time(name: str) -> None:
    began = time.process_time()
    read(BOMBS[name])
    assert time.process_time() - began < 1


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda body: with_body("text/calendar", body)))
@example(b"")
@example(b"\r\n")
@example(b"To: \xff\r\n\r\n")
@example(b"Content-Type: text/calendar; charset=\xff\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REPLY")
@example(b"\x00" * 10)
def test_any_bytes_are_read_without_an_error(raw: bytes) -> None:
    read(raw)


@given(
    st.sampled_from([apple, outlook, thunderbird]), st.integers(0, 2000), st.integers(0, 2000), st.binary(max_size=20)
)
def test_damaged_answer_is_read_without_an_error(form: Form, begin: int, end: int, between: bytes) -> None:
    raw = form(INVITED)
    read(raw[:begin] + between + raw[end:])


@given(
    st.sampled_from(["ATTENDEE", "SEQUENCE", "UID", "DTSTART", "COMMENT", "METHOD", "RECURRENCE-ID", "BEGIN"]),
    st.text(max_size=60),
)
@example("DTSTART", ";TZID=Europe:20300517T080000")
@example("DTSTART", ";VALUE=PERIOD:20300517T080000Z/PT1H")
@example("DTSTART", ":00010101T000000Z")
@example("DTSTART", ";TZID=Pacific/Kiritimati:00010101T000000")
@example("DTSTART", ";TZID=America/New_York:99991231T235959")
@example("ATTENDEE", ";EMAIL=\ud7ff:mailto:%00@%ff")
@example("ATTENDEE", ';EMAIL="a","b":mailto:')
@example("ATTENDEE", ";VALUE=BINARY;ENCODING=BASE64:x")
@example("ATTENDEE", ";VALUE=INTEGER:1")
@example("SEQUENCE", ";VALUE=TEXT:1")
@example("UID", ";VALUE=DATE:20300517")
def test_any_content_line_is_read_without_an_error(name: str, rest: str) -> None:
    incoming = read(with_line(f"{name}{rest}", before="UID:"))
    for reply in (incoming and incoming.replies) or ():
        reply.is_from("ada@example.com")

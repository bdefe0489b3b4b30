"""The calendar file's content lines: text of users never becomes a line."""

from datetime import UTC, datetime
from typing import Any

import pytest
from ics import Calendar as ReadCalendar

from interviews_api.interviews.icalendar_export import Method, export_calendar
from tests.support.icalendar import properties

NASTY = '\r\nX-EVIL:1\nEND:VEVENT\r\u2028;,\\":^ \x00\x1b =?utf-8?q?=0D=0AX-EVIL:1=00?= é' + "ü" * 90


def exported(method: Method, **values: Any) -> bytes:
    """Return the file of an interview with these values."""
    moment = datetime(2026, 11, 23, 9, tzinfo=UTC)
    row: dict[str, Any] = dict.fromkeys(("location", "meeting_link", "notes", "company_name", "job_title"), "x")
    row |= dict.fromkeys(("updated_at", "created_at", "starts_at"), moment)
    row |= {"interview_id": "a" * 24, "revision": 0, "duration_minutes": 60, "status": "confirmed", "type": "Video"}
    row |= {"company_email": None} | values
    return export_calendar([row], method, organizer="A <a@b.co>", attendee="i@b.co\r\nX-EVIL:1")


@pytest.mark.parametrize("text", ["a", "é", "\u20ac", "\U0001f600", "\\", ",", "\n", "\\a", "\\\\é", "\U0001f600\\,é"])
def test_lines_are_folded_between_characters_and_escapes(text: str) -> None:
    for prefix in ("", "x", "xx", "xxx"):
        notes = prefix + text * 200
        raw = exported(Method.REQUEST, notes=notes)
        lines = raw.split(b"\r\n")
        assert max(map(len, lines)) <= 75
        for line in lines:
            assert (len(line) - len(line.rstrip(b"\\"))) % 2 == 0, "an escape is split"
            line.decode()
        (event,) = ReadCalendar(raw.decode()).events
        assert event.description == notes


@pytest.mark.parametrize("method", Method)
def test_hostile_text_becomes_no_calendar_line(method: Method) -> None:
    texts = dict.fromkeys(("location", "meeting_link", "notes", "company_name", "job_title"), NASTY)
    for email in (None, "hr@lumen.example\r\nX-EVIL:1"):
        raw = exported(method, company_email=email, **texts)
        lines = properties(raw)
        assert "X-EVIL" not in lines
        assert lines["END"] == ["VALARM", "VEVENT", "VCALENDAR"]
        (event,) = ReadCalendar(raw.decode()).events
        assert event.name.startswith("Interview: X-EVIL:1 END:VEVENT ;,\\")

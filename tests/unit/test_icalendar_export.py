"""The calendar file's content lines: text of users never becomes a line."""

from datetime import UTC, datetime
from typing import Any

import pytest
from ics import Calendar as ReadCalendar

from interviews_api.interviews.icalendar_export import Method, export_calendar
from tests.support.icalendar import properties
from tests.support.settings import SETTINGS

NASTY = '\r\nX-EVIL:1\nEND:VEVENT\r\u2028;,\\":^ \x00\x1b =?utf-8?q?=0D=0AX-EVIL:1=00?= é' + "ü" * 90


@pytest.mark.parametrize("method", Method)
def test_hostile_text_becomes_no_calendar_line(method: Method) -> None:
    moment = datetime(2026, 11, 23, 9, tzinfo=UTC)
    row: dict[str, Any] = dict.fromkeys(("location", "meeting_link", "notes", "company_name", "job_title"), NASTY)
    row |= dict.fromkeys(("updated_at", "created_at", "starts_at"), moment)
    row |= {"interview_id": "a" * 24, "revision": 0, "duration_minutes": 60, "status": "confirmed", "type": "Video"}
    for email in (None, "hr@lumen.example\r\nX-EVIL:1"):
        row["company_email"] = email
        raw = export_calendar(
            [row], method, organizer=SETTINGS.get("MAIL_FROM", "A <a@b.co>"), attendee="i@b.co\r\nX-EVIL:1"
        )
        lines = properties(raw)
        assert "X-EVIL" not in lines
        assert lines["END"] == ["VALARM", "VEVENT", "VCALENDAR"]
        (event,) = ReadCalendar(raw.decode()).events
        assert event.name.startswith("Interview: X-EVIL:1 END:VEVENT ;,\\")

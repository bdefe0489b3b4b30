"""The content lines of calendar entries: what they say, and that text of users never becomes a line."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from icalendar import Calendar
from ics import Calendar as ReadCalendar

from interviews_api.config import Settings
from interviews_api.interviews.icalendar_export import Invitee, Method, export_calendar
from interviews_api.interviews.link_tokens import make_token
from interviews_api.interviews.models import InterviewStatus, InterviewType
from tests.support.icalendar import properties
from tests.support.settings import SECRETS

NASTY = '\r\nX-EVIL:1\nEND:VEVENT\r\u2028;,\\":^ \x00\x1b =?utf-8?q?=0D=0AX-EVIL:1=00?= é' + "ü" * 90


TEXTS = ("location", "meeting_link", "notes", "company_name", "job_title", "company_phone", "company_address")
MOMENT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def exported(
    method: Method, *, reply_address: str | None = None, mail_from: str = "A <a@b.co>", **values: Any
) -> bytes:
    """Return the file of an interview with these values."""
    row: dict[str, Any] = dict.fromkeys(TEXTS, "x") | dict.fromkeys(("updated_at", "created_at", "starts_at"), MOMENT)
    row |= {"interview_id": "a" * 24, "revision": 0, "duration_minutes": 60, "status": "confirmed", "type": "Video"}
    empty = ("confirmed_at", "cancelled_by", "job_updated_at", "company_updated_at", "candidate_phone", "company_email")
    row |= dict.fromkeys((*empty, "company_answerable_email")) | values
    invitee = None if method is Method.PUBLISH else Invitee("i@b.co\r\nX-EVIL:1", "I", reply_address)
    settings = Settings.load(SECRETS | {"MAIL_FROM": mail_from, "PUBLIC_URL": "https://jobs.example"})
    return export_calendar(settings, [row], method, invitee=invitee)


def entry(raw: bytes) -> Any:
    """Return the only event, as the icalendar package reads it."""
    (event,) = Calendar.from_ical(raw).walk("VEVENT")
    return event


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
        assert event.description == f"{notes}\n\nLink: x\n\nContact: x, x"


@pytest.mark.parametrize("method", Method)
def test_hostile_text_becomes_no_calendar_line(method: Method) -> None:
    texts = dict.fromkeys((*TEXTS, "candidate_phone", "company_email"), NASTY)
    for email, kind in product((None, "hr@lumen.example\r\nX-EVIL:1"), InterviewType):
        raw = exported(method, company_answerable_email=email, type=kind, **texts)
        lines = properties(raw)
        assert "X-EVIL" not in lines
        assert lines["END"] == ["VALARM", "VEVENT", "VCALENDAR"]
        (event,) = ReadCalendar(raw.decode()).events
        assert event.name.startswith("Interview: X-EVIL:1 END:VEVENT ;,\\")


@pytest.mark.parametrize(
    ("values", "state", "status", "transparency"),
    [
        ({"status": "en_attente"}, "To confirm: ", "TENTATIVE", "OPAQUE"),
        ({"status": "confirmed"}, "", "CONFIRMED", "OPAQUE"),
        ({"status": "completed"}, "", "CONFIRMED", "OPAQUE"),
        ({"status": "annule"}, "Cancelled: ", "CANCELLED", "TRANSPARENT"),
    ],
)
@pytest.mark.parametrize("method", Method)
def test_calendars_without_states_show_the_state(
    method: Method, values: dict[str, str], state: str, status: str, transparency: str
) -> None:
    """Subscribed calendars of Outlook and Google ignore STATUS."""
    event = entry(exported(method, **values))
    assert event["SUMMARY"] == f"{state}Interview: x - x"
    assert (event["STATUS"], event["TRANSP"]) == (status, transparency)


@pytest.mark.parametrize(
    ("values", "participation", "is_asked"),
    [
        ({"status": "en_attente"}, "NEEDS-ACTION", True),
        ({"status": "confirmed", "confirmed_at": MOMENT}, "ACCEPTED", False),
        ({"status": "confirmed"}, "ACCEPTED", False),
        ({"status": "annule", "cancelled_by": "candidate", "confirmed_at": MOMENT}, "DECLINED", False),
        ({"status": "annule", "cancelled_by": "company", "confirmed_at": MOMENT}, "ACCEPTED", False),
        ({"status": "annule", "cancelled_by": "company"}, "NEEDS-ACTION", False),
        ({"status": "annule"}, "NEEDS-ACTION", False),
    ],
)
@pytest.mark.parametrize("reply_address", [None, "replies+a2b3@jobs.example"])
def test_attendee_is_asked_only_where_an_answer_arrives(
    reply_address: str | None, values: dict[str, Any], participation: str, is_asked: bool
) -> None:
    event = entry(exported(Method.REQUEST, reply_address=reply_address, **values))
    parameters = event["ATTENDEE"].params
    assert (parameters["CN"], parameters["PARTSTAT"]) == ("I", participation)
    assert parameters["RSVP"] == ("TRUE" if is_asked and reply_address else "FALSE")
    assert event["ORGANIZER"] == f"mailto:{reply_address or 'a@b.co'}"
    if values["status"] == "en_attente":
        assert ("in the calendar reaches nobody" in event["DESCRIPTION"]) == (reply_address is None)


@pytest.mark.parametrize("method", Method)
def test_description_has_the_link_to_answer_while_it_is_needed(method: Method) -> None:
    for status in InterviewStatus:
        raw = exported(method, status=status, revision=7, notes="Bring ink", company_email="hr@lumen.example")
        text = entry(raw)["DESCRIPTION"]
        link = f"https://jobs.example/interviews/confirm/{make_token(SECRETS['SECRET_KEY'], 'a' * 24, 7)}"
        assert (f"\n{link}\n" in text) == (status == "en_attente")
        assert text.endswith("Bring ink\n\nLink: x\n\nContact: x, hr@lumen.example, x")
    assert "DESCRIPTION" not in entry(exported(method, **dict.fromkeys((*TEXTS[1:3], *TEXTS[5:]))))


@pytest.mark.parametrize(
    ("kind", "place"),
    [("Video", "https://meet.example/a%20b"), ("InPerson", "18 Rue"), ("Phone", "x calls you at +33 6 (18 Rue)")],
)
def test_place_is_what_the_type_needs(kind: str, place: str) -> None:
    values = {"location": "18 Rue", "meeting_link": "https://meet.example/a b", "candidate_phone": "+33 6"}
    event = entry(exported(Method.PUBLISH, type=kind, **values))
    assert event["LOCATION"] == place
    assert event["URL"] == "https://meet.example/a%20b"


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        (None, "mailto:a@b.co"),
        ("HR@Lumen.example", "mailto:HR@lumen.example"),
        ("o'neill+{jobs}|=?&/%#@lumen.example", "mailto:o'neill+%7Bjobs%7D%7C%3D%3F%26%2F%25%23@lumen.example"),
        ("hr@bücher.example", "mailto:hr@xn--bcher-kva.example"),
        ("hr lumen", "mailto:a@b.co"),
        ("hr@lumen.example>, <x@y.example", "mailto:a@b.co"),
        ("hr@lumen.example\r\nX-EVIL:1", "mailto:a@b.co"),
    ],
)
@pytest.mark.parametrize("method", Method)
def test_organizer_is_a_mailto_uri(method: Method, address: str | None, uri: str) -> None:
    organizer = entry(exported(method, company_email="typed@anywhere.example", company_answerable_email=address))[
        "ORGANIZER"
    ]
    assert (organizer, organizer.params["CN"]) == (uri, "x")


def test_sender_with_an_international_domain_is_a_mailto_uri() -> None:
    assert (
        entry(exported(Method.PUBLISH, mail_from="A <a@bücher.example>"))["ORGANIZER"]
        == "mailto:a@xn--bcher-kva.example"
    )


@pytest.mark.parametrize("changed", ["updated_at", "job_updated_at", "company_updated_at"])
def test_stamp_is_the_latest_change_of_interview_job_or_company(changed: str) -> None:
    moments = dict.fromkeys(("updated_at", "job_updated_at", "company_updated_at"), MOMENT)
    raw = exported(Method.PUBLISH, **moments | {changed: MOMENT + timedelta(days=1)})
    lines = properties(raw)
    assert lines["DTSTAMP"] == lines["LAST-MODIFIED"] == ["20261124T090000Z"]


def test_calendar_without_events_has_a_component() -> None:
    """RFC 5545, section 3.6: at least one component."""
    settings = Settings.load(SECRETS)
    lines = properties(export_calendar(settings, [], Method.PUBLISH, feed_name="Interviews"))
    assert lines["BEGIN"] == ["VCALENDAR", "VTIMEZONE", "STANDARD"]
    assert (lines["NAME"], lines["X-WR-CALNAME"]) == (["Interviews"], ["Interviews"])
    assert (lines["REFRESH-INTERVAL"], lines["X-PUBLISHED-TTL"]) == (["PT1H"], ["PT1H"])
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in export_calendar(settings, [], Method.PUBLISH, feed_name="x")

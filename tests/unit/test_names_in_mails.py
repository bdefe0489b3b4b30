"""Names in mails, push messages and calendar entries: isolated from the sentence, without bidirectional controls."""

import json
import re
from typing import Any

import pytest
from icalendar import Calendar

from interviews_api.config import Settings
from interviews_api.interviews.icalendar_export import Invitee, Method, export_calendar
from interviews_api.notifications.channels import web_push
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.models import Answer, DeliveryKind
from tests.support.delivery_contexts import delivery_context
from tests.unit.test_email_headers import MAILS

HEBREW = "\u05d3\u05d5\u05d3"
STORED = f"\u202e{HEBREW} <b>"
ISOLATED = f"\u2068{HEBREW} <b>\u2069"
IN_HTML = f"<bdi>{HEBREW} &lt;b&gt;</bdi>"
NAMES = ("company_name", "job_title", "first_name")
SENT = [event for role, event in MAILS if role == "candidate" and event]


def context_of(event: str | None, name: str) -> dict[str, Any]:
    """Return a context in which company, job and candidate have the name; the last name is empty."""
    context = delivery_context(event, "typed") | dict.fromkeys(NAMES, name) | {"last_name": ""}
    if context["mail_details"]:
        context["mail_details"] |= {"company": name, "person": name, "by": name, "change": "added"}
    return context


def composed(role: str | None, event: str | None, name: str, settings: Settings, **values: Any) -> tuple[str, str, str]:
    """Return subject, text and HTML of the mail."""
    user = {"id": "c" * 24, "email": "ada@example.com", "role": role}
    message = compose(settings, user, context_of(event, name) | values)
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    return str(message["Subject"]), text, html


@pytest.mark.parametrize(("role", "event"), MAILS)
def test_mail_isolates_each_right_to_left_name(role: str | None, event: str | None, mail_settings: Settings) -> None:
    mail = composed(role, event, STORED, mail_settings)
    has_names = event is not None and event not in ("account_password_changed", "account_verification")
    assert is_isolated_in(*mail) == has_names


@pytest.mark.parametrize("status", ["en_attente", "annule"])
@pytest.mark.parametrize(
    "values",
    [*({"kind": DeliveryKind.ANSWER, "answer": answer} for answer in Answer),
     {"kind": DeliveryKind.WEBHOOK_DISABLED, "webhook_url": "https://hooks.example/"}],
)  # fmt: skip
def test_mail_without_an_event_isolates_each_right_to_left_name(
    values: dict[str, Any], status: str, mail_settings: Settings
) -> None:
    assert is_isolated_in(*composed("candidate", None, STORED, mail_settings, status=status, **values))
    nameless = dict.fromkeys(("company_phone", "company_email", "company_address"))
    assert is_isolated_in(*composed("candidate", None, STORED, mail_settings, status=status, **values | nameless))


def is_isolated_in(subject: str, text: str, html: str) -> bool:
    """Return whether the mail has the name in a sentence, and check that it is isolated wherever it stands."""
    lead = text.partition("\n")[0]
    for line in (subject, lead):
        assert HEBREW not in line.replace(ISOLATED, "")
        assert line.count("\u2068") == line.count("\u2069") == line.count(HEBREW)
    body = html.partition("<p ")[2]
    assert HEBREW not in body.replace(IN_HTML, "")
    assert body.count("<bdi>") == body.count(HEBREW) == lead.count(HEBREW)
    assert "\u202e" not in subject + text + html
    return HEBREW in lead


@pytest.mark.parametrize(("role", "event"), MAILS)
def test_mail_has_a_left_to_right_name_as_it_is(role: str | None, event: str | None, mail_settings: Settings) -> None:
    subject, text, html = composed(role, event, "Ada & Łukasz", mail_settings)
    assert not re.search("[\u2066-\u2069]", subject + text + html)
    assert html.count("<bdi>Ada &amp; Łukasz</bdi>") == text.count("Ada & Łukasz")


@pytest.mark.parametrize("event", SENT)
def test_push_message_isolates_each_right_to_left_name(event: str) -> None:
    assert json.loads(web_push.payload(context_of(event, STORED)))["body"] == f"{ISOLATED} - {ISOLATED}"
    assert json.loads(web_push.payload(context_of(event, "Ada")))["body"] == "Ada - Ada"


def test_cut_name_in_a_push_message_is_isolated_whole() -> None:
    body = json.loads(web_push.payload(context_of(SENT[0], HEBREW * 100)))["body"]
    assert re.fullmatch("\u2068[^\u2068\u2069]{200}\u2069 - \u2068[^\u2068\u2069]{200}\u2069", body)


def test_calendar_entry_isolates_each_right_to_left_name(mail_settings: Settings) -> None:
    row = context_of("interview.scheduled", STORED) | {"notes": "\u202eturned", "location": "\u2066x\u2069\u202e"}
    raw = export_calendar(mail_settings, [row], Method.REQUEST, invitee=Invitee("i@b.co", STORED))
    (event,) = Calendar.from_ical(raw).walk("VEVENT")
    assert ISOLATED in event["SUMMARY"]
    assert HEBREW not in event["SUMMARY"].replace(ISOLATED, "")
    assert "\u202e" not in raw.decode()
    assert "turned" in event["DESCRIPTION"]

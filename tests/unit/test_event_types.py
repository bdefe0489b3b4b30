"""Each event type has its recipients, words, calendar event and confirmation link."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from interviews_api.config import Settings
from interviews_api.events.models import PUBLISHED_TYPES, EventType
from interviews_api.interviews.models import InterviewStatus
from interviews_api.interviews.state_machine import TRANSITIONS
from interviews_api.notifications.channels import email, web_push
from interviews_api.notifications.recipients import SENT_TO_CANDIDATE, SENT_TO_COMPANY
from tests.support.delivery_contexts import delivery_context
from tests.support.settings import ROOT

TEMPLATES = Path(email.__file__).parents[1] / "templates"
CALENDAR_METHODS = {
    InterviewStatus.PENDING: "REQUEST",
    InterviewStatus.CONFIRMED: "REQUEST",
    InterviewStatus.COMPLETED: None,
    InterviewStatus.CANCELLED: "CANCEL",
    None: None,
}
TARGETS = {transition.event: transition.target_status for transition in TRANSITIONS}
TARGETS[EventType.UPDATED] = InterviewStatus.PENDING  # it keeps the status, which is pending in the contexts below
SENT_TRANSITIONS = sorted(SENT_TO_CANDIDATE & set(TARGETS))


def mail_to(role: str, settings: Settings, event: EventType) -> Any:
    """Return the mail of the event, with the status that the event leads to."""
    user = {"id": "c" * 24, "email": "ada@example.com", "role": role}
    status = TARGETS.get(event) or InterviewStatus.CONFIRMED
    return email.compose(settings, user, delivery_context(event, "text") | {"status": status})


@pytest.mark.parametrize("event", sorted(SENT_TO_CANDIDATE))
def test_event_for_the_candidate_has_a_push_title(event: EventType) -> None:
    try:
        title = orjson.loads(web_push.payload(delivery_context(event, "text")))["title"]
    except KeyError:
        pytest.fail(f"{event} goes to the candidate by push, but _TITLES in web_push.py has no title for it")
    assert title


def test_each_mail_has_a_template_and_each_template_a_mail() -> None:
    events = {"candidate": SENT_TO_CANDIDATE, "company": SENT_TO_COMPANY}
    expected = {f"{role}_{event.rpartition('.')[2]}.j2" for role, types in events.items() for event in types}
    assert {path.name for role in events for path in TEMPLATES.glob(f"{role}_*.j2")} == expected


@pytest.mark.parametrize("event", SENT_TRANSITIONS)
def test_mail_has_the_calendar_method_of_the_new_status(event: EventType, mail_settings: Settings) -> None:
    mail = mail_to("candidate", mail_settings, event)
    methods = [part.get_param("method") for part in mail.walk() if part.get_content_type() == "text/calendar"]
    method = CALENDAR_METHODS[TARGETS[event]]
    assert methods == ([method] if method else []), f"{event}: see _METHODS in event_mails.py"


@pytest.mark.parametrize("event", SENT_TRANSITIONS)
def test_mail_has_a_link_to_answer_while_open(event: EventType, mail_settings: Settings) -> None:
    """The page of the link also declines a confirmed interview."""
    text = mail_to("candidate", mail_settings, event).get_body(("plain",)).get_content()
    is_open = TARGETS[event] in (InterviewStatus.PENDING, InterviewStatus.CONFIRMED)
    assert ("/interviews/confirm/" in text) == is_open, f"{event}: see _HAS_LINK in event_mails.py"
    assert ("decline, or ask for another time" in text or "decline or ask for another time" in text) == is_open


@pytest.mark.parametrize("event", sorted(SENT_TO_COMPANY))
def test_mail_to_the_company_has_no_link_of_the_candidate(event: EventType, mail_settings: Settings) -> None:
    assert b"/interviews/confirm/" not in mail_to("company", mail_settings, event).as_bytes()


def test_published_events_are_those_of_transitions() -> None:
    assert set(TARGETS) == PUBLISHED_TYPES


def test_documentation_has_the_recipients_of_each_event() -> None:
    columns = (SENT_TO_CANDIDATE, SENT_TO_COMPANY, PUBLISHED_TYPES, PUBLISHED_TYPES)
    expected = {event.value: [event in column for column in columns] for event in EventType}
    lines = (ROOT / "docs/notifications.md").read_text().splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `interview.")]
    documented = {event.strip(" `"): [cell.strip() == "yes" for cell in cells] for event, *cells in rows}
    assert documented == expected

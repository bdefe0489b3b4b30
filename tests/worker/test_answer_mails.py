"""Mails to candidates whose calendars answer: the invitation's organizer, and the answers to what comes in."""

from dataclasses import replace
from email.message import EmailMessage

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import update

from interviews_api.accounts.models import Company
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.delivery_errors import Sender
from interviews_api.notifications.models import Channel
from interviews_api.services import service
from tests.support.api import in_days, invitation, local
from tests.support.calendar_mails import FORMS, REPLY_ADDRESS, Form, Invited, Receive, gmail, plain, status
from tests.support.people import People
from tests.support.receivers import Mailbox, part, wait_for, working


@pytest.fixture
def replying_mail(replying_app: Flask, mailbox: Mailbox) -> dict[Channel, Sender]:
    return {Channel.EMAIL: mail_sender(replace(service(Settings, replying_app), **mailbox.settings), seconds=1)}


def event_of(message: EmailMessage) -> tuple[str, Calendar]:
    """Return the method of the mail's calendar, and its event."""
    calendar = Calendar.from_ical(part(message, "text/calendar"))
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), event


def has_calendar(message: EmailMessage) -> bool:
    return "text/calendar" in [inner.get_content_type() for inner in message.walk()]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_calendar_answers_to_the_organizer_of_the_mail(
    form: Form, replying_app: Flask, people: People, mailbox: Mailbox, replying_mail: dict[Channel, Sender],
    receive: Receive,
) -> None:  # fmt: skip
    with working(replying_app, replying_mail):
        interview_id = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
        wait_for(lambda: len(mailbox.messages) == 1)
        (invited_mail,) = mailbox.messages
        method, event = event_of(invited_mail)
        organizer = str(event["ORGANIZER"])
        assert (method, event["ORGANIZER"].params["CN"]) == ("REQUEST", "us")
        assert organizer.startswith("mailto:replies+")
        assert organizer.endswith("@jobs.example")
        assert len(organizer.removeprefix("mailto:").partition("@")[0]) <= 64
        assert "A yes or a no in your calendar counts, too." in part(invited_mail, "text/plain")
        invited = Invited(organizer.removeprefix("mailto:"), interview_id, int(event["SEQUENCE"]), invited_mail["To"])
        assert receive(form(invited)) == "applied"
        wait_for(lambda: len(mailbox.messages) == 3)  # the confirmation, for both sides
    assert status(people, invited) == "confirmed"


def test_organizer_stays_the_same_for_the_interviews_life(
    replying_app: Flask, people: People, mailbox: Mailbox, replying_mail: dict[Channel, Sender]
) -> None:
    with working(replying_app, replying_mail):
        interview_id = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
        wait_for(lambda: len(mailbox.messages) == 1)
        people.us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(in_days(5)))
        wait_for(lambda: len(mailbox.messages) == 2)
        people.us.ok("PUT", f"/interviews/{interview_id}/cancel", {"cancellationReason": "Filled"})
        wait_for(lambda: len(mailbox.messages) == 3)
    assert len({str(event_of(message)[1]["ORGANIZER"]) for message in mailbox.messages}) == 1


def test_maybe_is_answered_with_what_to_do(
    replying_app: Flask, mailbox: Mailbox, replying_mail: dict[Channel, Sender], invited: Invited, receive: Receive
) -> None:
    assert receive(gmail(invited, "TENTATIVE")) == "answered"
    with working(replying_app, replying_mail):
        wait_for(lambda: len(mailbox.messages) == 2)
    (answer,) = (message for message in mailbox.messages if message["Auto-Submitted"] == "auto-replied")
    assert answer["To"] == invited.candidate
    assert answer["Subject"] == "Please answer: Senior Frontend Developer at us"
    assert "needs a yes or a no" in part(answer, "text/plain")
    assert "/interviews/confirm/" in part(answer, "text/html")
    assert not has_calendar(answer)


def test_answer_to_an_earlier_time_brings_the_present_invitation(
    replying_app: Flask, people: People, mailbox: Mailbox, replying_mail: dict[Channel, Sender], invited: Invited,
    receive: Receive,
) -> None:  # fmt: skip
    people.us.ok("PUT", f"/interviews/{invited.interview_id}/reschedule", local(in_days(5)))
    assert receive(gmail(invited)) == "answered"
    with working(replying_app, replying_mail):
        wait_for(lambda: len(mailbox.messages) == 2)
    (answer,) = (message for message in mailbox.messages if message["Auto-Submitted"] == "auto-replied")
    method, event = event_of(answer)
    assert (method, event["SEQUENCE"]) == ("REQUEST", 1)
    assert "no longer holds" in part(answer, "text/plain")
    assert receive(gmail(replace(invited, sequence=int(event["SEQUENCE"])))) == "applied"


def test_answer_about_a_cancelled_interview_takes_it_out_of_the_calendar(
    replying_app: Flask, people: People, mailbox: Mailbox, replying_mail: dict[Channel, Sender], invited: Invited,
    receive: Receive,
) -> None:  # fmt: skip
    people.us.ok("PUT", f"/interviews/{invited.interview_id}/cancel", {"cancellationReason": "Filled"})
    assert receive(gmail(invited)) == "answered"
    with working(replying_app, replying_mail):
        wait_for(lambda: len(mailbox.messages) == 2)
    (answer,) = (message for message in mailbox.messages if message["Auto-Submitted"] == "auto-replied")
    assert event_of(answer)[0] == "CANCEL"
    assert "was called off" in part(answer, "text/plain")
    assert "/interviews/confirm/" not in part(answer, "text/plain")


@pytest.mark.parametrize(
    ("email", "words"), [("hr@us.example", "at the contact below"), (None, "has given no address")]
)
def test_plain_mail_is_answered_with_the_companys_contact(
    email: str | None, words: str, replying_app: Flask, mailbox: Mailbox, replying_mail: dict[Channel, Sender],
    invited: Invited, receive: Receive, database: Database,
) -> None:  # fmt: skip
    with database.engine.begin() as connection:
        connection.execute(update(Company).values(email=email, vouched_email=email, address=None, phone=None))
    assert receive(plain(invited, "Reply-To: eve@example.com", text="A secret question")) == "answered"
    with working(replying_app, replying_mail):
        wait_for(lambda: len(mailbox.messages) == 2)
    (answer,) = (message for message in mailbox.messages if message["Auto-Submitted"] == "auto-replied")
    text = part(answer, "text/plain")
    assert (answer["To"], answer["Reply-To"]) == (invited.candidate, email)
    assert words in text
    assert (f"Contact: {email}" in text) == (email is not None)
    assert not any(b"secret question" in message.as_bytes() for message in mailbox.messages)
    assert mailbox.to("eve@example.com") == []


def test_two_auto_responders_do_not_loop(
    replying_app: Flask, mailbox: Mailbox, replying_mail: dict[Channel, Sender], invited: Invited, receive: Receive
) -> None:
    """The other responder answers each mail at once, and marks none as automatic."""
    outcomes: list[str] = []

    def answer_new_mails() -> int:
        for _message in mailbox.messages[len(outcomes) // 2 :]:
            outcomes.extend((receive(plain(invited)), receive(gmail(invited, "TENTATIVE"))))
        return len(outcomes) // 2

    with working(replying_app, replying_mail):
        wait_for(lambda: answer_new_mails() == 4)  # the invitation and three answers
    assert outcomes.count("answered") == 3
    assert outcomes[-2:] == ["ignored", "ignored"]
    assert len(mailbox.messages) == 4


def test_mail_says_that_only_the_link_answers_without_a_reply_address(
    app: Flask, people: People, mail: dict[Channel, Sender], mailbox: Mailbox
) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with working(app, mail):
        wait_for(lambda: len(mailbox.messages) == 1)
    (message,) = mailbox.messages
    assert "Only the link answers: a yes in your calendar reaches nobody." in part(message, "text/plain")
    assert REPLY_ADDRESS.partition("@")[0] not in str(event_of(message)[1]["ORGANIZER"])

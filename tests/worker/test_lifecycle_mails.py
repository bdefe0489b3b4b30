"""Mails of an interview's life, from the invitation to the cancellation."""

import re
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.api import invitation
from tests.support.people import People
from tests.support.receivers import Mailbox, part, wait_for, working


@pytest.fixture
def address(app: Flask, people: People) -> str:
    return str(people.candidate.ok("GET", "/auth/me")["user"]["email"])


@dataclass(frozen=True)
class LifeByMail:
    """The mails of an interview's life in the order of their arrival, and answers to its links."""

    mails: list[EmailMessage]
    candidate_address: str
    company_address: str
    statuses: dict[str, int]
    """Status of confirming by the link of the invitation, which a reschedule ends, and by that of the new time."""


LINK = r"http://\S+/interviews/confirm/\S+"


@pytest.fixture
def life_by_mail(
    app: Flask, people: People, address: str, mail: Any, mailbox: Mailbox, client: FlaskClient
) -> LifeByMail:
    """Schedule, reschedule, confirm by link, ask for another time and cancel, each after the mail before."""
    us, candidate = people.us, people.candidate

    def confirm_by_link_of(message: EmailMessage) -> int:
        (link,) = re.findall(LINK, part(message, "text/plain"))
        return client.post(link.removeprefix("http://127.0.0.1:8000"), json={}).status_code

    with working(app, mail):
        body = invitation(
            people.us_application_id, timeZone="Asia/Kolkata", date="2030-05-15", time="14:30",
            notes="Bring <b>ink</b>", internalNotes="canary",
        )  # fmt: skip
        interview_id = us.ok("POST", "/interviews/schedule", body)["interviewId"]
        wait_for(lambda: len(mailbox.messages) == 1)
        us.ok("PUT", f"/interviews/{interview_id}/reschedule", {"date": "2030-05-16", "time": "09:00"})
        wait_for(lambda: len(mailbox.messages) == 2)
        statuses = {"old": confirm_by_link_of(mailbox.messages[0]), "new": confirm_by_link_of(mailbox.messages[1])}
        wait_for(lambda: len(mailbox.messages) == 4)
        wish = {"reason": "A train", "proposedTimes": ["2030-05-17T08:00:00Z"]}
        candidate.ok("PUT", f"/candidate/interviews/{interview_id}/request-reschedule", wish)
        wait_for(lambda: len(mailbox.messages) == 5)
        us.ok("PUT", f"/interviews/{interview_id}/cancel", {"cancellationReason": "Filled"})
        wait_for(lambda: len(mailbox.messages) == 6)
    return LifeByMail(mailbox.messages, address, us.ok("GET", "/auth/me")["user"]["email"], statuses)


def calendar_of(message: EmailMessage) -> Any:
    return next(inner for inner in message.walk() if inner.get_content_type() == "text/calendar")


def test_invitation_mail_says_when_and_links_to_confirm(life_by_mail: LifeByMail) -> None:
    invited = life_by_mail.mails[0]
    assert invited["To"] == life_by_mail.candidate_address
    assert invited["Subject"] == "Invitation: Senior Frontend Developer at us"
    text, html = part(invited, "text/plain"), part(invited, "text/html")
    for body in (text, html):
        assert "Wednesday 15 May 2030, 14:30-15:30 (Asia/Kolkata, UTC+05:30)" in body
    assert "Bring &lt;b&gt;ink" in html
    (confirm_link,) = re.findall(LINK, text)
    assert confirm_link in html


def test_invitation_mail_carries_a_calendar_request(life_by_mail: LifeByMail) -> None:
    invited = life_by_mail.mails[0]
    assert calendar_of(invited).get_param("method") == "REQUEST"
    assert "METHOD:REQUEST\r\n" in part(invited, "text/calendar").replace("\n", "\r\n").replace("\r\r", "\r")


def test_reschedule_mail_says_the_new_and_the_old_time(life_by_mail: LifeByMail) -> None:
    moved = part(life_by_mail.mails[1], "text/plain")
    assert "When: Thursday 16 May 2030, 09:00-10:00 (Asia/Kolkata, UTC+05:30)" in moved
    assert "Before: Wednesday 15 May 2030, 14:30 (Asia/Kolkata, UTC+05:30)" in moved


def test_only_the_link_of_the_newest_mail_confirms(life_by_mail: LifeByMail) -> None:
    assert life_by_mail.statuses["old"] == 400
    assert life_by_mail.statuses["new"] == 200


def test_confirmation_is_mailed_to_both_sides(life_by_mail: LifeByMail) -> None:
    recipients = {message["To"] for message in life_by_mail.mails[2:4]}
    assert recipients == {life_by_mail.candidate_address, life_by_mail.company_address}


def test_reschedule_request_is_mailed_to_the_company(life_by_mail: LifeByMail) -> None:
    request = life_by_mail.mails[4]
    assert request["To"] == life_by_mail.company_address
    assert "A train" in part(request, "text/plain")
    assert "Could do: Friday 17 May 2030, 13:30 (Asia/Kolkata, UTC+05:30)" in part(request, "text/plain")


def test_cancellation_mail_gives_the_reason_and_cancels_the_event(life_by_mail: LifeByMail) -> None:
    ended = life_by_mail.mails[5]
    assert "Reason: Filled" in part(ended, "text/plain")
    assert calendar_of(ended).get_param("method") == "CANCEL"
    assert "SEQUENCE:2" in part(ended, "text/calendar")


def test_each_mail_has_its_own_id_and_no_internal_notes(life_by_mail: LifeByMail) -> None:
    assert len({message["Message-ID"] for message in life_by_mail.mails}) == 6
    for message in life_by_mail.mails:
        assert b"canary" not in message.as_bytes()
        assert message["Auto-Submitted"] == "auto-generated"

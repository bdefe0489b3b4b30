"""Mails and push messages of a company that the candidate has muted."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from interviews_api.accounts.models import Company
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.events.log import EventLog
from interviews_api.events.models import EventType
from interviews_api.interviews.models import Interview
from interviews_api.notifications.models import Delivery
from tests.support.api import in_days, invitation, local
from tests.support.browser import Browser
from tests.support.factories import World
from tests.support.icalendar import properties
from tests.support.outbox import Outbox
from tests.support.people import People
from tests.support.receivers import part

CANARY = "canary-of-the-company"


@pytest.fixture
def address(people: People) -> str:
    """Mute the company `us`, subscribe a browser, and return the candidate's address."""
    people.candidate.ok("POST", "/candidate/push-subscriptions", Browser().subscription("https://nobody.invalid/1"))
    people.candidate.ok("PUT", f"/candidate/muted-companies/{people.us_company_id}")
    return str(people.candidate.ok("GET", "/auth/me")["user"]["email"])


def schedule(people: People, days: float = 3, **values: Any) -> str:
    body = invitation(people.us_application_id, days, **values)
    return str(people.us.ok("POST", "/interviews/schedule", body)["interviewId"])


def test_invitations_of_a_muted_company_are_suppressed(people: People, outbox: Outbox, address: str) -> None:
    interview_id = schedule(people)
    people.us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(in_days(5)))
    people.them.ok("POST", "/interviews/schedule", invitation(people.them_application_id))
    outbox.deliver()
    assert outbox.take(address) == (["Invitation"], ["scheduled"])  # the other company's
    sent = people.us.ok("GET", f"/interviews/{interview_id}/notices")["notices"][:4]
    assert [(notice["event"].partition(".")[2], notice["channel"], notice["status"]) for notice in sent] == [
        ("scheduled", "email", "suppressed"), ("scheduled", "push", "suppressed"),
        ("rescheduled", "email", "suppressed"), ("rescheduled", "push", "suppressed"),
    ]  # fmt: skip
    assert {notice["error"] for notice in sent} == {None}, "the company does not learn why"
    listed = people.candidate.ok("GET", "/candidate/interviews/pending")
    assert interview_id in {interview["interviewId"] for interview in listed["interviews"]}
    people.us.ok("POST", f"/interviews/{interview_id}/notices/{sent[2]['id']}/resend")
    outbox.deliver()
    assert outbox.take(address) == ([], [])


def test_all_moves_of_an_interview_that_the_candidate_confirmed_are_sent(
    people: People, outbox: Outbox, address: str
) -> None:
    interview_id = schedule(people)
    people.candidate.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
    outbox.deliver()
    us_address = people.us.ok("GET", "/auth/me")["user"]["email"]
    assert [mail["To"] for mail in outbox.mails] == [us_address], "mails to the company are never muted"
    outbox.take(address)
    for days in (5, 6):  # the second one without a new confirmation
        people.us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(in_days(days)))
        outbox.deliver()
        assert outbox.take(address) == (["New time"], ["rescheduled"])
    people.candidate.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
    people.us.ok("PUT", f"/interviews/{interview_id}/complete", {})
    outbox.deliver()
    assert outbox.take(address) == ([], [])


def test_confirmation_by_the_company_does_not_count(people: People, outbox: Outbox, address: str) -> None:
    interview_id = schedule(people)
    people.us.ok("PUT", f"/interviews/{interview_id}/confirm")
    outbox.deliver()
    people.us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(in_days(5)))
    outbox.deliver()
    assert outbox.take(address) == ([], [])


def remind(app: Flask, interview_id: str) -> None:
    with app.app_context(), transaction() as connection:
        interview = connection.execute(select(Interview).where(Interview.id == interview_id)).mappings().one()
        EventLog(connection).append(interview, EventType.REMINDER, at=now(), actor="system")


def test_reminders_of_confirmed_interviews_are_sent(app: Flask, people: People, outbox: Outbox, address: str) -> None:
    by_candidate, by_company = schedule(people, 3), schedule(people, 4)
    people.candidate.ok("PUT", f"/candidate/interviews/{by_candidate}/confirm")
    people.us.ok("PUT", f"/interviews/{by_company}/confirm")
    outbox.deliver()
    outbox.take(address)
    for interview_id in (by_candidate, by_company):
        remind(app, interview_id)
    outbox.deliver()
    assert {push["interviewId"] for push in outbox.pushes} == {by_candidate}
    assert outbox.take(address) == (["Reminder"], ["reminder"])


def test_imported_confirmation_counts_and_stays(
    people: People, outbox: Outbox, address: str, world: World, app: Flask
) -> None:
    application = {"id": people.us_application_id}
    values = {"scheduledDate": "2999-01-01T09:00:00.000Z", "confirmedAt": "2025-05-01T09:00:00.000Z"}
    confirmed = world.interview(application, status="confirmed", **values)
    pending = world.interview(application, scheduledDate="2999-01-02T09:00:00.000Z")
    world.load()
    for interview in (confirmed, pending):
        people.us.ok("PUT", f"/interviews/{interview['id']}/reschedule", local(in_days(5 + len(outbox.rows()))))
        outbox.deliver()
    assert {push["interviewId"] for push in outbox.pushes} == {confirmed["id"]}
    assert outbox.take(address) == (["New time"], ["rescheduled"])
    confirmed |= {"status": "en_attente", "confirmedAt": None, "scheduledDate": "2999-01-03T09:00:00.000Z"}
    world.load()
    people.us.ok("PUT", f"/interviews/{confirmed['id']}/reschedule", local(in_days(9)))
    outbox.deliver()
    assert outbox.take(address) == (["New time"], ["rescheduled"])


def cancel(people: People, interview_id: str) -> None:
    people.us.ok("PUT", f"/interviews/{interview_id}/cancel", {"cancellationReason": f"{CANARY} reason"})


def test_cancellation_of_a_muted_company_has_none_of_its_texts(people: People, outbox: Outbox, address: str) -> None:
    with outbox.database.engine.begin() as connection:
        connection.execute(update(Company).values(email=f"{CANARY}@example.com", phone=CANARY, address=CANARY))
    texts = {"location": f"{CANARY} place", "notes": f"{CANARY} notes", "meetingLink": f"https://{CANARY}.example/x"}
    interview_id = schedule(people, type="InPerson", **texts)
    cancel(people, interview_id)
    outbox.deliver()
    (mail,) = outbox.mails
    text = part(mail, "text/plain")
    assert "us has called off your interview" in text
    assert "When: " in text
    assert "METHOD:CANCEL" in part(mail, "text/calendar")
    assert interview_id in part(mail, "text/calendar")
    for kind in ("text/plain", "text/html", "text/calendar"):
        assert CANARY not in part(mail, kind), kind
    assert CANARY not in str(outbox.pushes)
    people.candidate.ok("DELETE", f"/candidate/muted-companies/{people.us_company_id}")
    cancel(people, schedule(people, 6))
    outbox.deliver()
    assert f"Reason: {CANARY} reason" in part(outbox.mails[-1], "text/plain")


def test_cancellation_of_a_muted_company_has_the_organizer_of_its_invitation(
    people: People, outbox: Outbox, address: str
) -> None:
    """Calendars ignore a CANCEL of another organizer."""
    mute = f"/candidate/muted-companies/{people.us_company_id}"
    with outbox.database.engine.begin() as connection:
        connection.execute(update(Company).values(email="hr@us.example", vouched_email="hr@us.example"))
    people.candidate.ok("DELETE", mute)
    interview_id = schedule(people)
    outbox.deliver()
    people.candidate.ok("PUT", mute)
    cancel(people, interview_id)
    outbox.deliver()
    entries = [properties(part(mail, "text/calendar").encode()) for mail in outbox.mails if mail["To"] == address]
    assert [entry["METHOD"] for entry in entries] == [["REQUEST"], ["CANCEL"]]
    assert [entry["ORGANIZER"] for entry in entries] == [["mailto:hr@us.example"]] * 2


def let_a_day_pass(database: Database) -> None:
    """Move what was sent a day into the past."""
    with database.engine.begin() as connection:
        for row in connection.execute(select(Delivery.id, Delivery.sent_at).where(Delivery.sent_at.is_not(None))).all():
            earlier = row.sent_at - timedelta(days=1)
            connection.execute(update(Delivery).where(Delivery.id == row.id).values(sent_at=earlier))


@pytest.mark.parametrize("workers", [1, 3])
def test_cancellations_of_a_muted_company_are_at_most_three_a_day(
    workers: int, people: People, outbox: Outbox, address: str
) -> None:
    interviews = [schedule(people, days) for days in range(3, 13)]
    for interview_id in interviews:
        cancel(people, interview_id)
    outbox.deliver(workers)
    assert outbox.take(address) == (["Cancelled"] * 3, ["cancelled"] * 3)

    def resend(interview_id: str) -> None:
        path = f"/interviews/{interview_id}/notices"
        for notice in people.us.ok("GET", path)["notices"]:
            if notice["event"] == "interview.cancelled":
                people.us.ok("POST", f"{path}/{notice['id']}/resend")

    for interview_id in (interviews[0], interviews[-1]):
        resend(interview_id)
    outbox.deliver(workers)
    assert outbox.take(address) == ([], []), "resent ones count, too"
    let_a_day_pass(outbox.database)
    outbox.deliver(workers)
    assert outbox.take(address) == ([], [])
    resend(interviews[-1])
    outbox.deliver(workers)
    mails, pushes = outbox.take(address)
    assert mails == ["Cancelled"] * len(mails)
    assert 1 <= len(mails) <= 3
    assert len(mails) == len(pushes)


def test_waiting_messages_are_suppressed_and_later_ones_are_sent_again(
    people: People, outbox: Outbox, address: str
) -> None:
    path = f"/candidate/muted-companies/{people.us_company_id}"
    people.candidate.ok("DELETE", path)
    schedule(people)
    people.candidate.ok("PUT", path)
    outbox.deliver()
    people.candidate.ok("DELETE", path)
    outbox.deliver()
    assert outbox.take(address) == ([], []), "what was withheld is not sent later"
    schedule(people, 5)
    outbox.deliver()
    assert outbox.take(address) == (["Invitation"], ["scheduled"])


def test_invitation_to_become_a_colleague_is_suppressed(people: People, outbox: Outbox, address: str) -> None:
    for email in (address.upper(), "new@example.com"):
        people.us.ok("POST", "/auth/company/users", {"email": email})
    people.them.ok("POST", "/auth/company/users", {"email": address})
    outbox.deliver()
    assert sorted(mail["To"] for mail in outbox.mails) == sorted([address, "new@example.com"])
    (error,) = [row.error for row in outbox.rows() if row.status == "suppressed"]
    assert error is None


def test_webhooks_hear_of_all_changes(people: People, outbox: Outbox, address: str) -> None:
    people.us.ok("POST", "/webhooks", {"url": "https://nobody.invalid/hook"})
    schedule(people)
    outbox.deliver()
    assert [row.status for row in outbox.rows() if row.channel == "webhook"] == ["pending"]

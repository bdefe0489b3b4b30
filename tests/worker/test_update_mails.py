"""Mails, push messages and reminders after an update, and what mails say about a change."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.notifications.models import Delivery
from interviews_api.notifications.worker.worker import work_once
from tests.support.api import Caller, invitation
from tests.support.browser import Browser
from tests.support.factories import World
from tests.support.outbox import Outbox
from tests.support.people import People
from tests.support.receivers import part

PRESENT = {"date": "2031-05-15", "time": "14:30"}
VIDEO = {"type": "Video", "meetingLink": "https://meet.example/1", "timeZone": "Asia/Kolkata"}
LINK = r"http://127\.0\.0\.1:8000(/interviews/confirm/\S+)"


@pytest.fixture
def interview(people: People, outbox: Outbox) -> str:
    """Schedule an interview, deliver its invitation, and return its path for the company."""
    people.candidate.ok("POST", "/candidate/push-subscriptions", Browser().subscription("https://nobody.invalid/1"))
    body = invitation(people.us_application_id, **VIDEO, **PRESENT)
    interview_path = f"/interviews/{people.us.ok('POST', '/interviews/schedule', body)['interviewId']}"
    outbox.deliver()
    outbox.take("")
    return interview_path


def update_and_deliver(people: People, outbox: Outbox, interview: str, **change: Any) -> Any:
    """Reschedule with the present start, and return the one mail that follows."""
    people.us.ok("PUT", f"{interview}/reschedule", PRESENT | change)
    outbox.deliver()
    (mail,) = outbox.mails
    return mail


def test_update_mail_of_a_confirmed_interview_asks_for_nothing(people: People, outbox: Outbox, interview: str) -> None:
    people.candidate.ok("PUT", f"/candidate{interview}/confirm")
    outbox.deliver()
    outbox.take("")
    mail = update_and_deliver(people, outbox, interview, meetingLink="https://meet.example/2", notes="Bring <ink>")
    text, calendar = part(mail, "text/plain"), part(mail, "text/calendar")
    assert mail["Subject"] == "Updated: Senior Frontend Developer at us"
    assert "Your confirmation stands" in text
    assert "Changed: link, notes\n" in text
    assert "Link: https://meet.example/2\n" in text
    assert "Bring <ink>" in text
    assert "Before" not in text
    for line in ("METHOD:REQUEST", "STATUS:CONFIRMED", "SEQUENCE:1", "PARTSTAT=ACCEPTED"):
        assert line in calendar.replace("\r\n ", "").replace("\n ", "")
    (push,) = outbox.pushes
    assert (push["event"], push["title"]) == ("interview.updated", "Interview updated")


def test_update_mail_of_a_pending_interview_has_a_link_that_confirms(
    people: People, outbox: Outbox, interview: str, client: FlaskClient
) -> None:
    mail = update_and_deliver(people, outbox, interview, notes="Bring ink")
    (link,) = re.findall(LINK, part(mail, "text/plain"))
    assert client.post(link, json={}).status_code == 200


@pytest.mark.parametrize(
    ("change", "subject", "changed"),
    [
        ({"time": "15:30"}, "New time", "time"),
        ({"date": "2031-05-16", "location": "Paris"}, "New time", "time, place"),
        ({"timeZone": "Europe/Paris", "time": "11:00"}, "Changed", "time zone"),
        ({"durationMinutes": 90, "notes": "x"}, "Changed", "duration, notes"),
        ({"type": "Phone", "meetingLink": None}, "Changed", "kind of interview, link (none any more)"),
        ({"location": "Lyon", "internalNotes": "canary"}, "Changed", "place"),
    ],
)
def test_mail_about_a_change_says_what_changed(
    change: dict[str, Any], subject: str, changed: str, people: People, outbox: Outbox, interview: str
) -> None:
    mail = update_and_deliver(people, outbox, interview, **change)
    text = part(mail, "text/plain")
    assert mail["Subject"] == f"{subject}: Senior Frontend Developer at us"
    assert f"Changed: {changed}\n" in text
    assert ("\nBefore: Thursday 15 May 2031, 14:30" in text) == (subject == "New time")
    assert changed in part(mail, "text/html")
    assert [push["title"] for push in outbox.pushes] == [
        "Interview moved" if subject == "New time" else "Interview changed"
    ]
    assert b"canary" not in mail.as_bytes()


@pytest.mark.parametrize(
    ("changes", "subject", "changed"),
    [
        ([{"time": "15:30"}, {"time": "16:30"}], "New time", "time"),
        ([{"time": "15:30"}, {"time": "15:30", "notes": "x"}, {"time": "16:30"}], "New time", "time"),
        ([{"time": "15:30"}, {"time": "15:30", "durationMinutes": 90}], "New time", "time, duration"),
        ([{"time": "15:30"}, {}], "Changed", "time"),
    ],
)
def test_mail_names_the_time_that_was_mailed_last(
    changes: list[dict[str, Any]], subject: str, changed: str, people: People, outbox: Outbox, interview: str
) -> None:
    """The mail of the first reschedule was never sent; after the last change the time may be the first one again."""
    for change in changes[:-1]:
        people.us.ok("PUT", f"{interview}/reschedule", PRESENT | change)
    mail = update_and_deliver(people, outbox, interview, **changes[-1])
    text = part(mail, "text/plain")
    assert mail["Subject"] == f"{subject}: Senior Frontend Developer at us"
    assert f"Changed: {changed}\n" in text
    assert re.findall("\nBefore: (.*)\n", text) == (
        ["Thursday 15 May 2031, 14:30 (Asia/Kolkata, UTC+05:30)"] if subject == "New time" else []
    )
    titles = {"New time": "Interview moved", "Changed": "Interview changed"}
    assert [push["title"] for push in outbox.pushes] == [titles[subject]]
    outbox.take("")
    again = update_and_deliver(people, outbox, interview, time="18:00")
    assert f"\nBefore: Thursday 15 May 2031, {changes[-1].get('time', '14:30')}" in part(again, "text/plain")


def test_update_makes_no_waiting_message_obsolete(people: People, outbox: Outbox, interview: str) -> None:
    """Those of an earlier revision that a reschedule would end: the company's, too."""
    us_address = people.us.ok("GET", "/auth/me")["user"]["email"]
    address = people.candidate.ok("GET", "/auth/me")["user"]["email"]
    people.candidate.ok("PUT", f"/candidate{interview}/confirm")
    people.candidate.ok("PUT", f"/candidate{interview}/request-reschedule", {"reason": "ill"})
    for number in range(2):
        people.us.ok("PUT", f"{interview}/reschedule", PRESENT | {"notes": str(number)})
    outbox.deliver()
    sent = {to: sorted(mail["Subject"].partition(":")[0] for mail in outbox.mails if mail["To"] == to)
            for to in (us_address, address)}  # fmt: skip
    assert sent == {
        us_address: ["Ada Okafor asks for another time", "Ada Okafor confirmed"],
        address: ["Confirmed", "Updated", "Updated"],
    }
    people.us.ok("PUT", f"{interview}/reschedule", PRESENT | {"notes": "2"})
    people.us.ok("PUT", f"{interview}/reschedule", PRESENT | {"location": "Lyon"})
    outbox.take("")
    outbox.deliver()
    assert outbox.take(address)[0] == ["Changed"], "the reschedule ends the update before it"


def test_mail_that_waited_shows_the_present_link(people: People, outbox: Outbox, interview: str) -> None:
    for number in (2, 3):
        people.us.ok("PUT", f"{interview}/reschedule", PRESENT | {"meetingLink": f"https://meet.example/{number}"})
    outbox.deliver()
    assert len(outbox.mails) == 2
    for mail in outbox.mails:
        for kind in ("text/plain", "text/html", "text/calendar"):
            assert set(re.findall(r"meet\.example/(\d)", part(mail, kind))) == {"3"}


def test_held_update_takes_the_place_of_updates_alone(
    people: People, outbox: Outbox, interview: str, database: Database
) -> None:
    """It does not say that the time is another, too."""
    address = people.candidate.ok("GET", "/auth/me")["user"]["email"]
    moved = {"date": PRESENT["date"], "time": "16:00"}
    for change in ({}, {"notes": "1"}, {"notes": "2"}):
        people.us.ok("PUT", f"{interview}/reschedule", moved | change)
    people.us.ok("GET", f"{interview}/notices")  # fans the events out
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(held_at=now()))
    outbox.deliver()
    assert outbox.take(address)[0] == ["New time", "Updated"]


def test_update_of_a_muted_company_is_sent_for_a_confirmed_interview_alone(
    people: People, outbox: Outbox, interview: str
) -> None:
    address = people.candidate.ok("GET", "/auth/me")["user"]["email"]
    people.candidate.ok("PUT", f"/candidate/muted-companies/{people.us_company_id}")
    people.us.ok("PUT", f"{interview}/reschedule", PRESENT | {"notes": "1"})
    outbox.deliver()
    assert outbox.take(address) == ([], [])
    people.candidate.ok("PUT", f"/candidate{interview}/confirm")
    people.us.ok("PUT", f"{interview}/reschedule", PRESENT | {"notes": "2"})
    outbox.deliver()
    assert outbox.take(address) == (["Updated"], ["updated"])


def test_webhook_gets_an_update_but_no_change_of_internal_notes(people: People, outbox: Outbox, interview: str) -> None:
    webhook = people.us.ok("POST", "/webhooks", {"url": "https://nobody.invalid/hook"})
    for change in ({}, {"internalNotes": "x"}, {"notes": "Bring ink"}):
        people.us.ok("PUT", f"{interview}/reschedule", PRESENT | change)
    outbox.deliver()
    deliveries = people.us.ok("GET", f"/webhooks/{webhook['id']}/deliveries")["deliveries"]
    assert [delivery["event"] for delivery in deliveries] == ["interview.updated"]


START = datetime(2030, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_update_repeats_and_drops_no_reminder_or_nudge(
    app: Flask, world: World, headers: Any, database: Database
) -> None:
    """Update two interviews each hour of three days: one waits for the answer, one is confirmed."""
    company = world.company()
    user = world.company_user(company)
    application = world.application(world.candidate(), world.job(company))
    starts = {"pending": START + 60 * HOUR, "confirmed": START + 62 * HOUR}
    with time_machine.travel(START, tick=False) as clock, app.app_context():
        world.load()
        ids: dict[str, str] = {}
        for hour in range(64):
            clock.move_to(START + hour * HOUR)
            us = Caller(app.test_client(), headers(user["id"], "company"))  # a token lasts 15 minutes
            if not ids:
                for status, start in starts.items():
                    when = {"date": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M}", "timeZone": "UTC"}
                    body = {"applicationId": application["id"], "type": "Phone"} | when
                    ids[status] = us.ok("POST", "/interviews/schedule", body)["interviewId"]
                us.ok("PUT", f"/interviews/{ids['confirmed']}/confirm")
            for status, start in starts.items():
                if now() > start:
                    continue
                when = {"date": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M}"}
                us.ok("PUT", f"/interviews/{ids[status]}/reschedule", when | {"notes": str(hour)})
            while work_once(now()):
                pass
    assert occasions(database, ids["pending"]) == [("nudge", "unanswered", 24), ("nudge", "24h", 36)]
    assert occasions(database, ids["confirmed"]) == [("reminder", "24h", 38), ("reminder", "1h", 61)]


def occasions(database: Database, interview_id: str) -> list[tuple[str, str, int]]:
    """Return type, occasion and hours since START of each reminder and nudge."""
    with database.reads.connection() as connection:
        rows = connection.execute(
            select(Event).where(Event.interview_id == interview_id, Event.occasion.is_not(None)).order_by(Event.id)
        )
        return [(row.type.removeprefix("interview."), row.occasion, round((row.at - START) / HOUR)) for row in rows]

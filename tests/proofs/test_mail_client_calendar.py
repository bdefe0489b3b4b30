"""Proof: the calendar entries in mails (RFC 5546), applied in order, leave the present interviews."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from ics import Calendar as ReadCalendar

from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.backlog_repository import BacklogRepository
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.models import Channel
from interviews_api.services import service
from tests.support.api import Caller, in_days, invitation, local
from tests.support.people import People
from tests.support.proof_table import figure, proof
from tests.support.receivers import Mailbox, wait_for, working

TRANSITIONS = [*["confirm", "update", "reschedule", "read"] * 3, "cancel", "decline", "complete", "resend"]

Entry = tuple[int, str, datetime, datetime]  # sequence, status, begin, end


@dataclass
class MailClient:
    """A mail client (RFC 5546, section 3.2): REQUEST adds or replaces by UID, CANCEL removes, older ones do nothing."""

    entries: dict[str, Entry] = field(default_factory=dict)
    newest: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    read: int = 0

    def open(self, message: Any) -> None:
        for part in message.walk():
            if part.get_content_type() == "text/calendar":
                self._apply(part.get_param("method"), part.get_content())

    def _apply(self, method: str, text: str) -> None:
        calendar = ReadCalendar(text)
        (event,) = calendar.events
        assert calendar.method == method
        sequence = int(next(line.value for line in event.extra if line.name == "SEQUENCE"))
        age = (sequence, event.created.datetime)  # which is this parser's name for DTSTAMP
        self.read += 1
        if age < self.newest.get(event.uid, age):
            return
        self.newest[event.uid] = age
        if method == "CANCEL":
            assert str(event.status) == "CANCELLED"
            self.entries.pop(event.uid, None)
        else:
            assert method == "REQUEST"
            self.entries[event.uid] = (sequence, str(event.status), event.begin.datetime, event.end.datetime)


@dataclass
class RandomLife:
    """An interview with random transitions; `status`, `revision` and `start` are those it should have."""

    us: Caller
    candidate: Caller
    dice: random.Random
    catch_up: Callable[[], None]
    interview_id: str
    start: datetime
    revision: int = 0
    status: str = "TENTATIVE"

    def live(self) -> None:
        """Make up to six transitions, and perhaps resend a mail."""
        for _ in range(self.dice.randrange(7)):
            self._move(self.dice.choice(TRANSITIONS))
            if self.status in ("CANCELLED", "COMPLETED"):
                break
        if self.dice.random() < 0.3:
            resend_one(self.us, self.interview_id, self.dice)

    def _move(self, transition: str) -> None:
        match transition:
            case "confirm":
                if self.dice.random() < 0.5:  # with what it confirms in the client's calendar already
                    self.catch_up()
                self.candidate.call("PUT", f"/candidate/interviews/{self.interview_id}/confirm")
                self.status = "CONFIRMED"
            case "update":
                change = {"notes": f"after {self.revision} changes"}
                self.us.ok("PUT", f"/interviews/{self.interview_id}/reschedule", local(self.start) | change)
                self.revision += 1
            case "reschedule":
                self.start += timedelta(minutes=5)
                self.us.ok("PUT", f"/interviews/{self.interview_id}/reschedule", local(self.start))
                self.revision, self.status = self.revision + 1, "TENTATIVE"
            case "cancel":
                self.us.ok("PUT", f"/interviews/{self.interview_id}/cancel", {"cancellationReason": "x"})
                self.status = "CANCELLED"
            case "decline":
                self.candidate.ok("PUT", f"/candidate/interviews/{self.interview_id}/decline", {})
                self.status = "CANCELLED"
            case "complete":
                self.us.ok("PUT", f"/interviews/{self.interview_id}/complete", {})
                self.status = "COMPLETED"
            case "resend":
                resend_one(self.us, self.interview_id, self.dice)
            case _:
                self.catch_up()


@pytest.mark.proof
def test_random_lives_end_in_the_right_calendar(app: Flask, people: People, database: Database) -> None:
    lives, dice, candidate = figure(sample=15, full=300), random.Random(8), people.candidate
    address = candidate.ok("GET", "/auth/me")["user"]["email"]
    box, reader = Mailbox(), MailClient()
    settings = replace(service(Settings, app), smtp_host="127.0.0.1", smtp_port=box.port, smtp_tls="none")

    def catch_up() -> None:
        wait_for(lambda: oldest_unsent(database) is None, 60)
        for message in box.to(address):
            for _ in range(dice.choice((1, 1, 2))):  # delivery is at least once
                reader.open(message)
        box.messages.clear()

    with (
        proof("random lives of an interview by mail", database.engine.dialect.name, lives) as proof_row,
        working(app, {Channel.EMAIL: mail_sender(settings)}),
    ):
        expected = {}
        for number, (us, application_id) in zip(range(lives), people.applications(), strict=False):
            start = in_days(10 + number)
            body = invitation(application_id, **local(start))
            interview_id = us.ok("POST", "/interviews/schedule", body)["interviewId"]
            life = RandomLife(us, candidate, dice, catch_up, interview_id, start)
            life.live()
            if life.status != "CANCELLED":
                times = life.start, life.start + timedelta(hours=1)
                expected[f"{interview_id}@interviews-api"] = (life.revision, life.status, *times)
        catch_up()
        proof_row.result = f"the calendar equals the interviews after {reader.read} entries"
    box.stop()
    check_completed(expected, reader)
    assert reader.entries == expected
    assert reader.read > lives


def check_completed(expected: dict[str, Entry], reader: MailClient) -> None:
    """Check and remove completed interviews, whose calendar entries keep the earlier status: no mail announces it."""
    for uid in [uid for uid, entry in expected.items() if entry[1] == "COMPLETED"]:
        (sequence, _, *times), (read_sequence, status, *read_times) = expected.pop(uid), reader.entries.pop(uid)
        assert (sequence, times) == (read_sequence, read_times)
        assert status in ("TENTATIVE", "CONFIRMED")


def resend_one(us: Caller, interview_id: str, dice: random.Random) -> None:
    """Resend a random notice that was sent or suppressed, if there is one."""
    path = f"/interviews/{interview_id}/notices"
    ended = [notice["id"] for notice in us.ok("GET", path)["notices"] if notice["status"] in ("sent", "suppressed")]
    if ended:
        us.ok("POST", f"{path}/{dice.choice(ended)}/resend")


def oldest_unsent(database: Database) -> datetime | None:
    with database.reads.connection() as connection:
        return BacklogRepository(connection).oldest_unsent()

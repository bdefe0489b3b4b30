"""What a mail client makes of the events in its mails, in order (RFC 5546): the candidate's calendar is what stands."""

import random
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

TRANSITIONS = [*["confirm", "reschedule", "read"] * 3, "cancel", "decline", "complete", "resend"]

Entry = tuple[int, str, datetime, datetime]  # sequence, status, begin, end


@dataclass
class MailClient:
    """Of RFC 5546, section 3.2: REQUEST adds or replaces by UID, CANCEL removes; what is older changes nothing."""

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


@pytest.mark.proof
def test_random_lives_end_in_the_right_calendar(app: Flask, people: People, database: Database) -> None:
    lives, dice, us, candidate = figure(sample=30, full=300), random.Random(8), people.us, people.candidate
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
        proof("random lives of an interview by mail", database.engine.dialect.name, lives) as done,
        working(app, {Channel.EMAIL: mail_sender(settings)}),
    ):
        wanted = {}
        for number in range(lives):
            start = in_days(10 + number)
            one = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, **local(start)))
            path, revision, status = one["interviewId"], 0, "TENTATIVE"
            for _ in range(dice.randrange(7)):
                match dice.choice(TRANSITIONS):
                    case "confirm":
                        if dice.random() < 0.5:  # with what it confirms in the client's calendar already
                            catch_up()
                        candidate.call("PUT", f"/candidate/interviews/{path}/confirm")
                        status = "CONFIRMED"
                    case "reschedule":
                        start += timedelta(minutes=5)
                        us.ok("PUT", f"/interviews/{path}/reschedule", local(start))
                        revision, status = revision + 1, "TENTATIVE"
                    case "cancel":
                        us.ok("PUT", f"/interviews/{path}/cancel", {"cancellationReason": "x"})
                        status = "CANCELLED"
                    case "decline":
                        candidate.ok("PUT", f"/candidate/interviews/{path}/decline", {})
                        status = "CANCELLED"
                    case "complete":
                        us.ok("PUT", f"/interviews/{path}/complete", {})
                        status = "COMPLETED"
                    case "resend":
                        resend_one(us, path, dice)
                    case _:
                        catch_up()
                if status in ("CANCELLED", "COMPLETED"):
                    break
            if dice.random() < 0.3:
                resend_one(us, path, dice)
            if status != "CANCELLED":
                wanted[f"{path}@interviews-api"] = (revision, status, start, start + timedelta(hours=1))
        catch_up()
        done.result = f"the calendar is what stands after {reader.read} entries"
    box.stop()
    for uid in [uid for uid, entry in wanted.items() if entry[1] == "COMPLETED"]:  # of which no calendar is told
        (sequence, _, *times), (kept, status, *shown) = wanted.pop(uid), reader.entries.pop(uid)
        assert (sequence, times) == (kept, shown)
        assert status in ("TENTATIVE", "CONFIRMED")
    assert reader.entries == wanted
    assert reader.read > lives


def resend_one(us: Caller, interview_id: str, dice: random.Random) -> None:
    """Any mail that ended, also of a time that no longer stands."""
    path = f"/interviews/{interview_id}/notices"
    ended = [one["id"] for one in us.ok("GET", path)["notices"] if one["status"] in ("sent", "suppressed")]
    if ended:
        us.ok("POST", f"{path}/{dice.choice(ended)}/resend")


def oldest_unsent(database: Database) -> datetime | None:
    with database.reads.connection() as connection:
        return BacklogRepository(connection).oldest_unsent()

"""Proof: calendar programs and libraries read an invitation alike at every step: in mails, the file and the feed."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from flask import Flask

from interviews_api.clock import format_instant
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.incoming.reply_addresses import make_reply_address
from interviews_api.notifications.models import Channel
from tests.support.api import in_days, invitation, local
from tests.support.calendar_mails import REPLY_ADDRESS
from tests.support.calendar_readers import (
    Entry,
    Reader,
    read_by_ical_js,
    read_by_icalendar,
    read_by_khal,
    read_by_libical,
    read_by_vobject,
)
from tests.support.factories import World
from tests.support.people import People
from tests.support.proof_table import figure, proof
from tests.support.receivers import wait_for, working
from tests.support.settings import SECRETS

READERS = [
    read_by_icalendar,
    read_by_vobject,
    pytest.param(read_by_ical_js, marks=pytest.mark.needs_node),
    pytest.param(read_by_libical, marks=pytest.mark.needs_libical),
    pytest.param(read_by_khal, marks=pytest.mark.needs_khal),
]

SENDER = "mailto:no-reply@localhost"
STATES = {"TENTATIVE": "To confirm: ", "CONFIRMED": "", "CANCELLED": "Cancelled: "}
MOVES = ("confirm", "update", "reschedule", "seed", "decline", "cancel")
SCRIPTS = (
    ("confirm", "update", "reschedule", "confirm", "seed", "update", "confirm", "decline"),
    ("update", "reschedule", "cancel"),
    ("seed", "decline"),
    ("confirm", "update", "cancel"),
)


@dataclass
class Recording:
    """Calendars in the order in which they were sent or read, each with the entries that it should have."""

    calendars: list[bytes] = field(default_factory=list)
    expected: list[list[Entry]] = field(default_factory=list)

    def add(self, raw: bytes, entries: list[Entry]) -> None:
        self.calendars.append(raw)
        self.expected.append(entries)


@dataclass
class Stage:
    """The parties, and the messages that the worker has composed for the candidate."""

    people: People
    world: World
    feed: str
    messages: list[Message]
    recording: Recording = field(default_factory=Recording)
    entries: dict[str, Entry] = field(default_factory=dict)

    def play(self, script: tuple[str, ...], days: int) -> None:
        """Schedule an interview and make the moves of the script; record all calendars after each."""
        us, candidate, start = self.people.us, self.people.candidate, in_days(days)
        body = invitation(self.people.us_application_id, **local(start))
        interview = us.ok("POST", "/interviews/schedule", body)
        path = f"/candidate/interviews/{interview['interviewId']}"
        entry = Entry(
            f"{interview['interviewId']}@interviews-api", 0, "TENTATIVE", "OPAQUE", "", stamp(start),
            self._organizer(interview), "NEEDS-ACTION", location="us calls you at +33 6",
        )  # fmt: skip
        self._record(entry, path)
        for move in script:
            match move:
                case "confirm":
                    candidate.ok("PUT", f"{path}/confirm")
                    entry = replace(entry, status="CONFIRMED", participation="ACCEPTED")
                case "update":  # which needs no new confirmation
                    change = {"notes": f"after {entry.sequence} changes"}
                    us.ok("PUT", f"/interviews/{interview['interviewId']}/reschedule", local(start) | change)
                case "reschedule" | "seed":
                    start += timedelta(minutes=5)
                    self._move(move, interview, start)
                    entry = replace(entry, status="TENTATIVE", participation="NEEDS-ACTION", starts_at=stamp(start))
                case "decline":
                    candidate.ok("PUT", f"{path}/decline", {})
                    entry = replace(entry, status="CANCELLED", participation="DECLINED", transparency="TRANSPARENT")
                case _:
                    us.ok("PUT", f"/interviews/{interview['interviewId']}/cancel", {"cancellationReason": "x"})
                    entry = replace(entry, status="CANCELLED", transparency="TRANSPARENT")
            entry = replace(entry, sequence=entry.sequence + (move != "confirm"))
            self._record(entry, path, is_mailed=move != "seed")

    def _organizer(self, interview: dict[str, Any]) -> str:
        ids = interview["interviewId"], self.people.candidate_id
        return f"mailto:{make_reply_address(REPLY_ADDRESS, SECRETS['SECRET_KEY'], *ids)}"

    def _move(self, move: str, interview: dict[str, Any], start: datetime) -> None:
        if move == "reschedule":
            self.people.us.ok("PUT", f"/interviews/{interview['interviewId']}/reschedule", local(start))
            return
        record = {"id": interview["interviewId"], "applicationId": self.people.us_application_id, "type": "Phone"}
        record |= {"scheduledDate": format_instant(start), "timeZone": "UTC", "scheduledAt": interview["scheduledAt"]}
        self.world.content["interviews"] = [record | {"status": "en_attente"}]
        self.world.load()

    def _record(self, entry: Entry, path: str, *, is_mailed: bool = True) -> None:
        title = f"{STATES[entry.status]}Interview: Senior Frontend Developer - us"
        entry = replace(entry, summary=title, reply="TRUE" if entry.status == "TENTATIVE" else "FALSE")
        published = self.entries[entry.uid] = replace(entry, organizer=SENDER, participation=None, reply=None)
        if is_mailed:
            wait_for(lambda: self.messages)
            message = message_from_bytes(self.messages.pop().as_bytes())
            (part,) = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
            raw = part.get_payload(decode=True)
            assert isinstance(raw, bytes)
            assert f"METHOD:{part.get_param('method')}\r\n".encode() in raw
            assert part.get_param("method") == ("CANCEL" if entry.status == "CANCELLED" else "REQUEST")
            self.recording.add(raw, [entry])
        if entry.status == "CONFIRMED":
            self.recording.add(self.people.candidate.call("GET", f"{path}/calendar.ics").data, [published])
        newest_first = sorted(self.entries.values(), key=lambda each: each.starts_at, reverse=True)
        self.recording.add(self.people.us.client.get(self.feed).data, newest_first)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


_recordings: dict[str, Recording] = {}


@pytest.fixture
def recording(
    app: Flask, people: People, world: World, database: Database, calendar_feed: str, mail_settings: Settings
) -> Recording:
    """Return the calendars of some lives; they are played once for all readers, on each database."""
    backend = database.engine.dialect.name
    if backend not in _recordings:
        _recordings[backend] = play(app, Stage(people, world, calendar_feed, []), mail_settings)
    return _recordings[backend]


def play(app: Flask, stage: Stage, settings: Settings) -> Recording:
    replying = replace(settings, reply_address=REPLY_ADDRESS)
    address, dice = stage.people.candidate.ok("GET", "/auth/me")["user"]["email"], random.Random(17)

    def send(user: Any, context: Any) -> None:
        if user["email"] == address:
            stage.messages.append(compose(replying, user, context))

    stage.recording.add(stage.people.us.client.get(stage.feed).data, [])
    with working(app, {Channel.EMAIL: send}):
        lives = [*SCRIPTS, *(random_script(dice) for _ in range(figure(sample=0, full=40)))]
        for days, script in enumerate(lives, 3):
            stage.play(script, days)
    return stage.recording


def random_script(dice: random.Random) -> tuple[str, ...]:
    """Return random moves that are possible one after the other, and end the interview."""
    script: list[str] = []
    is_confirmed = False
    for _ in range(dice.randrange(1, 8)):
        move = dice.choice([each for each in MOVES if not (is_confirmed and each == "confirm")])
        is_confirmed = move == "confirm" or (is_confirmed and move == "update")
        script.append(move)
        if move in ("decline", "cancel"):
            return tuple(script)
    return (*script, "cancel")


@pytest.mark.proof
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__.removeprefix("read_by_"))
def test_invitation_is_read_alike_at_every_step(reader: Reader, recording: Recording, database: Database) -> None:
    """One UID and ORGANIZER, a rising SEQUENCE, and STATUS, PARTSTAT, RSVP and TRANSP as the interview has them."""
    name = f"lives of invitations by {reader.__name__.removeprefix('read_by_')}"
    with proof(name, database.engine.dialect.name, len(recording.calendars)) as proof_row:
        read = reader(recording.calendars)
        for entries, expected in zip(read, recording.expected, strict=True):
            assert sorted(entries, key=lambda entry: entry.starts_at, reverse=True) == expected
        proof_row.result = f"{sum(map(len, read))} entries are as they should be"

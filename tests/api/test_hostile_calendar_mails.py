"""Hostile mails to reply addresses: forged, of other people, looping, or bombs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from interviews_api.accounts.rate_limits import active_limits
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.interviews.models import Interview
from interviews_api.notifications.incoming.receive import MailReceiver, read_incoming
from interviews_api.notifications.incoming.reply_addresses import make_reply_address
from interviews_api.services import service
from tests.support.api import in_days, local
from tests.support.calendar_mails import (
    FORMS,
    REPLY_ADDRESS,
    Form,
    Invited,
    Receive,
    answers,
    gmail,
    plain,
    status,
    thunderbird,
    timeline,
)
from tests.support.database_rows import everything
from tests.support.people import People
from tests.support.settings import SECRETS

GMAIL_PROPOSAL = "DTSTART:20300517T080000Z"
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


@each_form
@pytest.mark.parametrize("attendee", ["eve@example.com", "ada@gmail.com.example", ""])
def test_answer_of_another_person_changes_nothing(
    attendee: str, form: Form, receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    assert receive(form(invited, attendee=attendee or "nobody")) == "ignored"
    assert status(people, invited) == "en_attente"
    assert answers(database) == []


@each_form
@pytest.mark.parametrize("kind", ["forged", "truncated", "foreign", "longer", "none"])
def test_forged_token_changes_nothing(
    kind: str, form: Form, receive: Receive, people: People, invited: Invited, database: Database
) -> None:
    local_part, _, domain = invited.organizer.rpartition("@")
    name, _, token = local_part.rpartition("+")
    theirs = people.them.ok(
        "POST",
        "/interviews/schedule",
        {"applicationId": people.them_application_id, **local(in_days(4)), "type": "Phone"},
    )["interviewId"]
    flipped = "a" if token[-1] != "a" else "b"
    tokens = {
        "forged": token[:-1] + flipped, "truncated": token[:-1], "longer": token + "a", "none": "",
        "foreign": token,
    }  # fmt: skip
    changed = replace(invited, organizer=f"{name}+{tokens[kind]}@{domain}")
    if kind == "foreign":  # of another interview
        changed = replace(changed, interview_id=theirs)
    assert receive(form(changed)) == "ignored"
    assert receive(plain(changed)) == ("answered" if kind == "foreign" else "ignored")
    assert status(people, invited) == "en_attente"
    assert people.them.ok("GET", f"/interviews/{theirs}")["status"] == "en_attente"


def test_token_at_another_address_does_not_count(receive: Receive, invited: Invited) -> None:
    for changed in (("replies+", "reply+"), ("replies+", "xreplies+"), ("jobs.example", "jobs.example.org")):
        assert receive(gmail(replace(invited, organizer=invited.organizer.replace(*changed)))) == "ignored"


def test_token_of_another_candidate_is_dead(receive: Receive, people: People, invited: Invited) -> None:
    organizer = make_reply_address(REPLY_ADDRESS, SECRETS["SECRET_KEY"], invited.interview_id, people.us_user_id)
    assert receive(gmail(replace(invited, organizer=organizer))) == "ignored"


LOOPING = [
    "Return-Path: <>", "Return-Path: <MAILER-DAEMON>", "Return-Path:  < >",
    "Precedence: bulk", "Precedence: LIST", "Precedence: junk", "List-Id: <jobs.example>",
]  # fmt: skip
AUTOMATIC = ["Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated; x=y", "AUTO-SUBMITTED: Auto-Notified"]


@pytest.mark.parametrize("header", [*LOOPING, *AUTOMATIC])
def test_mail_of_a_program_is_not_answered(header: str, receive: Receive, invited: Invited, database: Database) -> None:
    assert receive(plain(invited, header)) == "ignored"
    assert answers(database) == []


@pytest.mark.parametrize("header", LOOPING)
def test_answer_without_a_sender_or_by_a_list_does_not_count(
    header: str, receive: Receive, people: People, invited: Invited
) -> None:
    raw = b"\r\n".join([header.encode(), thunderbird(invited)])
    assert receive(raw) == "ignored"
    assert status(people, invited) == "en_attente"


def test_mail_that_is_not_automatic_is_answered(receive: Receive, invited: Invited) -> None:
    assert receive(plain(invited, "Auto-Submitted: no", "Precedence: normal")) == "answered"


def test_nothing_happens_after_the_end(receive: Receive, people: People, invited: Invited, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values(starts_at=now() - timedelta(hours=2)))
    for raw in (gmail(invited), gmail(invited, "TENTATIVE"), plain(invited)):
        assert receive(raw) == "ignored"
    assert status(people, invited) == "en_attente"
    assert answers(database) == []


def test_moves_by_calendar_are_limited(
    receive: Receive, replying_app: Flask, people: People, invited: Invited, database: Database
) -> None:
    """Requests for another time: 5 an hour. The mail server tries the sixth later."""
    mails = [gmail(invited, method="COUNTER", extra=f"DTSTART:203005{day}T080000Z") for day in range(10, 16)]
    assert [receive(raw) for raw in mails[:5]] == ["applied"] * 5
    before = everything(database)
    result = replying_app.test_cli_runner().invoke(args=["mail", "receive"], input=mails[5])
    assert (result.exit_code, result.output.strip()) == (75, "Too many attempts, try again later")
    assert everything(database) == before


def test_proposal_that_arrives_twice_is_one_request(receive: Receive, people: People, invited: Invited) -> None:
    raw = gmail(invited, method="COUNTER", extra=GMAIL_PROPOSAL)
    assert [receive(raw) for _ in range(3)] == ["applied", "ignored", "ignored"]
    assert receive(gmail(invited, method="COUNTER", extra="DTSTART:20300518T080000Z")) == "applied"
    assert [type_ for type_, _ in timeline(people, invited)].count("interview.reschedule_requested") == 2


def bomb(invited: Invited, kind: str) -> bytes:
    head = f"To: {invited.organizer}\r\n".encode()
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(20_000))
    return {
        "10 MB": gmail(invited) + b"x" * 10 * 1024 * 1024,
        "nested": head + nested,
        "parts": head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 90_000,
        "header": head + b"X: y\r\n" * 170_000,
        "no header": b"x" * 1024 * 1024,
        "events": head + b"Content-Type: text/calendar; method=REPLY\r\n\r\n" + b"BEGIN:VEVENT\r\n" * 9000,
        "parameters": head + b"Content-Type: multipart/mixed" + b'; a="' * 50_000 + b"\r\n\r\n",
        "empty": b"",
        "bytes": bytes(range(256)) * 100,
    }[kind]


@pytest.mark.parametrize(
    "kind", ["10 MB", "nested", "parts", "header", "no header", "events", "parameters", "empty", "bytes"]
)
def test_bomb_costs_little_and_changes_nothing(kind: str, receive: Receive, people: People, invited: Invited) -> None:
    raw = bomb(invited, kind)
    began = datetime.now(UTC)
    receive(raw)
    assert datetime.now(UTC) - began < timedelta(seconds=3)
    assert status(people, invited) == "en_attente"


def test_mail_is_tried_later_while_the_database_is_away(
    replying_app: Flask, invited: Invited, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OperationalError("SELECT 1", {}, OSError("the database is away"))

    engine = service(Database, replying_app).engine
    event.listen(engine, "before_cursor_execute", refuse)
    result = replying_app.test_cli_runner().invoke(args=["mail", "receive"], input=gmail(invited))
    event.remove(engine, "before_cursor_execute", refuse)
    assert result.exit_code == 75
    assert status(people, invited) == "en_attente"


def test_command_without_a_reply_address_is_refused(app: Flask, invited: Invited) -> None:
    result = app.test_cli_runner().invoke(args=["mail", "receive"], input=gmail(invited))
    assert result.exit_code == 78
    assert "REPLY_ADDRESS" in result.output


def test_simultaneous_mails_confirm_once_and_are_answered_three_times(
    replying_app: Flask, people: People, invited: Invited, database: Database
) -> None:
    def run(raw: bytes) -> None:
        incoming = read_incoming(raw, REPLY_ADDRESS)
        assert incoming
        with replying_app.app_context(), transaction() as connection:
            MailReceiver(connection, SECRETS["SECRET_KEY"], now=now(), limits=active_limits()).receive(incoming)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, [gmail(invited, "TENTATIVE")] * 8 + [gmail(invited)] * 8))
    assert timeline(people, invited)[1:] == [("interview.confirmed", "candidate")]
    assert answers(database) == ["tentative"] * 3

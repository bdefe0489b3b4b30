"""Mails composed from hostile text: each header, part and line is ours."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default as modern
from itertools import product
from pathlib import Path

import pytest
from ics import Calendar as ReadCalendar

from interviews_api.accounts.models import MailKind
from interviews_api.config import Settings
from interviews_api.notifications import event_mails
from interviews_api.notifications.channels import email
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.delivery_errors import Rejected
from interviews_api.notifications.recipients import SENT_TO_CANDIDATE, SENT_TO_COMPANY
from interviews_api.web.plain_text import in_one_line, shorten
from tests.support.delivery_contexts import delivery_context
from tests.support.hostile_text import ENCODED

TYPED = [
    "Baker", "Bäcker " + "é" * 90, "x" * 150, "word " * 40, f"x {ENCODED} y", ENCODED, f"{ENCODED} {ENCODED}",
    f"{ENCODED}{ENCODED}", "=?utf-8?q?=00?=", "a=?utf-8?q?=0D=0ABcc:_x?=b", "=?utf-8*en?q?=0A?= é =?utf-8?q?b?=",
    "=?=?", "=?no-such?q?x?=", "=?utf-8?q?cut", "=?utf-8?z?x?=", "?= =?",
    "\r\nBcc: evil@example.com\x00\x0b\u2028\x1b\t x",
]  # fmt: skip
HEADERS = ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
MAILS = [
    *product(["candidate"], sorted(SENT_TO_CANDIDATE)), *product(["company"], sorted(SENT_TO_COMPANY)),
    ("candidate", None), *product([None], sorted(f"account_{kind}" for kind in MailKind)),
]  # fmt: skip
ACCOUNT_SUBJECTS = {
    "account_password_changed": "Your password was changed",
    "account_colleague_changed": "Your colleagues have changed",
    "account_invitation": "You are invited to join a company",
    "account_verification": "Verify your e-mail address",
}


def received(raw: bytes) -> EmailMessage:
    """Return the message, and check that its bytes have only our headers and short lines."""
    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(map(len, head)) <= 78
    assert all(line.isascii() and line.decode().isprintable() for line in head)
    names = [line.partition(b":")[0].decode() for line in head if not line.startswith(b" ")]
    assert sorted(names) == sorted(HEADERS)
    message = message_from_bytes(raw, policy=modern)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize(("role", "event"), MAILS)
def test_mail_has_only_our_headers_and_parts(
    role: str | None, event: str | None, typed: str, mail_settings: Settings
) -> None:
    user = {"id": "c" * 24, "email": "ada@example.com", "role": role}
    raw = compose(mail_settings, user, delivery_context(event, typed)).as_bytes()
    message, line = received(raw), in_one_line(typed)
    subjects = [str(message["Subject"]), str(make_header(decode_header(message_from_bytes(raw)["Subject"])))]
    assert subjects[0] == subjects[1]  # by either parser
    assert message["To"] == "ada@example.com"
    kinds = [part.get_content_type() for part in message.walk()]
    has_event = role == "candidate" and event and re.search("scheduled|updated|confirmed|declined|cancelled", event)
    assert kinds == ["multipart/alternative", "text/plain", "text/html", *(["text/calendar"] if has_event else [])]
    parts = [part.get_content() for part in message.iter_parts()]  # type: ignore[attr-defined]
    assert not any("\x00" in part or "<h1>" in part for part in parts)
    if event is None or role is None:
        assert subjects[0] == ACCOUNT_SUBJECTS.get(event, "Choose a new password")
        return
    assert shorten(line, 100) in subjects[0]
    assert line in parts[0]
    if has_event:
        (entry,) = ReadCalendar(parts[2]).events
        assert entry.name == f"Interview: {line} - {line}"


@pytest.mark.parametrize(
    ("role", "event", "subject"),
    [
        ("candidate", "interview.scheduled", f"Invitation: {'j' * 99}… at {'c' * 100}"),
        ("company", "interview.confirmed", f"{'f' * 99}… confirmed: {'j' * 99}…"),
    ],
)
def test_subject_shows_100_characters_of_a_name(role: str, event: str, subject: str, mail_settings: Settings) -> None:
    user = {"id": "c" * 24, "email": "ada@example.com", "role": role}
    names = {"job_title": "j" * 101, "company_name": "c" * 100, "first_name": "f" * 200}
    message = compose(mail_settings, user, delivery_context(event, "typed") | names)
    assert str(message["Subject"]) == subject
    assert "j" * 101 in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize(("role", "event"), MAILS)
def test_mail_words_come_from_the_templates(role: str | None, event: str | None, mail_settings: Settings) -> None:
    code = "".join(Path(module.__file__).read_text() for module in (email, event_mails))
    user = {"id": "c" * 24, "email": "ada@example.com", "role": role}
    text = compose(mail_settings, user, delivery_context(event, "typed")).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    labels = re.findall("^([A-Z][a-z ]+): (?:([A-Z][a-z]+) [0-9]+ ([A-Z][a-z]+))?", text, re.MULTILINE)
    words = {word for groups in labels for word in groups if word}
    assert words >= ({"When", "Before", "How", "Where", "Monday", "November"} if event and role else set())
    assert not [word for word in words if f'"{word}"' in code]
    assert not re.search("%[AaBb]", code)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("Ada@Example.com", "Ada@Example.com"),
        ("o'neill+{jobs}|=?@example.com", "o'neill+{jobs}|=?@example.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ('"a.b"@example.com', "a.b@example.com"),
        ("ada@STRAẞE.example", "ada@xn--strae-oqa.example"),
        ("ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
        ("a" * 200 + "@example.com", "a" * 200 + "@example.com"),
    ],
)
def test_mail_address_is_written_in_ascii(address: str, written: str, mail_settings: Settings) -> None:
    user = {"id": "c" * 24, "email": address, "role": "candidate"}
    raw = compose(mail_settings, user, delivery_context("interview.scheduled", "x")).as_bytes()
    assert re.search(rb"^To:(?:\r\n)? (.+)\r\n", raw, re.MULTILINE)[1].decode() == written  # type: ignore[index]
    assert f"mailto:{written}" in re.sub("\r?\n ", "", message_from_bytes(raw, policy=modern).as_string())


@pytest.mark.parametrize("address", [
    "üser@example.com", f"{ENCODED}@example.com", f'"{ENCODED}"@example.com', '".a"@b.co', "a@b@c", "",
    "a@b.c\r\nBcc: x",
])  # fmt: skip
def test_invalid_mail_address_is_rejected(address: str, mail_settings: Settings) -> None:
    user = {"id": "c" * 24, "email": address, "role": "candidate"}
    with pytest.raises(Rejected, match="not one that a mail can be sent to"):
        compose(mail_settings, user, delivery_context("interview.scheduled", "x"))

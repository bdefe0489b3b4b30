"""Mails that arrive at a real SMTP server, and servers that refuse, hang or drop."""

import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select, update

from interviews_api.accounts.models import Company, User
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.services import service
from interviews_api.web.plain_text import in_one_line, shorten
from tests.support.api import Caller, in_days, invitation, local
from tests.support.certificates import make_certificate
from tests.support.factories import World
from tests.support.people import People
from tests.support.receivers import Mailbox, wait_for, working


def rows(database: Database) -> list[Any]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery).order_by(Delivery.id)))


def statuses(database: Database) -> list[str]:
    return [row.status for row in rows(database)]


def test_obsolete_mail_is_suppressed(
    app: Flask, people: People, mail: Any, mailbox: Mailbox, database: Database
) -> None:
    us = people.us
    interview_id = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
    us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(in_days(5)))
    with working(app, mail):
        wait_for(lambda: statuses(database) == ["suppressed", "sent"])
    assert [message["Subject"].partition(":")[0] for message in mailbox.messages] == ["New time"]


@pytest.mark.parametrize(
    ("prefix", "status", "is_retried"),
    [
        ("refuse", "failed", False),
        ("reject", "failed", False),
        ("later", "sent", True),
        ("drop", "sent", True),
        ("hang", "sent", True),
    ],
)
def test_refused_mail_fails_or_is_retried(
    prefix: str, status: str, is_retried: bool, app: Flask, world: World, mail: Any, mailbox: Mailbox,
    database: Database, headers: Any, client: FlaskClient,
) -> None:  # fmt: skip
    company = world.company()
    user = world.company_user(company)
    person = world.candidate(email=f"{prefix}-me@example.com")
    application = world.application(person, world.job(company))
    world.load()
    us = Caller(client, headers(user["id"], "company"))
    us.ok("POST", "/interviews/schedule", invitation(application["id"]))
    with working(app, mail, backoff=lambda _attempts: timedelta(seconds=0.2)):
        wait_for(lambda: [row.attempts for row in rows(database)] >= [2 if is_retried else 1])
        if is_retried:  # and then the address works
            with database.engine.begin() as connection:
                connection.execute(update(User).where(User.id == person["id"]).values(email="fine@example.com"))
        wait_for(lambda: statuses(database) == [status])
    (row,) = rows(database)
    assert (row.error is None) == (status == "sent")
    assert len(mailbox.messages) == (status == "sent")


def test_dead_letter_can_be_retried(
    app: Flask, people: People, mail: Any, mailbox: Mailbox, database: Database, runner: FlaskCliRunner
) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    broken = {Channel.EMAIL: mail_sender(replace(service(Settings, app), smtp_host="127.0.0.1", smtp_port=9))}
    with working(app, broken):
        wait_for(lambda: any(row.error for row in rows(database)))
        with database.engine.begin() as connection:
            connection.execute(update(Delivery).values(give_up_at=now(), due_at=now()))
        with working(app, broken):  # for this one the target is not paused
            wait_for(lambda: statuses(database) == ["failed"])
    listing = runner.invoke(args=["deliveries", "list"])
    (row,) = rows(database)
    assert f"{row.id}  " in listing.output
    assert "ConnectionRefusedError" in listing.output
    assert runner.invoke(args=["deliveries", "retry"]).exit_code == 2
    assert runner.invoke(args=["deliveries", "retry", str(row.id)]).output == "Queued 1\n"
    with working(app, mail):
        wait_for(lambda: statuses(database) == ["sent"])
    assert rows(database)[0].key == row.key
    assert runner.invoke(args=["deliveries", "list", "--status", "sent"]).output.endswith("1 sent\n")
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(due_at=now() - timedelta(days=91)))
    assert runner.invoke(args=["deliveries", "purge"]).output == "Deleted 1\n"


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_is_sent_over_tls_with_a_password(
    tls: str, app: Flask, people: People, tmp_path: Path, database: Database
) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    signed_in: list[bytes] = []

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> Any:
        signed_in.append(data.login + b":" + data.password)
        return AuthResult(success=True)

    options: dict[str, Any] = {
        "authenticator": authenticate,
        "auth_required": tls != "tls",
        "auth_require_tls": tls != "tls",
    }
    box = Mailbox(**options, **({"ssl_context": context} if tls == "tls" else {"tls_context": context}))
    settings = replace(
        service(Settings, app), smtp_host="localhost", smtp_port=box.port, smtp_tls=tls, smtp_username="me",
        smtp_password="secret",
    )  # fmt: skip
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    distrusting = {Channel.EMAIL: mail_sender(settings)}
    with working(app, distrusting):
        wait_for(lambda: rows(database) and rows(database)[0].error)
    assert "CERTIFICATE_VERIFY_FAILED" in rows(database)[0].error
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(due_at=now()))
    trusting = {Channel.EMAIL: mail_sender(settings, trust=ssl.create_default_context(cafile=str(certificate)))}
    with working(app, trusting):
        wait_for(lambda: statuses(database) == ["sent"])
    box.stop()
    assert signed_in == [b"me:secret"]
    assert len(box.messages) == 1


@pytest.mark.parametrize("setting", ["starttls", "sign-in"])
def test_server_without_a_required_feature_is_retried(
    setting: str, app: Flask, people: People, mailbox: Mailbox, database: Database
) -> None:
    """A missing feature may be a mistake in settings; a non-ASCII address fails for good."""
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    settings = replace(service(Settings, app), smtp_host="127.0.0.1", smtp_port=mailbox.port, smtp_tls="none")
    changes = {"smtp_tls": "starttls"} if setting == "starttls" else {"smtp_username": "me", "smtp_password": "x"}
    with working(app, {Channel.EMAIL: mail_sender(replace(settings, **changes))}):
        wait_for(lambda: rows(database) and rows(database)[0].error)
    assert rows(database)[0].error.startswith("SMTPNotSupportedError")
    assert statuses(database) == ["pending"]
    with database.engine.begin() as connection:
        connection.execute(update(User).where(User.id == people.candidate_id).values(email="\u00e9@example.com"))
        connection.execute(update(Delivery).values(due_at=now()))
    with working(app, {Channel.EMAIL: mail_sender(settings)}):
        wait_for(lambda: statuses(database) == ["failed"])


def test_mails_become_files_without_a_server(
    app: Flask, people: People, tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    settings = replace(service(Settings, app), mail_dir=str(tmp_path / "mail"))
    with working(app, {Channel.EMAIL: mail_sender(settings)}):
        wait_for(lambda: statuses(database) == ["sent"])
    (path,) = (tmp_path / "mail").iterdir()
    assert path.suffix == ".eml"
    assert b"Subject: Invitation" in path.read_bytes()
    assert str(path) in capsys.readouterr().out


def test_mail_that_becomes_a_file_is_in_no_log_of_production(
    app: Flask, people: People, tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    settings = replace(service(Settings, app), mail_dir=str(tmp_path / "mail"), environment="production")
    with working(app, {Channel.EMAIL: mail_sender(settings)}):
        wait_for(lambda: statuses(database) == ["sent"])
    assert len(list((tmp_path / "mail").iterdir())) == 1
    assert capsys.readouterr().out == ""


NASTY = (
    "A\r\nBcc: evil@example.com\x0b\u2028\u2029\x1b[2J =?utf-8?q?=0D=0ABcc:_evil=40example.com=0D=0A=0D=0A?= "
    "=?utf-8?b?AA==?= =?=? b\tc é" + "x" * 200
)


def test_hostile_text_becomes_no_header(
    app: Flask, world: World, mail: Any, mailbox: Mailbox, database: Database, headers: Any, client: FlaskClient
) -> None:
    company = world.company(name=NASTY, address=NASTY, phone=NASTY)
    user = world.company_user(company)
    person = world.candidate(firstName=NASTY, lastName=NASTY)
    application = world.application(person, world.job(company, title=NASTY))
    world.load()
    with database.engine.begin() as connection:  # as older rules stored it
        connection.execute(update(Company).values(email=NASTY, vouched_email=NASTY))
    us, me = Caller(client, headers(user["id"], "company")), Caller(client, headers(person["id"]))
    body = invitation(application["id"], notes=NASTY, location=NASTY)
    interview_id = us.ok("POST", "/interviews/schedule", body)["interviewId"]
    with working(app, mail):
        me.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
        me.ok("PUT", f"/candidate/interviews/{interview_id}/request-reschedule", {"reason": NASTY})
        wait_for(lambda: len(statuses(database)) == 4 and set(statuses(database)) == {"sent"})
        me.ok("PUT", f"/candidate/interviews/{interview_id}/decline", {"reason": NASTY})
        wait_for(lambda: len(statuses(database)) == 6 and set(statuses(database)) == {"sent"})
    allowed = {"Subject", "From", "To", "Reply-To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
               "Content-Type", "Content-Transfer-Encoding"}  # fmt: skip
    for message in mailbox.messages:
        assert {name for name in message.keys() if not name.startswith("X-")} <= allowed  # noqa: SIM118
        assert "Bcc" not in message
        assert shorten(in_one_line(NASTY), 100) in message["Subject"]
        assert not message.defects


def test_unwritable_folder_is_retried_and_bad_address_fails(
    app: Flask, people: People, tmp_path: Path, database: Database
) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    (tmp_path / "mail").write_text("a file")
    settings = replace(service(Settings, app), mail_dir=str(tmp_path / "mail"))
    with working(app, {Channel.EMAIL: mail_sender(settings)}):
        wait_for(lambda: rows(database) and rows(database)[0].error)
    assert rows(database)[0].error.startswith("MAIL_DIR cannot be written")
    with database.engine.begin() as connection:
        connection.execute(update(User).where(User.id == people.candidate_id).values(email="a@b@c"))
        connection.execute(update(Delivery).values(due_at=now()))
    with working(app, {Channel.EMAIL: mail_sender(settings)}):
        wait_for(lambda: statuses(database) == ["failed"])
    assert rows(database)[0].error == "the address is not one that a mail can be sent to"

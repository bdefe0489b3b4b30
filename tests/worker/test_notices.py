"""Notices of an interview: sent, planned and failed ones, and resending."""

from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select, update

from interviews_api.db.connections import Database
from interviews_api.notifications.delivery_errors import Rejected
from interviews_api.notifications.models import Channel, Delivery
from tests.support.api import Caller, invitation
from tests.support.factories import World
from tests.support.people import People
from tests.support.receivers import wait_for, working


def fail(*_anything: object) -> None:
    raise Rejected("no")


def test_notices_list_sent_and_planned_mails(app: Flask, people: People, database: Database) -> None:
    us, candidate = people.us, people.candidate
    address = candidate.ok("GET", "/auth/me")["user"]["email"]
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, days=3))
    path = f"/interviews/{interview['interviewId']}/notices"
    first, nudge, last = us.ok("GET", path)["notices"]  # no worker has run
    assert first.keys() == {"id", "event", "channel", "recipient", "status", "dueAt", "sentAt", "attempts", "error"}
    assert [first[name] for name in ("event", "channel", "recipient", "status", "attempts", "sentAt")] == [
        "interview.scheduled", "email", address, "pending", 0, None,
    ]  # fmt: skip
    assert {(notice["event"], notice["status"]) for notice in (nudge, last)} == {("interview.nudge", "planned")}
    assert nudge["dueAt"] < last["dueAt"]
    for notice in (nudge, last):
        assert "interview.nudge" in notice["id"]
        assert address in notice["id"]
        assert us.refused("POST", f"{path}/{quote(notice['id'], safe='')}/resend") == (400, "Notice cannot be resent")
    assert us.refused("POST", f"{path}/{first['id']}/resend") == (400, "Notice cannot be resent")
    for unknown in ("0", "999999999", "x", "interview.nudge.24h.email.b@example.com", "%00", "9" * 4000):
        assert us.refused("POST", f"{path}/{unknown}/resend") == (404, "Notice not found")
    candidate.ok("PUT", f"/candidate/interviews/{interview['interviewId']}/confirm")
    with working(app, {Channel.EMAIL: lambda _user, _about: None}):
        wait_for(lambda: {notice["status"] for notice in us.ok("GET", path)["notices"]} == {"sent", "planned"})
    after = us.ok("GET", path)
    assert after["total"] == len(after["notices"]) == 5
    assert [(notice["event"].partition(".")[2], notice["status"]) for notice in after["notices"]] == [
        ("scheduled", "sent"), ("confirmed", "sent"), ("confirmed", "sent"), ("reminder", "planned"),
        ("reminder", "planned"),
    ]  # fmt: skip
    again = us.ok("POST", f"{path}/{first['id']}/resend")
    assert [again[name] for name in ("event", "channel", "recipient", "status", "attempts")] == [
        "interview.scheduled", "email", address, "pending", 0,
    ]  # fmt: skip
    assert again["id"] != first["id"]
    with database.reads.connection() as connection:
        keys = list(connection.execute(select(Delivery.key).where(Delivery.event_id.is_not(None))).scalars())
    assert len(keys) == len(set(keys)) + 1  # the confirmation went to two


@pytest.mark.parametrize("status", ["failed", "suppressed", "sent"])
def test_ended_notice_can_be_resent(status: str, app: Flask, people: People, database: Database) -> None:
    us = people.us
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/interviews/{interview['interviewId']}/notices"
    with working(app, {Channel.EMAIL: fail}):
        wait_for(lambda: us.ok("GET", path)["notices"][0]["status"] == "failed")
    assert us.ok("GET", path)["notices"][0]["error"] == "no"
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(status=status))
    notice = us.ok("GET", path)["notices"][0]
    for _ in range(2):
        us.ok("POST", f"{path}/{notice['id']}/resend")
    with working(app, {Channel.EMAIL: lambda _user, _about: None}):
        wait_for(lambda: [notice["status"] for notice in us.ok("GET", path)["notices"][1:3]] == ["sent", "sent"])


@pytest.mark.parametrize(
    ("prefix", "shown"),
    [
        ("refuse", "the mail server does not accept the address"),
        ("reject", "the mail server does not accept the message"),
        ("later", "temporary failure"),
        ("greylisted", "temporary failure"),
        ("drop", "temporary failure"),
    ],
)
def test_company_reads_no_words_of_the_mail_server(
    prefix: str, shown: str, app: Flask, world: World, mail: Any, database: Database, headers: Any
) -> None:
    """The operator reads them (`flask deliveries list`)."""
    company = world.company()
    user = world.company_user(company)
    application = world.application(world.candidate(email=f"{prefix}-me@example.com"), world.job(company))
    world.load()
    us = Caller(app.test_client(), headers(user["id"], "company"))
    interview_id = us.ok("POST", "/interviews/schedule", invitation(application["id"]))["interviewId"]
    path = f"/interviews/{interview_id}/notices"
    with working(app, mail):
        wait_for(lambda: us.ok("GET", path)["notices"][0]["error"] == shown)
    with database.reads.connection() as connection:
        assert "SMTP" in connection.execute(select(Delivery.error)).scalar_one()


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("MAIL_DIR cannot be written: Permission denied", "temporary failure"),
        ("unforeseen: KeyError", "temporary failure"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "temporary failure"),
        ("gaierror: [Errno -2] mail.internal", "temporary failure"),
        ("SMTPNotSupportedError: SMTPUTF8", "the mail server does not accept the address"),
        ("UnicodeEncodeError: 'ascii' codec can't encode", "the mail server does not accept the address"),
        ("the interview has begun", "the interview has begun"),
        ("answered 410: it is disabled now", "answered 410: it is disabled now"),
        ("", ""),
        (None, None),
    ],
)
def test_company_reads_a_class_of_internal_errors(
    stored: str | None, shown: str | None, people: People, database: Database
) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/interviews/{interview['interviewId']}/notices"
    people.us.ok("GET", path)
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(error=stored))
    assert people.us.ok("GET", path)["notices"][0]["error"] == shown

"""Mails of people with any name, on their way through a strict server."""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.notifications.models import Delivery
from tests.support.api import Caller, invitation
from tests.support.factories import World
from tests.support.people import People
from tests.support.receivers import Mailbox, part, wait_for, working

TEXTS = ["Bäckerei Müller", "株式会社タレント", "شركة المواهب", "長" * 900, "emoji \U0001f600 " * 60]


def statuses(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery.status).order_by(Delivery.id)).scalars())


@pytest.mark.parametrize("text", TEXTS)
def test_strict_server_takes_each_mail_of_a_life(
    text: str, app: Flask, world: World, mail: Any, mailbox: Mailbox, database: Database, headers: Any,
    client: FlaskClient,
) -> None:  # fmt: skip
    company = world.company(name=text[:200], email="hr@us.example")
    user = world.company_user(company)
    person = world.candidate(firstName=text[:200], lastName="é")
    application = world.application(person, world.job(company, title=text[:200]))
    world.load()
    us, me = Caller(client, headers(user["id"], "company")), Caller(client, headers(person["id"]))
    with working(app, mail):
        interview_id = us.ok("POST", "/interviews/schedule", invitation(application["id"], notes=text))["interviewId"]
        wait_for(lambda: statuses(database) == ["sent"])
        me.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
        wait_for(lambda: statuses(database) == ["sent"] * 3)
        us.ok("PUT", f"/interviews/{interview_id}/cancel", {"cancellationReason": text})
        wait_for(lambda: statuses(database) == ["sent"] * 4)
    assert text.strip() in part(mailbox.messages[0], "text/plain")
    assert [message["Reply-To"] for message in mailbox.messages].count("hr@us.example") == 3
    assert [message["Reply-To"] for message in mailbox.to(user["email"])] == [person["email"]]


def test_date_is_the_moment_of_sending(
    app: Flask, people: People, mail: Any, mailbox: Mailbox, database: Database
) -> None:
    us = people.us
    interview_id = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
    with database.engine.begin() as connection:
        connection.execute(update(Event).values(at=now() - timedelta(days=2)))
    with working(app, mail):
        wait_for(lambda: statuses(database) == ["sent"])
        (notice,) = (
            each for each in us.ok("GET", f"/interviews/{interview_id}/notices")["notices"] if each["status"] == "sent"
        )
        us.ok("POST", f"/interviews/{interview_id}/notices/{notice['id']}/resend")
        wait_for(lambda: statuses(database) == ["sent"] * 2)
    first, again = mailbox.messages
    for message in (first, again):
        assert abs(parsedate_to_datetime(message["Date"]) - now()) < timedelta(minutes=1)
    assert first["Message-ID"] != again["Message-ID"]

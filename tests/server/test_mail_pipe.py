"""Answers of calendars that arrive through a real mail server's pipe."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from interviews_api import create_app
from interviews_api.db.connections import Database
from interviews_api.interviews.models import Interview
from interviews_api.notifications.incoming.reply_addresses import make_reply_address
from interviews_api.notifications.models import Delivery
from interviews_api.services import service
from tests.support.calendar_mails import REPLY_ADDRESS, Invited, gmail, outlook, plain
from tests.support.databases import migrated_database
from tests.support.factories import World
from tests.support.postfix import Postfix
from tests.support.receivers import wait_for
from tests.support.settings import SECRETS

pytestmark = pytest.mark.needs_postfix


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with migrated_database("postgresql", tmp_path_factory.mktemp("database")) as url:
        yield SECRETS | {"DATABASE_URL": url, "REPLY_ADDRESS": REPLY_ADDRESS}


@pytest.fixture(scope="module")
def pipe_app(settings: dict[str, str]) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    service(Database, app).dispose()


@pytest.fixture(scope="module")
def postfix(settings: dict[str, str]) -> Iterator[Postfix]:
    postfix = Postfix(settings)
    yield postfix
    postfix.stop()


def test_answers_arrive_through_the_pipe_of_a_mail_server(pipe_app: Flask, postfix: Postfix) -> None:
    """A yes confirms, an 8-bit no declines, a plain mail is answered; a bounce and a bomb are taken and do nothing."""
    world = World(pipe_app)
    person = world.candidate(email="ada@example.com")
    application = world.application(person)
    interviews = [world.interview(application, scheduledDate=f"2999-05-{day}T09:00:00.000Z") for day in range(15, 18)]
    world.load()

    def invited(number: int) -> Invited:
        interview_id = interviews[number]["id"]
        organizer = make_reply_address(REPLY_ADDRESS, SECRETS["SECRET_KEY"], interview_id, person["id"])
        return Invited(organizer, interview_id, 0, person["email"])

    def rows() -> tuple[dict[str, Any], list[str]]:
        with service(Database, pipe_app).reads.connection() as connection:
            statuses = connection.execute(select(Interview.id, Interview.status)).all()
            answers = connection.execute(select(Delivery.answer).where(Delivery.answer.is_not(None))).scalars()
            return {row.id: row.status for row in statuses}, [str(answer) for answer in answers]

    yes, no, asked = invited(0), invited(1), invited(2)
    postfix.send(person["email"], yes.organizer, gmail(yes))
    postfix.send(person["email"], no.organizer, outlook(no, "DECLINED"))
    postfix.send(person["email"], asked.organizer, plain(asked))
    postfix.send("", asked.organizer, gmail(asked))  # a null sender
    postfix.send(person["email"], asked.organizer, gmail(asked) + b"x\r\n" * 2_000_000)
    wait_for(lambda: postfix.log.count("status=sent (delivered via interviews service") == 5, 120)
    assert "status=deferred" not in postfix.log
    assert "status=bounced" not in postfix.log
    statuses, answers = rows()
    assert statuses == {
        yes.interview_id: "confirmed", no.interview_id: "annule", asked.interview_id: "en_attente"
    }  # fmt: skip
    assert answers == ["plain"]


def test_mail_waits_in_the_queue_while_a_setting_is_wrong(settings: dict[str, str]) -> None:
    postfix = Postfix(settings | {"DATABASE_URL": "postgresql://postgres@127.0.0.1:9/away"})
    try:
        postfix.send("ada@example.com", f"replies+{'a' * 40}@jobs.example", plain_to_nobody())
        wait_for(lambda: "status=deferred" in postfix.log, 60)
        assert "status=bounced" not in postfix.log
    finally:
        postfix.stop()


def plain_to_nobody() -> bytes:
    return plain(Invited(f"replies+{'a' * 40}@jobs.example", "a" * 24, 0, "ada@example.com"))

"""Proof that the mails of many companies delay neither another company's mail nor mails about accounts."""

import time
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import Database, transaction
from interviews_api.events.log import EventLog
from interviews_api.events.models import EventType
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.commands import CONCURRENCY
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.notifications.worker.worker import work_once
from interviews_api.services import service
from tests.support.api import Caller
from tests.support.factories import World
from tests.support.proof_table import figure, proof
from tests.support.receivers import Mailbox, wait_for, working
from tests.support.worker_processes import count

COMPANIES, USERS = 12, 20
SOME_DAY = {"scheduledDate": "2999-01-01T09:00:00.000Z"}


def load_interview(world: World, company: dict[str, Any], candidate: dict[str, Any]) -> dict[str, Any]:
    interview = world.interview(world.application(candidate, world.job(company)), **SOME_DAY)
    return {"id": interview["id"], "candidate_id": candidate["id"], "company_id": company["id"], "revision": 0}


@pytest.mark.proof
def test_backlogs_delay_no_other_company_and_no_password_mail(
    app: Flask, world: World, database: Database, anonymous: Caller
) -> None:
    backlog = figure(sample=1200, full=5000)
    companies = [world.company() for _ in range(COMPANIES)]
    interviews = [load_interview(world, company, world.candidate()) for company in companies]
    for company in companies:
        for _ in range(USERS):
            world.company_user(company)
    person = world.candidate(email="person@example.com")
    other = load_interview(world, world.company(), person)
    world.load()
    mailbox = Mailbox(seconds=0.3)
    settings = replace(service(Settings, app), **mailbox.settings)

    def append(interview: dict[str, Any], event_type: EventType) -> None:
        with transaction() as connection:
            EventLog(connection).append(interview, event_type, at=now(), actor="company")

    def seconds_until(subject: str) -> float:
        began = time.monotonic()
        wait_for(lambda: any(message["Subject"].startswith(subject) for message in mailbox.messages), 20)
        return time.monotonic() - began

    with proof(f"mails of {COMPANIES} companies with a backlog", database.engine.dialect.name, backlog) as proof_row:
        with app.app_context():
            for number in range(-(-backlog // USERS)):
                append(interviews[number % COMPANIES], EventType.RESCHEDULE_REQUESTED)
            while work_once(now()):
                pass
            assert count(database, Delivery) >= backlog
            with working(app, {Channel.EMAIL: mail_sender(settings)}, concurrency=CONCURRENCY[Channel.EMAIL]):
                wait_for(lambda: len(mailbox.messages) > 2 * CONCURRENCY[Channel.EMAIL])
                append(other, EventType.SCHEDULED)
                invitation = seconds_until("Invitation")
                assert (
                    anonymous.call("POST", "/auth/password/forgot", {"email": "person@example.com"}).status_code == 202
                )
                password = seconds_until("Choose a new password")
        mailbox.stop()
        assert len(mailbox.messages) < backlog / 2
        assert max(invitation, password) < 10
        proof_row.result = f"an invitation of another after {invitation:.1f} s, a password mail after {password:.1f} s"

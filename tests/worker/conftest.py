"""A mailbox and a sender of mails to it, and what a worker sends."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.delivery_errors import Sender
from interviews_api.notifications.models import Channel
from interviews_api.services import service
from tests.support.outbox import Outbox
from tests.support.receivers import Mailbox


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.stop()


@pytest.fixture
def mail(app: Flask, mailbox: Mailbox) -> dict[Channel, Sender]:
    settings = replace(
        service(Settings, app), smtp_host="127.0.0.1", smtp_port=mailbox.port, smtp_tls="none",
        mail_from="Interviews <no-reply@jobs.example>",
    )  # fmt: skip
    return {Channel.EMAIL: mail_sender(settings, seconds=1)}


@pytest.fixture
def outbox(app: Flask, database: Database, mail_settings: Settings) -> Outbox:
    return Outbox(app, database, mail_settings)

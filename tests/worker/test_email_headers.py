"""Hostile text of users arrives as text in a real mail."""

from dataclasses import replace

from flask import Flask
from flask.testing import FlaskClient

from interviews_api.config import Settings
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.models import Channel
from interviews_api.web.plain_text import shorten
from tests.support.api import invitation
from tests.support.hostile_text import ENCODED
from tests.support.people import People
from tests.support.receivers import Mailbox, wait_for, working


def test_hidden_header_in_a_job_title_stays_text(
    app: Flask, people: People, client: FlaskClient, mail_settings: Settings
) -> None:
    us, candidate, title = people.us, people.candidate, f"x {ENCODED} y"
    job = us.ok("POST", "/jobs", {"title": title})
    application = candidate.ok("POST", f"/jobs/{job['id']}/applications")["applicationId"]
    us.ok("POST", "/interviews/schedule", invitation(application, notes=title))
    box = Mailbox()
    smtp = replace(mail_settings, smtp_host="127.0.0.1", smtp_port=box.port, smtp_tls="none")
    with working(app, {Channel.EMAIL: mail_sender(smtp)}):
        wait_for(lambda: len(box.messages) == 1)
    box.stop()
    (message,) = box.messages
    assert message["Subject"] == f"Invitation: {shorten(title, 100)} at us"
    assert not {"Bcc", "Reply-To"} & set(message)
    assert title in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]

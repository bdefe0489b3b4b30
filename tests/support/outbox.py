"""What a worker sends to candidates and companies, composed and kept."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import orjson
from flask import Flask
from sqlalchemy import select

from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.channels.web_push import payload
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.notifications.worker.worker import work_once
from tests.support.receivers import wait_for, working


@dataclass
class Outbox:
    """Composes what a worker sends; `deliver` returns when nothing is pending."""

    app: Flask
    database: Database
    settings: Settings
    mails: list[EmailMessage] = field(default_factory=list)
    pushes: list[dict[str, Any]] = field(default_factory=list)

    def deliver(self, workers: int = 1) -> None:
        senders: dict[Channel, Any] = {
            Channel.EMAIL: lambda user, context: self.mails.append(compose(self.settings, user, context)),
            Channel.PUSH: lambda _browser, context: self.pushes.append(orjson.loads(payload(context))),
        }
        with self.app.app_context(), ExitStack() as stack:
            while work_once(now()):
                pass
            for _ in range(workers):
                stack.enter_context(working(self.app, senders))
            wait_for(lambda: all(row.status != "pending" for row in self.rows() if row.channel != "webhook"))

    def rows(self) -> list[Any]:
        with self.database.reads.connection() as connection:
            return list(connection.execute(select(Delivery).order_by(Delivery.id)))

    def take(self, address: str) -> tuple[list[str], list[str]]:
        """Return and forget the kinds of mails to the address, and of push messages, in the order of their kinds."""
        mails = sorted(mail["Subject"].partition(":")[0] for mail in self.mails if mail["To"] == address)
        pushes = sorted(push["event"].partition(".")[2] for push in self.pushes)
        self.mails.clear()
        self.pushes.clear()
        return mails, pushes

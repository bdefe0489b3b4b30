"""Command of the mail server's pipe: `flask mail receive`."""

import logging
import os
import sys

import click

from interviews_api.accounts.rate_limits import active_limits
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import transaction
from interviews_api.errors import TooManyRequests
from interviews_api.notifications.incoming.mime import MAX_BYTES
from interviews_api.notifications.incoming.receive import MailReceiver, ReceptionOutcome, read_incoming
from interviews_api.services import service
from interviews_api.web.command_group import CommandGroup

_MAX_REST = 64  # MiB that are thrown away, so that a mail server can write the whole mail
_log = logging.getLogger(__name__)

mail = CommandGroup("mail", help="Receive the answers of candidates' calendars.")


@mail.command("receive")
def receive_mail() -> None:
    """Read one mail (RFC 5322) from standard input and act on it, for the pipe of a mail server.

    Exits as mail servers expect: 0 also for mails that are ignored, 75 (try later) over a limit and for any failure, 78
    without REPLY_ADDRESS.
    """
    settings = service(Settings)
    if not settings.reply_address:
        click.echo("REPLY_ADDRESS is not set", err=True)
        sys.exit(os.EX_CONFIG)
    try:
        outcome = _receive(settings)
    except TooManyRequests as error:
        click.echo(error.message, err=True)
        sys.exit(os.EX_TEMPFAIL)
    except Exception:  # whatever it is, the mail server keeps the mail
        _log.exception("cannot receive a mail")
        sys.exit(os.EX_TEMPFAIL)
    click.echo(outcome)


def _receive(settings: Settings) -> ReceptionOutcome:
    stdin = sys.stdin.buffer
    raw = stdin.read(MAX_BYTES + 1)
    for _ in range(_MAX_REST):
        if not stdin.read(MAX_BYTES):
            break
    incoming = read_incoming(raw, settings.reply_address)
    if incoming is None:
        return ReceptionOutcome.IGNORED
    limits = active_limits()
    with transaction() as connection:
        return MailReceiver(connection, settings.secret_key, now=now(), limits=limits).receive(incoming)

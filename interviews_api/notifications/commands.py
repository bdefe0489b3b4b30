"""Commands for deliveries: `flask worker`, `flask deliveries ...`, `flask push keys`."""

import signal
from contextlib import suppress
from datetime import timedelta

import click
from flask import current_app
from flask.cli import with_appcontext

from interviews_api.accounts.purge import BATCH_SIZE, pause_after
from interviews_api.clock import format_instant, now
from interviews_api.config import Settings
from interviews_api.crypto.vapid import new_private_key, public_key, read_private_key
from interviews_api.db.connections import Database, read_connection, transaction
from interviews_api.notifications.channels.https_client import HttpsClient
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.channels.web_push import PushSender
from interviews_api.notifications.channels.webhook import WebhookSender
from interviews_api.notifications.delivery_errors import Obsolete, Sender
from interviews_api.notifications.delivery_kinds import KINDS
from interviews_api.notifications.models import Channel, DeliveryStatus
from interviews_api.notifications.operator_delivery_repository import OperatorDeliveryRepository
from interviews_api.notifications.worker.channel_worker import make_channel_workers
from interviews_api.notifications.worker.worker import Worker
from interviews_api.services import register_services, service
from interviews_api.web import logs
from interviews_api.web.command_group import CommandGroup

CONCURRENCY = {Channel.EMAIL: 16, Channel.PUSH: 32, Channel.WEBHOOK: 64}
"""Attempts of each channel in progress at once: high, because a receiver may take 15 s to fail."""

_POOL_SIZE = 8

deliveries = CommandGroup("deliveries", help="List, retry and purge deliveries.")
push = CommandGroup("push", help="Set up Web Push.")


def senders(settings: Settings, https_client: HttpsClient) -> dict[Channel, Sender]:
    """Return the sender of each channel; without a VAPID key deliveries by push become suppressed."""
    return {
        Channel.EMAIL: mail_sender(settings),
        Channel.PUSH: _push_sender(settings, https_client),
        Channel.WEBHOOK: WebhookSender(https_client),
    }


def _push_sender(settings: Settings, https_client: HttpsClient) -> Sender:
    if settings.vapid_private_key:
        return PushSender(https_client, read_private_key(settings.vapid_private_key), settings.vapid_subject)

    def suppress(_subscription: object, _context: object) -> None:
        raise Obsolete("Web Push is not set up")

    return suppress


@click.command("worker")
@with_appcontext
def run_worker() -> None:
    """Deliver events by e-mail, Web Push and webhook, and make reminders, until SIGTERM or SIGINT."""
    logs.configure()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    settings = service(Settings)
    logs.warn_about(settings.warnings)
    register_services(app, Database(settings.database_url, pool_size=_POOL_SIZE))
    channel_workers = make_channel_workers(
        app, senders(settings, HttpsClient()), CONCURRENCY, limits_mails=settings.ratelimit_enabled
    )
    worker = Worker(app, list(channel_workers))
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, worker.stop)
    with suppress(OSError):  # nobody reads what it prints
        click.echo("The worker delivers; stop it with SIGTERM")
    worker.run()


@deliveries.command("list")
@click.option(
    "--status",
    type=click.Choice([status.value for status in DeliveryStatus if status is not DeliveryStatus.PLANNED]),
    default=DeliveryStatus.FAILED.value,
    show_default=True,
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
def list_deliveries(status: str, limit: int) -> None:
    """List the newest deliveries of a status: dead letters by default."""
    with read_connection() as connection:
        rows = OperatorDeliveryRepository(connection).of_status(status, limit)
    for row in rows:
        subject = f"{KINDS[row['kind']].label} {row['event_id'] or ''}".rstrip()
        parts = (row["id"], format_instant(row["due_at"]), subject, row["channel"], row["recipient"],
                 f"{row['attempts']} attempts", row["error"] or "")  # fmt: skip
        click.echo("  ".join(str(part) for part in parts).rstrip())
    click.echo(f"{len(rows)} {status}")


@deliveries.command("retry")
@click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1))
@click.option("--all", "is_all", is_flag=True, help="All failed deliveries.")
def retry_deliveries(ids: tuple[int, ...], is_all: bool) -> None:
    """Retry failed deliveries for another day, with the same idempotency key."""
    if is_all == bool(ids):
        raise click.UsageError("name the ids, or --all")
    with transaction() as connection:
        count = OperatorDeliveryRepository(connection).retry(list(ids), now=now())
    click.echo(f"Queued {count}")


@deliveries.command("purge")
@click.option("--days", type=click.IntRange(1, 36_500), default=90, show_default=True)
def purge_deliveries(days: int) -> None:
    """Delete the rows of deliveries that ended that many days ago or earlier."""
    ended_before, last_id, count = now() - timedelta(days=days), 0, 0
    while True:
        with read_connection() as connection:  # looks for rows without holding SQLite's only write lock
            repository = OperatorDeliveryRepository(connection)
            ids = repository.ended(ended_before, after_id=last_id, limit=BATCH_SIZE)
        if not ids:
            break
        with transaction() as connection:
            count += OperatorDeliveryRepository(connection).delete_ended(ids)
        last_id = ids[-1]
        pause_after(len(ids))
    click.echo(f"Deleted {count}")


@push.command("keys")
def make_push_keys() -> None:
    """Print a new key pair: VAPID_PRIVATE_KEY, and the public key that the API shows."""
    private_key = new_private_key()
    click.echo(f"VAPID_PRIVATE_KEY={private_key}")
    click.echo(f"# public: {public_key(read_private_key(private_key))}")

"""Each channel has all that a worker looks up by channel: a sender, threads, a target and a queue."""

import pytest
from flask import Flask

from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.https_client import HttpsClient
from interviews_api.notifications.commands import CONCURRENCY, senders
from interviews_api.notifications.models import Channel
from interviews_api.notifications.worker.delivery_context_repository import DeliveryContextRepository
from interviews_api.notifications.worker.delivery_repository import DeliveryRepository, Queue
from interviews_api.notifications.worker.target_health_repository import TARGET_HEALTH
from interviews_api.services import service


def test_each_channel_has_a_sender_and_threads(app: Flask) -> None:
    assert set(senders(service(Settings, app), HttpsClient())) == set(Channel)
    assert set(CONCURRENCY) == set(Channel)
    assert set(TARGET_HEALTH) == set(Channel)


@pytest.mark.parametrize("channel", Channel)
def test_channel_has_targets(channel: Channel, database: Database) -> None:
    """A channel without `_TARGETS` (delivery_context_repository.py) raises KeyError here."""
    with database.reads.connection() as connection:
        assert DeliveryContextRepository(connection).target(channel, "a" * 24) is None


@pytest.mark.parametrize("channel", Channel)
def test_channel_has_a_queue(channel: Channel, database: Database) -> None:
    with database.engine.begin() as connection:
        assert DeliveryRepository(connection).lock_due(Queue(channel), "a" * 24, now=now(), limit=1) == []

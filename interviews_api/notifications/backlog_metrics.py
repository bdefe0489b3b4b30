"""Metrics of the deliveries, read from the database at each scrape."""

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Connection

from interviews_api.clock import now
from interviews_api.notifications.backlog_repository import BacklogRepository


def read_backlog_metrics(connection: Connection) -> list[Metric]:
    """Return the deliveries by channel and status, and the age of the oldest unsent message in seconds."""
    repository = BacklogRepository(connection)
    oldest = repository.oldest_unsent()
    deliveries = GaugeMetricFamily(
        "interviews_deliveries", "Deliveries in the database, by channel and status.", labels=["channel", "outcome"]
    )
    for (channel, status), count in repository.counts().items():
        deliveries.add_metric([channel, status], count)
    age = max((now() - oldest).total_seconds(), 0) if oldest else 0  # a held mail waits from its `due_at` on
    unsent = GaugeMetricFamily(
        "interviews_oldest_unsent_event_seconds", "How long the oldest unsent message has been queued.", value=age
    )
    return [deliveries, unsent]

"""The blueprint `metrics`: what Prometheus scrapes. One scrape counts the requests of all workers of this gunicorn.

`server/metric_files.py` makes the folder in which the workers count together; without one each counts for itself.
"""

import logging
import os
from functools import cache

from flask import Blueprint
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.clock import now
from interviews_api.db import reading
from interviews_api.fields import Nothing
from interviews_api.notifications.backlog_repository import BacklogRepository
from interviews_api.operation import operation

blueprint = Blueprint("metrics", __name__)
_log = logging.getLogger(__name__)

_own = CollectorRegistry()
_requests = Counter(
    "interviews_requests", "Requests answered, by route template.", ["route", "method", "status"], registry=_own
)
_seconds = Histogram(
    "interviews_request_seconds", "How long they took.", ["route", "method"], registry=_own,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip


def count(route: str, method: str, status: int, seconds: float) -> None:
    """Count an answered request. Never raises: what was answered must not fail for being counted."""
    try:
        counter, histogram = _children(route, method, status)
        counter.inc()
        histogram.observe(seconds)
    except Exception as error:
        _warn("a request was not counted", type(error).__name__)


@cache  # as many as there are routes, methods and statuses
def _children(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(route, method, str(status)), _seconds.labels(route, method)


class _Found(Collector):
    """Metrics that are read rather than counted."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        """All of them."""
        return self._metrics


@blueprint.get("/metrics")
@operation("Metrics in Prometheus's text format", Nothing, needs_database=False, file="text/plain; version=0.0.4")
def show_metrics() -> bytes:
    """Requests and their latency, deliveries, and the age of the oldest unsent one, for Prometheus."""
    found = CollectorRegistry(auto_describe=False)
    found.register(_Found(_read_database()))
    return _counted() + generate_latest(found)


@cache
def _warn(problem: str, error: str) -> None:
    """Log a problem of counting once for each process: it comes back with every request."""
    _log.warning("metrics: %s: %s", problem, error)


def _counted() -> bytes:
    """Return the counts of all workers, or nothing where their files cannot be read."""
    try:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(_own)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)
    except Exception as error:  # the folder is gone, or a file of it is no such file
        _warn("the counts cannot be read", type(error).__name__)
        return b""


def _read_database() -> list[Metric]:
    """What the database knows; of one that is away, that alone."""
    up = GaugeMetricFamily("interviews_database_up", "Whether this scrape could read the database.", value=1)
    deliveries = GaugeMetricFamily(
        "interviews_deliveries", "Deliveries in the database, by what came of them.", labels=["channel", "outcome"]
    )
    try:
        with reading() as connection:
            repository = BacklogRepository(connection)
            oldest, counts = repository.oldest_unsent(), repository.counts()
    except SQLAlchemyError:
        return [GaugeMetricFamily(up.name, up.documentation, value=0)]
    for (channel, outcome), count in counts.items():
        deliveries.add_metric([channel, outcome], count)
    age = (now() - oldest).total_seconds() if oldest else 0
    unsent = GaugeMetricFamily(
        "interviews_oldest_unsent_event_seconds", "How long the oldest unsent message has been queued.", value=age
    )
    return [up, deliveries, unsent]

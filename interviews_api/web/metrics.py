"""Blueprint `metrics`: metrics for Prometheus. A scrape of any gunicorn worker has the requests of all.

gunicorn workers share counters in the folder that `server/metric_files.py` creates; without it each counts alone.
"""

import logging
import os
from collections.abc import Callable, Iterable
from functools import cache

from flask import Blueprint, Flask, current_app
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.db.connections import read_connection
from interviews_api.web.fields import Nothing
from interviews_api.web.operation import operation

ReadMetrics = Callable[[Connection], Iterable[Metric]]
"""Reads metrics from the database; raises SQLAlchemyError when it is away."""

blueprint = Blueprint("metrics", __name__)
_log = logging.getLogger(__name__)

_process_registry = CollectorRegistry()
_requests = Counter(
    "interviews_requests",
    "Requests answered, by route template.",
    ["route", "method", "status"],
    registry=_process_registry,
)
_seconds = Histogram(
    "interviews_request_seconds", "Duration of requests in seconds.", ["route", "method"], registry=_process_registry,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip


def init_app(app: Flask, read: ReadMetrics) -> None:
    """Make each scrape call `read` for the metrics of the database."""
    app.extensions["read_metrics"] = read


def count(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request. Never raises, because the response must not fail for its metrics."""
    try:
        counter, histogram = _children(route, method, status)
        counter.inc()
        histogram.observe(seconds)
    except Exception as error:
        _warn("a request was not counted", type(error).__name__)


@cache  # bounded by the routes, methods and statuses
def _children(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(route, method, str(status)), _seconds.labels(route, method)


class _MetricList(Collector):
    """Collector of metrics that were read from the database."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        """Return the metrics that were read before; prometheus_client calls this at each scrape."""
        return self._metrics


@blueprint.get("/metrics")
@operation("Metrics in Prometheus's text format", Nothing, needs_database=False, media_type="text/plain; version=0.0.4")
def show_metrics() -> bytes:
    """Return requests and their latency, deliveries, and the age of the oldest unsent one, for Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_MetricList(_read_database()))
    return _request_metrics() + generate_latest(registry)


@cache
def _warn(problem: str, error: str) -> None:
    """Log a problem once per process, because it recurs with every request."""
    _log.warning("metrics: %s: %s", problem, error)


def _request_metrics() -> bytes:
    """Return the request metrics of all gunicorn workers; empty if their files cannot be read."""
    try:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(_process_registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    except Exception as error:  # the folder was removed, or a file in it is broken
        _warn("the counts cannot be read", type(error).__name__)
        return b""


def _read_database() -> list[Metric]:
    """Return the metrics of the database; only `interviews_database_up 0` when it is away."""
    up = GaugeMetricFamily("interviews_database_up", "Whether this scrape could read the database.", value=1)
    read: ReadMetrics = current_app.extensions["read_metrics"]
    try:
        with read_connection() as connection:
            return [up, *read(connection)]
    except SQLAlchemyError:
        return [GaugeMetricFamily(up.name, up.documentation, value=0)]

"""The blueprint `metrics`: what Prometheus scrapes. One scrape counts the requests of all workers of this gunicorn.

`server/metric_files.py` makes the folder in which the workers count together; without one each counts for itself.
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
"""Reads metrics from the database. Raises SQLAlchemyError when it is away."""

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


def init_app(app: Flask, read: ReadMetrics) -> None:
    """Have each scrape show what `read` finds in the database."""
    app.extensions["read_metrics"] = read


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
    """Read what the database knows; only whether it is up when it is away."""
    up = GaugeMetricFamily("interviews_database_up", "Whether this scrape could read the database.", value=1)
    read: ReadMetrics = current_app.extensions["read_metrics"]
    try:
        with read_connection() as connection:
            return [up, *read(connection)]
    except SQLAlchemyError:
        return [GaugeMetricFamily(up.name, up.documentation, value=0)]

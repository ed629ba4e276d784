"""Prometheus counters and their exposition. The only import of prometheus_client."""

from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = [
    "CONTENT_TYPE_LATEST",
    "DELIVERIES",
    "EVENTS",
    "JOBS",
    "MESSAGES",
    "REQUESTS",
    "RETENTION_LATE",
    "SECONDS",
    "WORK_AGE",
    "answered",
    "exposition",
]

REQUESTS = Counter("mailer_requests", "Requests answered", ["face", "status"])
SECONDS = Histogram("mailer_request_seconds", "Time to answer", ["face"])
JOBS = Counter("mailer_jobs", "Turns run", ["job", "result"])
DELIVERIES = Counter("mailer_deliveries", "Deliveries that reached a state", ["status"])
MESSAGES = Counter("mailer_messages", "Transactional messages that reached a state", ["status"])
EVENTS = Counter("mailer_events", "Opens and clicks stored or dropped", ["kind", "result"])
WORK_AGE = Gauge("mailer_work_oldest_seconds", "Age of the oldest due row of work", multiprocess_mode="max")
RETENTION_LATE = Gauge(
    "mailer_retention_late_seconds", "How late the latest retention rule is", multiprocess_mode="max"
)


@cache
def _requests(face: str, status: int) -> Counter:
    return REQUESTS.labels(face, str(status))


@cache
def _seconds(face: str) -> Histogram:
    return SECONDS.labels(face)


def answered(face: str, status: int, seconds: float) -> None:
    """One request; the series of a face and a status is looked up once."""
    _requests(face, status).inc()
    _seconds(face).observe(seconds)


def exposition() -> bytes:
    """All processes' figures in Prometheus' text format (PROMETHEUS_MULTIPROC_DIR is set by the roof)."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)

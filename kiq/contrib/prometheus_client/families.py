"""The families of metrics: their names, their units, and what each says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from ... import __version__
from ...health.reports import Together
from ...plugins.metrics.buckets import BOUNDS
from .writing import BUCKETS, CLASS, FEATURES

TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = [*(f"{bound / 1000:g}" for bound in BOUNDS[::2]), "+Inf"]

_OF_WORKERS = {
    "threads": ("kiq_threads", "Threads that run jobs."),
    "busy": ("kiq_busy_jobs", "Jobs that run."),
    "in_flight": ("kiq_in_flight_jobs", "Jobs taken from queues, and not settled."),
    "buffered": ("kiq_buffered_jobs", "Jobs taken from queues that have not started."),
    "unsettled": ("kiq_unsettled_jobs", "Verdicts on jobs that Redis has not confirmed."),
}
_OF_PARENT = {
    "children": ("kiq_children", "Children that a parent wants."),
    "ready": ("kiq_ready_children", "Children of a parent that take jobs."),
}
_OF_FLEET = {
    "scheduled": ("kiq_fleet_scheduled_jobs", "Jobs that wait for their time."),
    "retry": ("kiq_fleet_retry_jobs", "Jobs that wait for their next attempt."),
    "dead": ("kiq_fleet_dead_jobs", "Jobs in the dead set."),
    "in_flight": ("kiq_fleet_in_flight_jobs", "Jobs that some process has taken, and not settled."),
    "processes": ("kiq_fleet_processes", "Worker processes that live."),
    "overdue": ("kiq_fleet_overdue_seconds", "How late the next scheduled job or retry is."),
}
_COUNTED_IN_FLEET = {
    "processed": ("kiq_fleet_processed", "Runs of jobs that ended, of all processes."),
    "failed": ("kiq_fleet_failed", "Runs of jobs that raised, of all processes."),
    "arrived": ("kiq_fleet_arrived", "Jobs that came into queues while this process has looked."),
}


def exposition(found: Together, own: Mapping[str, float]) -> tuple[str, bytes]:
    """Return all of it in Prometheus's text format, and the type of that."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once([*_classes(found), *_process(found, own), *_fleet(found.fleet)]))
    return TYPE, generate_latest(registry)


class _Once(Collector):
    """A collector of what was collected."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yield it."""
        yield from self._metrics


def _classes(found: Together) -> Iterator[Metric]:
    jobs = CounterMetricFamily(
        "kiq_jobs", "Runs of jobs that ended, by class and outcome.", labels=["class", "outcome"]
    )
    died = CounterMetricFamily(
        "kiq_jobs_died", "Jobs that were given up, by class.", labels=["class"]
    )
    ran = HistogramMetricFamily(
        "kiq_job_run_seconds", "How long runs took that did not fail.", labels=["class"]
    )
    waited = HistogramMetricFamily(
        "kiq_job_queue_seconds", "How long jobs were in their queue before a run.", labels=["class"]
    )
    for key, row in sorted(found.sums.items()):
        if not key.startswith(CLASS):
            continue
        name = key.removeprefix(CLASS)
        jobs.add_metric([name, "succeeded"], row[0])
        jobs.add_metric([name, "failed"], row[1])
        died.add_metric([name], row[2])
        runs, waits = row[FEATURES : FEATURES + BUCKETS], row[FEATURES + BUCKETS :]
        ran.add_metric([name], _cumulative(runs), sum_value=row[3])
        waited.add_metric([name], _cumulative(waits), sum_value=row[5])
    yield from (jobs, died, ran, waited)


def _cumulative(counts: Sequence[float]) -> list[tuple[str, float]]:
    total, found = 0.0, []
    for bound, count in zip(_BOUNDS, counts, strict=True):
        total += count
        found.append((bound, total))
    return found


def _process(found: Together, own: Mapping[str, float]) -> Iterator[Metric]:
    for key, (name, text) in _OF_WORKERS.items():
        yield GaugeMetricFamily(name, text, value=sum(now.get(key, 0) for now in found.now))
    trips = [now["round_trip"] for now in found.now if now.get("round_trip")]
    if trips:
        yield GaugeMetricFamily(
            "kiq_redis_round_trip_seconds",
            "How long Redis took to answer the last beat; of several children the longest.",
            value=max(trips),
        )
    reclaimed = sum(found.sums.get("reclaimed", ()))
    yield CounterMetricFamily(
        "kiq_reclaimed_jobs", "Jobs of dead processes that were given back here.", value=reclaimed
    )
    yield CounterMetricFamily(
        "kiq_fleet_unread",
        "Looks at the queues of all that failed.",
        value=sum(found.sums.get("unread", ())),
    )
    for key, (name, text) in _OF_PARENT.items():
        if key in own:
            yield GaugeMetricFamily(name, text, value=own[key])
    if "children" in own:
        ended = CounterMetricFamily(
            "kiq_children_ended", "Children of a parent that have ended.", labels=["how"]
        )
        for how, count in zip(
            ("in_order", "crashed"), found.sums.get("ended", (0, 0)), strict=True
        ):
            ended.add_metric([how], count)
        yield ended
    info = GaugeMetricFamily("kiq_info", "Always 1: the version of kiq.", labels=["version"])
    info.add_metric([__version__], 1)
    yield info


def _fleet(fleet: Mapping[str, Any] | None) -> Iterator[Metric]:
    """Yield what one process tells of all; nothing where another does, or nobody can know."""
    if fleet is None:
        return
    for key, (name, text) in _OF_FLEET.items():
        if key in fleet:
            yield GaugeMetricFamily(name, text, value=fleet[key])
    for key, (name, text) in _COUNTED_IN_FLEET.items():
        if key in fleet:
            yield CounterMetricFamily(name, text, value=fleet[key])
    size = GaugeMetricFamily("kiq_queue_jobs", "Jobs that wait in a queue.", labels=["queue"])
    latency = GaugeMetricFamily(
        "kiq_queue_latency_seconds",
        "For how long the oldest job of a queue has been in it; 0 where it is empty.",
        labels=["queue"],
    )
    paused = GaugeMetricFamily(
        "kiq_queue_paused", "1 where nobody takes jobs from a queue by order.", labels=["queue"]
    )
    for queue, (jobs, waited, held) in fleet.get("queues", {}).items():
        size.add_metric([queue], jobs)
        latency.add_metric([queue], waited)
        paused.add_metric([queue], held)
    yield from (size, latency, paused)

"""The numbers of a fleet at one moment."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..api import Connection, Process, ProcessSet, QueueSummary, Stats, Trend, Trends
from ..errors import StoreError, StoreUnavailable
from .picture import Figures


@dataclass(frozen=True)
class Moment:
    """What was so *at* a time (epoch seconds, Redis's clock). *trends* are those of queues.

    *course* has, for the last ten minutes, jobs a second that ended and that failed.
    """

    at: float
    stats: Stats
    queues: Sequence[QueueSummary]
    processes: Sequence[Process]
    trends: Mapping[str, Trend]
    course: Sequence[tuple[float, float]]

    @functools.cached_property
    def takers(self) -> Mapping[str, int]:
        """For each queue, how many awake processes take from it."""
        awake = [each for each in self.processes if not each.is_silent and not each.is_quiet]
        return Counter(name for each in awake for name in set(each.queues))

    @property
    def figures(self) -> Figures:
        """The numbers above every view."""
        alive = [each for each in self.processes if not each.is_silent]
        stats = self.stats
        return Figures(
            at=self.at,
            processed=stats.processed,
            failed=stats.failed,
            busy=sum(each.busy for each in self.processes),
            threads=sum(each.concurrency for each in alive),
            processes=len(alive),
            enqueued=stats.enqueued,
            retries=stats.retry_size,
            scheduled=stats.scheduled_size,
            dead=stats.dead_size,
        )


def read_moment(home: Connection) -> Moment:
    """Return the numbers of this moment. Some ten round trips; raises StoreError."""
    seconds, micros = home.call(("TIME",))
    stats = Stats(home)
    trends = _trends(home)
    return Moment(
        int(seconds) + int(micros) / 1e6,
        stats,
        stats.queue_summaries(),
        list(ProcessSet(home)),
        trends.queues if trends else {},
        _course(trends) if trends else (),
    )


def _trends(home: Connection) -> Trends | None:
    try:
        return Trends(home)
    except StoreUnavailable:
        raise
    except StoreError:
        return None  # this user may not read them, or somebody's key of another type is there


def _course(trends: Trends) -> Sequence[tuple[float, float]]:
    found = []
    for before, after in zip(trends.moments, trends.moments[1:], strict=False):
        span = max(after.at - before.at, 0.001)
        ended = max(0, after.processed - before.processed) / span
        found.append((ended, max(0, after.failed - before.failed) / span))
    return found

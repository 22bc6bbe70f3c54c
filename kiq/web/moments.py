"""The numbers of a fleet at one moment: read once a second for all who look."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..api import Process, ProcessSet, QueueSummary, Stats, Trend, Trends
from ..api.home import Connection
from ..errors import StoreError, StoreUnavailable
from .fleets import Fleet


@dataclass(frozen=True)
class Moment:
    """What was so *at* a time (epoch seconds, Redis's clock). *trends* are those of queues.

    Of the last ten minutes, *course* has jobs a second that ended and that failed, and *sizes* how many
    jobs waited in each queue.
    """

    at: float
    stats: Stats
    queues: Sequence[QueueSummary]
    processes: Sequence[Process]
    trends: Mapping[str, Trend] = field(default_factory=dict)
    course: Sequence[tuple[float, float, float]] = ()
    sizes: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @functools.cached_property
    def takers(self) -> Mapping[str, int]:
        """For each queue, how many awake processes take from it."""
        found: dict[str, int] = {}
        for process in self.awake:
            for name in set(process.queues):
                found[name] = found.get(name, 0) + 1
        return found

    @functools.cached_property
    def awake(self) -> Sequence[Process]:
        """Processes that take jobs."""
        return [each for each in self.processes if not each.is_silent and not each.is_quiet]

    @functools.cached_property
    def busy(self) -> int:
        """How many jobs run."""
        return sum(each.busy for each in self.processes)

    @functools.cached_property
    def threads(self) -> int:
        """How many jobs can run at a time."""
        return sum(each.concurrency for each in self.processes if not each.is_silent)


def moment_of(fleet: Fleet) -> Moment:
    """Return the numbers of *fleet*, at most a second old. Some ten round trips; raises StoreError."""
    return fleet.look("moment", functools.partial(_read, fleet.home))


def _read(home: Connection) -> Moment:
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
        _sizes(trends) if trends else {},
    )


def _trends(home: Connection) -> Trends | None:
    try:
        return Trends(home)
    except StoreUnavailable:
        raise
    except StoreError:
        return None  # this user may not read them, or somebody's key of another type is there


def _sizes(trends: Trends) -> Mapping[str, Sequence[int]]:
    moments = trends.moments
    return {
        name: [moment.queues.get(name, (0, 0))[0] for moment in moments] for name in trends.queues
    }


def _course(trends: Trends) -> Sequence[tuple[float, float, float]]:
    found = []
    for before, after in zip(trends.moments, trends.moments[1:], strict=False):
        span = max(after.at - before.at, 0.001)
        ended = max(0, after.processed - before.processed) / span
        failed = max(0, after.failed - before.failed) / span
        found.append((after.at, ended, failed))
    return found

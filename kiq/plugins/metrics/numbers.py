"""What was measured of one job class, or of a moment of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from . import buckets


def _empty() -> list[int]:
    return [0] * buckets.COUNT


@dataclass(slots=True)
class Numbers:
    """Numbers of some runs; times are seconds.

    *processed* are the runs that ended, *failed* those that raised. *run_time* is the sum of those
    that did not fail. *waits* are the runs whose wait is known (their push had a time stamp),
    *queue_time* is the sum of these, *queue_times* are their numbers by bucket (see
    :data:`kiq.api.BUCKETS`).
    """

    processed: int = 0
    failed: int = 0
    run_time: float = 0.0
    waits: int = 0
    queue_time: float = 0.0
    queue_times: list[int] = field(default_factory=_empty)

    @property
    def succeeded(self) -> int:
        """How many runs did not fail."""
        return max(0, self.processed - self.failed)

    @property
    def average_run_time(self) -> float:
        """Seconds that a run took that did not fail; 0 where there was none."""
        return self.run_time / self.succeeded if self.succeeded else 0.0

    @property
    def average_queue_time(self) -> float:
        """Seconds from the push (or the promotion) of a job to its start; 0 where none is known."""
        return self.queue_time / self.waits if self.waits else 0.0

    def queue_time_percentile(self, share: float) -> float | None:
        """Return the seconds in which *share* (0 to 1) of the jobs had started, or None.

        Exact within its bucket; what is beyond the last (335 s) counts as that.
        """
        return buckets.percentile(self.queue_times, share)


@dataclass(slots=True)
class JobMetrics(Numbers):
    """The numbers of one job class over a period.

    *series* holds those of each minute (or ten) in which something ran, the oldest first.
    *histograms* holds its run times by bucket; only :meth:`Metrics.for_job` over minutes fills it,
    and that alone fills *marks*, the deploys meanwhile.
    """

    name: str = ""
    series: dict[datetime, Numbers] = field(default_factory=dict)
    histograms: dict[datetime, list[int]] = field(default_factory=dict)
    marks: dict[datetime, str] = field(default_factory=dict)

    @property
    def histogram(self) -> list[int]:
        """How many runs fell into each bucket over the whole period."""
        return [sum(counts) for counts in zip(_empty(), *self.histograms.values(), strict=True)]

    def run_time_percentile(self, share: float) -> float | None:
        """Return the seconds in which *share* (0 to 1) of the runs had ended, or None."""
        return buckets.percentile(self.histogram, share)

    def at(self, moment: datetime) -> Numbers:
        """Return the numbers of *moment* in the series, which are made if there are none."""
        return self.series.setdefault(moment, Numbers())

    def between(self, since: datetime, until: datetime) -> JobMetrics:
        """Return the steps that begin at *since* or later, and before *until*, as a period."""
        part = JobMetrics(
            name=self.name,
            series={at: each for at, each in self.series.items() if since <= at < until},
            histograms={at: each for at, each in self.histograms.items() if since <= at < until},
            marks={at: each for at, each in self.marks.items() if since <= at < until},
        )
        part.total()
        return part

    def total(self) -> None:
        """Sum up the series."""
        every: Sequence[Numbers] = list(self.series.values())
        self.processed = sum(each.processed for each in every)
        self.failed = sum(each.failed for each in every)
        self.run_time = sum(each.run_time for each in every)
        self.waits = sum(each.waits for each in every)
        self.queue_time = sum(each.queue_time for each in every)
        columns = zip(_empty(), *(each.queue_times for each in every), strict=True)
        self.queue_times = [sum(column) for column in columns]

"""What was measured over a period, in steps that a chart has room for, and before and after a deploy."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..api import JobMetrics, Metrics
from ..errors import StoreError, StoreUnavailable
from .fleets import Fleet
from .plots import Axis

_MINUTE, _TEN = timedelta(minutes=1), timedelta(minutes=10)
_FEW = 2.0  # times: beyond these nobody reads per cent
SHARES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Over:
    """A period that can be chosen: of so many *minutes* or *hours*; *joined* steps are one of a chart.

    *keep* is for how many seconds it is read once for all.
    """

    name: str
    words: str
    joined: int
    keep: float
    minutes: int | None = None
    hours: int | None = None

    @property
    def has_runs(self) -> bool:
        """Whether the run times are known by bucket: Redis keeps them by the minute only."""
        return self.minutes is not None

    @property
    def step(self) -> timedelta:
        """That it is measured in."""
        return _MINUTE if self.hours is None else _TEN

    def axis(self, now: datetime) -> Axis:
        """Return the steps of a chart of it when it is read *now*."""
        span = timedelta(minutes=self.minutes or 0, hours=self.hours or 0)
        floor = now.replace(minute=now.minute - now.minute % (self.step // _MINUTE), second=0)
        step = self.step * self.joined
        return Axis(floor.replace(microsecond=0) + self.step - span, step, span // step)


OVER: Mapping[str, Over] = {
    each.name: each
    for each in (
        Over("1h", "1 hour", 1, 5.0, minutes=60),
        Over("8h", "8 hours", 5, 30.0, minutes=480),
        Over("24h", "24 hours", 2, 60.0, hours=24),
        Over("72h", "3 days", 6, 60.0, hours=72),
    )
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of all classes; *refused* says why nothing could be read."""

    axis: Axis
    jobs: Mapping[str, JobMetrics] = field(default_factory=dict)
    marks: Mapping[datetime, str] = field(default_factory=dict)
    refused: str = ""


def measured(fleet: Fleet, over: Over) -> Measured:
    """Return the numbers of all classes. Three round trips for an hour; raises StoreUnavailable."""
    read = functools.partial(_read, fleet, over)
    return fleet.look(f"metrics {over.name}", read, keep=over.keep)


def _read(fleet: Fleet, over: Over) -> Measured:
    metrics = Metrics(fleet.home)
    try:
        period = metrics.top_jobs(minutes=over.minutes, hours=over.hours)
    except StoreUnavailable:
        raise
    except StoreError as error:
        return Measured(over.axis(datetime.now(UTC)), refused=str(error))
    step = period.step * over.joined
    axis = Axis(period.since, step, (period.until - period.since) // step)
    return Measured(axis, period.jobs, period.marks)


def parts(job: JobMetrics, axis: Axis) -> Sequence[JobMetrics]:
    """Return the numbers of *job* step by step, as many as the chart has."""
    return [job.between(at, at + axis.step) for at in axis.times]


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure before a deploy and after it; None: nothing to make it of. *worse*: by a fifth and more."""

    name: str
    unit: str  # "time", "share" or "rate"
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        """By which part of it it grew; None where that can't be said."""
        if self.before is None or self.after is None or self.before <= 0:
            return None
        return self.after / self.before - 1

    @property
    def told(self) -> str:
        """The change in words; "" where it can't be said."""
        if self.change is None:
            return ""
        return f"× {self.change + 1:.1f}" if self.change > _FEW else _percent(self.change)

    @property
    def worse(self) -> bool:
        """Whether it grew, and growing is bad."""
        return self.unit != "rate" and self.change is not None and self.change > 0.2


def _percent(part: float) -> str:
    return f"{part * 100:+.0f} %".replace("-", "−")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A class before and after the deploy *at*. *runs* are how many of both it is made of."""

    at: datetime
    label: str
    runs: tuple[int, int]
    figures: Sequence[Compared]


def compared(job: JobMetrics, at: datetime, label: str, over: Over) -> Comparison:
    """Return *job* before and after the mark *at*.

    The step of the mark is in neither: nobody can tell which code ran.
    """
    now = datetime.now(UTC)
    begin = at.replace(minute=at.minute - at.minute % (over.step // _MINUTE), second=0)
    since = min(job.series, default=begin)  # what it did not do before it was there is no rate
    sides = (
        (job.between(since, begin), begin - since),
        (job.between(begin + over.step, now), now - begin - over.step),
    )
    jobs = [part for part, _ in sides]
    figures = [
        Compared("runs a minute", "rate", *(_a_minute(part, span) for part, span in sides)),
        Compared("failed", "share", *(_failed(each) for each in jobs)),
        Compared("mean run", "time", *(_mean(each) for each in jobs)),
    ]
    for name, of in (
        ("run", JobMetrics.run_time_percentile),
        ("wait", JobMetrics.queue_time_percentile),
    ):
        figures += [
            Compared(f"{name} p{share * 100:.0f}", "time", *(of(each, share) for each in jobs))
            for share in SHARES
        ]
    shown = [each for each in figures if each.before is not None or each.after is not None]
    return Comparison(at, label, (jobs[0].processed, jobs[1].processed), shown)


def _a_minute(job: JobMetrics, span: timedelta) -> float | None:
    return job.processed / (span / _MINUTE) if span >= _MINUTE else None


def _failed(job: JobMetrics) -> float | None:
    return job.failed / job.processed if job.processed else None


def _mean(job: JobMetrics) -> float | None:
    return job.average_run_time if job.succeeded else None

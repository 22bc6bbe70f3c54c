"""Metrics: how long, how late and how often the jobs of each class ran; and a class alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ...api import BUCKETS, Deploy, JobMetrics, Metrics
from ...errors import ConfigError, StoreError, StoreUnavailable
from ..answers import Done, Page
from ..calls import Call
from ..periods import OVER, SHARES, Over, compared, measured, parts
from ..plots import Axis, Bar, Heat, bars, heat, line, top_of_counts, top_of_spans

_SHOWN = 100  # classes of a page
_TONES = ("one", "two", "three")

_SORTS: Mapping[str, Callable[[JobMetrics], float]] = {
    "share": lambda job: job.run_time,
    "runs": lambda job: job.processed,
    "failed": lambda job: job.failed,
    "mean": lambda job: job.average_run_time,
    "wait": lambda job: job.queue_time_percentile(0.95) or 0.0,
}


@dataclass(frozen=True, slots=True)
class Lines:
    """A chart of lines: of each its name, its tone and its path; *values* are those of each step."""

    top: float
    lines: Sequence[tuple[str, str, str]]
    values: Sequence[Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Columns:
    """A chart of columns: how many runs there were, and how many of them failed."""

    top: float
    bars: Sequence[Bar]
    counts: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Row:
    """A class in the list. *share* is the part of all the time that jobs ran which was its."""

    job: JobMetrics
    share: float
    course: Sequence[int]


def metrics(call: Call) -> Page:
    """Show all classes, those that took most time first."""
    over = _over(call)
    found = measured(call.fleet, over)
    sort = call.said("sort") if call.said("sort") in _SORTS else "share"
    sought = call.said("q").strip()
    jobs = [job for job in found.jobs.values() if sought.lower() in job.name.lower()]
    ranked = sorted(jobs, key=_SORTS[sort], reverse=True)
    whole = sum(job.run_time for job in found.jobs.values()) or 1.0
    shown = ranked[:_SHOWN]
    values = {
        "title": "Metrics",
        "over": over,
        "periods": OVER.values(),
        "axis": found.axis,
        "marks": found.axis.marks(found.marks),
        "refused": found.refused,
        "rows": [
            Row(job, job.run_time / whole, [ended for ended, _ in _counts([job], found.axis)])
            for job in shown
        ],
        "more": len(ranked) - len(shown),
        "sort": sort,
        "q": sought,
        "there": bool(found.jobs),
        "columns": _columns(_counts(ranked, found.axis), found.axis),
    }
    return Page("metrics.html", values)


def job_class(call: Call) -> Page:
    """Show a class: lines, a heat map, what a deploy changed. One round trip for twenty steps."""
    name, over = call.said("name"), _over(call)
    read = functools.partial(_read, call, name, over)
    job, refused = call.fleet.look_at(f"class {over.name}", name, read, keep=over.keep)
    axis = over.axis(datetime.now(UTC))
    steps = parts(job, axis)
    all_jobs = measured(call.fleet, over).jobs.values()
    whole = sum(each.run_time for each in all_jobs)
    values = {
        "title": name or "Metrics",
        "name": name,
        "over": over,
        "periods": OVER.values(),
        "axis": axis,
        "marks": axis.marks(job.marks),
        "refused": refused,
        "job": job,
        "share": min(1.0, job.run_time / whole) if whole else 0.0,
        "shares": SHARES,
        "columns": _columns(_counts([job], axis), axis),
        "runs": _runs(steps, over),
        "waits": _lines(steps, JobMetrics.queue_time_percentile),
        "heat": _heat(steps, axis),
        "buckets": BUCKETS,
        "steps": steps,
        "compared": _compared(call, job, over),
    }
    return Page("class.html", values)


def mark(call: Call) -> Done:
    """Note a deploy, at this minute."""
    label = call.said("label").strip()
    try:
        noted = bool(label) and Deploy(call.home).mark(label)
    except ConfigError as error:
        return Done(f"failed: {error}", "metrics")
    if not label:
        return Done("failed: a deploy mark needs a label", "metrics")
    words = "marked: {label}" if noted else "{label} was marked just now"
    return Done(call.locale.text(words, label=label), "metrics")


def _over(call: Call) -> Over:
    return OVER.get(call.said("over"), OVER["1h"])


def _read(call: Call, name: str, over: Over) -> tuple[JobMetrics, str]:
    try:
        found = Metrics(call.home).for_job(name, minutes=over.minutes, hours=over.hours)
    except StoreUnavailable:
        raise
    except StoreError as error:
        return JobMetrics(name=name), str(error)
    return found, ""


def _counts(jobs: Iterable[JobMetrics], axis: Axis) -> Sequence[tuple[int, int]]:
    """Return how many runs of *jobs* ended in each step, and how many of them failed."""
    counts = [(0, 0)] * axis.count
    for job in jobs:
        for at, each in job.series.items():
            step = (at - axis.since) // axis.step
            if 0 <= step < axis.count:
                ended, failed = counts[step]
                counts[step] = (ended + each.processed, failed + each.failed)
    return counts


def _columns(counts: Sequence[tuple[int, int]], axis: Axis) -> Columns:
    top = top_of_counts([ended for ended, _ in counts])
    drawn = bars([ended for ended, _ in counts], [failed for _, failed in counts], axis, top)
    return Columns(top, drawn, counts)


def _runs(steps: Sequence[JobMetrics], over: Over) -> Lines:
    """Return percentiles where they are known, else the mean."""
    if over.has_runs:
        return _lines(steps, JobMetrics.run_time_percentile)
    means = [each.average_run_time if each.succeeded else None for each in steps]
    top = top_of_spans(means)
    return Lines(top, [("mean", _TONES[0], line(means, top))], [means])


def _lines(steps: Sequence[JobMetrics], of: Callable[[JobMetrics, float], float | None]) -> Lines:
    values = [[of(each, share) for each in steps] for share in SHARES]
    top = top_of_spans([value for row in values for value in row])
    names = [f"p{share * 100:.0f}" for share in SHARES]
    drawn = [
        (name, tone, line(row, top)) for name, tone, row in zip(names, _TONES, values, strict=True)
    ]
    return Lines(top, drawn, values)


def _heat(steps: Sequence[JobMetrics], axis: Axis) -> Heat | None:
    return heat([each.histogram if each.histograms else [] for each in steps], axis)


def _compared(call: Call, job: JobMetrics, over: Over) -> object:
    """Return what the deploy changed that the URL names, else the last one; None where there is none."""
    if not job.marks:
        return None
    named = call.said("mark")
    at = next((at for at in job.marks if f"{at:%Y%m%d%H%M}" == named), max(job.marks))
    return compared(job, at, job.marks[at], over)

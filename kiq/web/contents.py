"""What is in a queue, by a sample, how long its classes wait, and who paused which queue."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..api import JobMetrics, PauseNote, Queue
from ..errors import StoreError, StoreUnavailable
from ..wording import visible
from .fleets import Fleet
from .moments import Moment
from .periods import OVER, measured

_SAMPLE = 500  # jobs, those that are taken next
_SHOWN = 12  # classes
_KEEP = 5.0  # seconds
_PAUSED = 50  # queues whose notes are read


@dataclass(frozen=True, slots=True)
class Content:
    """A class in a queue: its *share* of the sample, and what was measured of it in the last hour."""

    name: str
    count: int
    share: float
    job: JobMetrics | None


@dataclass(frozen=True, slots=True)
class Contents:
    """The classes of a sample of so many jobs, *whole* if that is all; *waits* is of all classes."""

    looked_at: int
    whole: bool
    classes: Sequence[Content]
    others: int
    waits: JobMetrics


def contents_of(fleet: Fleet, name: str) -> Contents:
    """Return what is in the queue *name*. Some round trips, kept for five seconds; raises StoreError."""
    read = functools.partial(_sampled, fleet, name)
    found = fleet.look_at("sample", name, read, keep=_KEEP)
    jobs = measured(fleet, OVER["1h"]).jobs
    looked_at = sum(found.values())
    shown = [
        Content(each, count, count / looked_at, jobs.get(each))
        for each, count in found.most_common(_SHOWN)
    ]
    return Contents(
        looked_at,
        looked_at < _SAMPLE,
        shown,
        max(0, len(found) - _SHOWN),
        _together([jobs[each] for each in found if each in jobs]),
    )


def _sampled(fleet: Fleet, name: str) -> Counter[str]:
    there = next((each for each in Queue.all(fleet.home) if each.name == name), None)
    jobs = itertools.islice(there or (), _SAMPLE)
    return Counter(_class(job) for job in jobs)


def _class(job: object) -> str:
    name = getattr(job, "display_class", "")
    return visible(name)[:200] if isinstance(name, str) else "?"


def _together(jobs: Sequence[JobMetrics]) -> JobMetrics:
    whole = JobMetrics()
    for job in jobs:
        whole.waits += job.waits
        whole.queue_time += job.queue_time
        whole.queue_times = [
            sum(pair) for pair in zip(whole.queue_times, job.queue_times, strict=True)
        ]
    return whole


def notes_of(fleet: Fleet, moment: Moment) -> Mapping[str, PauseNote | None]:
    """Return what was noted when queues were paused, by name. Two round trips for each that is."""
    paused = [each.name for each in moment.queues if each.paused][:_PAUSED]
    return fleet.look("pauses", functools.partial(_notes, fleet, paused)) if paused else {}


def _notes(fleet: Fleet, paused: Sequence[str]) -> Mapping[str, PauseNote | None]:
    try:
        there = {each.name: each for each in Queue.all(fleet.home)}
        return {name: there[name].pause_note for name in paused if name in there}
    except StoreUnavailable:
        raise
    except StoreError:
        return {}  # not allowed here

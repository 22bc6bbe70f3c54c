"""Jobs that wait for their time, as resque-scheduler shows them: found, counted, removed, enqueued now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, ParamSpec

from ...api import ScheduledSet, SortedEntry
from ...errors import ConfigError
from ...payload import due_at
from .enqueuing import When, enqueue_at, enqueue_in
from .job_classes import ResqueJob, job_of, queue_of
from .queues import has, is_of

P = ParamSpec("P")
#: Gets the arguments of a job; tells whether it is meant.
Chooses = Callable[[list[Any]], object]


def remove_delayed(job: Any, /, *args: Any, **kwargs: Any) -> int:
    """Remove the delayed jobs of a class with just these arguments; return how many.

    One round trip for 1,000 delayed jobs, and one for each that goes.
    """
    return _removed(_exactly(job, None, args, kwargs))


def remove_delayed_in_queue(queue: str, job: Any, /, *args: Any, **kwargs: Any) -> int:
    """Remove those that are to go to *queue*; see :func:`remove_delayed`."""
    return _removed(_exactly(job, queue, args, kwargs))


def remove_delayed_job_from_timestamp(when: When, job: Any, /, *args: Any, **kwargs: Any) -> int:
    """Remove those that are due in the second *when*; see :func:`remove_delayed`."""
    second = int(due_at("remove_delayed_job_from_timestamp", when))
    return _removed(
        entry for entry in _exactly(job, None, args, kwargs) if int(entry.score) == second
    )


def remove_delayed_selection(chooses: Chooses, job: Any = None) -> int:
    """Remove the delayed jobs, of one class or of all, of whose arguments *chooses* says yes."""
    return _removed(_selected(chooses, job))


def enqueue_delayed(job: Any, /, *args: Any, **kwargs: Any) -> int:
    """Let the delayed jobs of a class with just these arguments run now; return how many.

    Each moves to its queue in one step.
    """
    return _enqueued(_exactly(job, None, args, kwargs))


def enqueue_delayed_selection(chooses: Chooses, job: Any = None) -> int:
    """Let those run now of whose arguments *chooses* says yes; return how many."""
    return _enqueued(_selected(chooses, job))


def find_delayed_selection(chooses: Chooses, job: Any = None) -> list[SortedEntry]:
    """Return the delayed jobs, of one class or of all, of whose arguments *chooses* says yes."""
    return list(_selected(chooses, job))


def search_delayed(text: str) -> list[SortedEntry]:
    """Return the delayed jobs that have *text* in them: in the class, the queue, an argument."""
    return list(ScheduledSet().select(text=text, newest_first=False))


def is_delayed(job: Any, /, *args: Any, **kwargs: Any) -> bool:
    """Tell whether a job of a class with just these arguments waits for its time."""
    return any(True for _ in _exactly(job, None, args, kwargs))


def scheduled_at(job: Any, /, *args: Any, **kwargs: Any) -> list[datetime]:
    """Return when the delayed jobs of a class with just these arguments are due, the first first."""
    return [entry.at for entry in _exactly(job, None, args, kwargs)]


def delay_or_enqueue_at(when: When, job: ResqueJob[P], /, *args: P.args, **kwargs: P.kwargs) -> int:
    """Push a job that is due at *when*, in place of those that wait with just these arguments.

    Returns how many it replaced. They go when the new one is there, so that none is lost in between.
    """
    return _replaced(enqueue_at(when, job, *args, **kwargs), job, args, kwargs)


def delay_or_enqueue_in(
    delay: float | timedelta, job: ResqueJob[P], /, *args: P.args, **kwargs: P.kwargs
) -> int:
    """Push a job that is due in *delay*; see :func:`delay_or_enqueue_at`."""
    return _replaced(enqueue_in(delay, job, *args, **kwargs), job, args, kwargs)


def count_all_scheduled_jobs() -> int:
    """Return how many jobs wait for their time. One round trip."""
    return ScheduledSet().size


def delayed_queue_peek(start: int = 0, count: int = 1) -> list[SortedEntry]:
    """Return *count* delayed jobs from *start* on, the first to be due first."""
    if start < 0 or count < 0:
        raise ConfigError(f"delayed_queue_peek takes places from 0 on, not {start} and {count}")
    found: list[SortedEntry] = []
    for place, entry in enumerate(reversed(ScheduledSet())):
        if place >= start + count:
            break
        if place >= start:
            found.append(entry)
    return found


def reset_delayed_queue() -> int:
    """Remove all delayed jobs; return how many."""
    return int(ScheduledSet().clear())


def _exactly(job: Any, queue: str | None, args: Any, kwargs: Any) -> Iterator[SortedEntry]:
    job_of(job)
    wanted = queue or queue_of(job)
    found = ScheduledSet().select(job_class=job, newest_first=False)
    return (each for each in found if has(each, args, kwargs) and each.queue == wanted)


def _selected(chooses: Chooses, job: Any) -> Iterator[SortedEntry]:
    if not callable(chooses):
        raise ConfigError(
            f"say by a function which jobs are meant: lambda args: ..., not {chooses!r}"
        )
    if job is not None and not isinstance(job, str):
        job_of(job)
    for each in ScheduledSet().select(job_class=job, newest_first=False):
        if (job is None or is_of(each, job)) and each.problem is None and chooses(each.args):
            yield each


def _removed(entries: Iterator[SortedEntry]) -> int:
    return sum(entry.delete() for entry in list(entries))


def _enqueued(entries: Iterator[SortedEntry]) -> int:
    return sum(entry.add_to_queue() for entry in list(entries))


def _replaced(jid: str | None, job: Any, args: Any, kwargs: Any) -> int:
    if jid is None:
        return 0  # a hook said no
    return _removed(each for each in _exactly(job, None, args, kwargs) if each.jid != jid)

"""Queues as Resque's module shows them: sizes, what is next, what is to leave them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple, overload

from ...api import JobRecord, ProcessSet, Queue, QueuedJob, Stats, Work, WorkSet, connection
from ...api import Process as Process
from ...client import configured
from ...config_file import settings
from ...errors import ConfigError
from ...pushing import push as push_payload
from . import hooks
from .job_classes import job_of, queue_of


class Sample(NamedTuple):
    """The *size* of a queue, and the first of its *jobs*."""

    size: int
    jobs: list[QueuedJob]


def queues() -> list[str]:
    """Return the names of all queues that are known, by name. One round trip."""
    return [queue.name for queue in Queue.all()]


def size(queue: str) -> int:
    """Return how many jobs wait in *queue*. One round trip."""
    return Queue(queue).size


def queue_sizes() -> dict[str, int]:
    """Return how many jobs wait in each queue, the longest first. One round trip."""
    return Stats().queues()


@overload
def peek(queue: str, start: int = ...) -> QueuedJob | None: ...


@overload
def peek(queue: str, start: int, count: int) -> QueuedJob | list[QueuedJob] | None: ...


def peek(queue: str, start: int = 0, count: int = 1) -> QueuedJob | list[QueuedJob] | None:
    """Return the job at *start* of *queue*, 0 being next, or None; a list where *count* is not 1.

    Nothing leaves the queue. One round trip for 100 jobs.
    """
    if start < 0 or count < 0:
        raise ConfigError(f"peek takes places from 0 on, not {start} and {count}")
    found = list(islice(Queue(queue), start, start + count))
    if count == 1:
        return found[0] if found else None
    return found


def sample_queues(count: int = 1000) -> dict[str, Sample]:
    """Return of each queue its size, and the first *count* jobs."""
    return {
        name: Sample(length, list(islice(Queue(name), count)))
        for name, length in queue_sizes().items()
    }


def push(queue: str, item: Mapping[str, Any]) -> str | None:
    """Push a job of a class that need not be known here: ``{"class": "app.MyJob", "args": [1]}``."""
    return push_payload({**item, "queue": queue})


def dequeue(job: Any, /, *args: Any, **kwargs: Any) -> int | None:
    """Take jobs out of the queue of their class: those with just these arguments, without any: all.

    Returns how many, or None where a ``before_dequeue`` hook said no. One round trip for 100 jobs, and
    one for each that goes. What a worker has taken is not in the queue any more.
    """
    job_of(job)
    if isinstance(job, type) and not hooks.allowed(job, "before_dequeue", args, kwargs):
        return None
    every = not args and not kwargs
    removed = sum(
        found.delete()
        for found in list(Queue(queue_of(job)))
        if is_of(found, job) and (every or has(found, args, kwargs))
    )
    if isinstance(job, type):
        hooks.call(job, "after_dequeue", args, kwargs)
    return removed


def is_of(found: JobRecord, job: Any) -> bool:
    """Tell whether *found* is a job of the class *job*, or of one that is called so."""
    if isinstance(job, str):
        return found.class_name == job
    spec = getattr(job, "_kiq_spec", None)
    return spec is not None and found.class_name in (spec.name, *spec.aliases)


def has(found: JobRecord, args: Any, kwargs: Mapping[str, Any]) -> bool:
    """Tell whether *found* has just these arguments."""
    return found.args == list(args) and found.kwargs == dict(kwargs)


def remove_queue(queue: str) -> int:
    """Delete *queue* with all its jobs; return how many. One round trip."""
    return Queue(queue).clear()


def workers() -> list[Process]:
    """Return the worker processes. Two round trips."""
    return list(ProcessSet())


def working() -> list[Work]:
    """Return the jobs that run, each with its process and queue."""
    return list(WorkSet())


def info() -> dict[str, Any]:
    """Return the numbers of the front page: pending, processed, queues, workers, working, failed, servers,
    environment.

    *failed* are the jobs in the dead set. Some round trips.
    """
    stats = Stats()
    return {
        "pending": stats.enqueued,
        "processed": stats.processed,
        "queues": len(stats.queues()),
        "workers": stats.processes_size,
        "working": stats.workers_size,
        "failed": stats.dead_size,
        "servers": [connection().where],
        "environment": settings(configured(), pending=True).environment,
    }

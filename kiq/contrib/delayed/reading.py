"""``count``, ``first`` and ``last``: the jobs that wait, for tests and people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ... import keys
from ...api import JobRecord, Queue, RetrySet, ScheduledSet, SortedEntry, Stats, connection
from . import custom, methods
from .errors import NotDelayable
from .job import Job


def count() -> int:
    """Return how many jobs wait: in queues, for their time, for another attempt. Two round trips or so.

    In tests with ``kiq.testing.fake()``: how many were pushed and did not run. Dead jobs don't count.
    """
    faked = _faked()
    if faked is not None:
        return len(faked)
    stats = Stats()
    return stats.enqueued + stats.scheduled_size + stats.retry_size


def last() -> Job | None:
    """Return the job that waits and was made last, or None. Walks the scheduled and the retry set."""
    return _chosen(newest=True)


def first() -> Job | None:
    """Return the job that waits and was made first, or None. Walks the scheduled and the retry set."""
    return _chosen(newest=False)


def _chosen(*, newest: bool) -> Job | None:
    faked = _faked()
    if faked is not None:
        return _of_test(faked[-1 if newest else 0]) if faked else None
    found = [each for each in _candidates(newest) if each.problem is None]
    choose: Callable[..., JobRecord] = max if newest else min
    if not found:
        return None
    return job_of(choose(found, key=lambda each: each.created_at or 0.0))


def _candidates(newest: bool) -> Iterator[JobRecord]:
    """Yield the jobs at one end of each list, and all of the sets."""
    lists = [name for queue in Queue.all() for name in keys.bands(queue.name)]
    end = 0 if newest else -1
    raws = connection().exchange([("LINDEX", keys.queue(name), end) for name in lists])
    for name, raw in zip(lists, raws, strict=True):
        if raw is not None:
            yield JobRecord(raw, keys.queue_and_band(name)[0])
    yield from ScheduledSet()
    yield from RetrySet()


def job_of(record: JobRecord) -> Job:
    """Return *record*, a job that lies in Redis, as a :class:`Job`."""
    due = record.score if isinstance(record, SortedEntry) else None
    return Job(record.payload, due, partial(object_of, record.payload))


def _of_test(pushed: Any) -> Job:
    return Job(pushed.payload, pushed.at, partial(object_of, pushed.payload))


def object_of(payload: dict[str, Any]) -> Any:
    """Return the custom job of *payload*, or the call of its method. Raises what references raise."""
    name = payload["class"]
    known = custom.called(name)
    if known is not None:
        return known.made(payload)
    method = methods.called(name)
    if method is None:
        raise NotDelayable(f"{name} is neither a custom job nor a method that was opted in here")
    return method.call(payload["args"], payload.get("kwargs") or {})


def _faked() -> list[Any] | None:
    # By name: who is no test has not loaded it.
    testing: Any = sys.modules.get("kiq.testing")
    return testing.jobs() if testing is not None and testing.mode() == "fake" else None


def work_off() -> tuple[int, int]:
    """Run the jobs of a test that are due; return how many ended well, and how many failed.

    What failed is gone: no retry. Raises NotDelayable outside of ``kiq.testing.fake()``.
    """
    if _faked() is None:
        raise NotDelayable(
            "work_off is for tests, inside kiq.testing.fake(); a worker is `kiq jobs workoff`"
        )
    testing: Any = sys.modules["kiq.testing"]
    done = failed = 0
    while True:
        try:
            ran = testing.drain_due(limit=1)
        except testing.EndlessDrain:
            ran = 1  # and there is another
        except Exception:  # noqa: BLE001 (the test counts it)
            failed += 1
            continue
        if not ran:
            return done, failed
        done += ran

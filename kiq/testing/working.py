"""Looking at the jobs of fake mode, and working them off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf
from typing import Any

from ..clock import wall
from .box import Names, PushedJob, Target, label_of, names_of
from .clock import moment
from .errors import EndlessDrain, NoJobs
from .modes import box, keep
from .performing import perform

_LIMIT = 10_000  # jobs of one drain


def jobs(job: Target | None = None, /, *, queue: str | None = None) -> list[PushedJob]:
    """Return the jobs that wait, in the order of their pushes.

    *job* (a class, a function job, or a name) and *queue* narrow it down. Raises NotFaking.
    """
    return box().all(names_of(job), queue)


def clear(job: Target | None = None, /, *, queue: str | None = None) -> None:
    """Forget what :func:`jobs` would return."""
    box().clear(names_of(job), queue)


def perform_one(job: Target | None = None, /, *, queue: str | None = None) -> Any:
    """Run the next job, due or not, and return what its ``perform`` returns.

    What it raises is raised, and the job is gone: no retry. Raises NoJobs where none waits.
    """
    found = box().take(names_of(job), queue, inf)
    if found is None:
        what = f" of {label_of(job)}" if job is not None else ""
        where = f" in queue {queue}" if queue is not None else ""
        raise NoJobs(f"no job{what} waits{where}: was it pushed, and in this scope?")
    return perform(found, keep())


def drain(
    job: Target | None = None,
    /,
    *,
    queue: str | None = None,
    until: float | datetime | timedelta | None = None,
    limit: int = _LIMIT,
) -> int:
    """Run jobs, and those that they push, until none is left; return how many ran.

    Those without a due time come first, in the order of their pushes, then the others by theirs.
    *until* (a moment, or a timedelta from now): leave alone what is due later. What a job raises is
    raised: that job is gone, the rest waits on. Raises EndlessDrain after *limit* jobs.
    """
    deadline = inf if until is None else moment("drain", until)
    return _drained(names_of(job), queue, lambda: deadline, limit)


def drain_due(
    job: Target | None = None, /, *, queue: str | None = None, limit: int = _LIMIT
) -> int:
    """Run jobs as :func:`drain` does, but none before its time: only what a worker would run now."""
    return _drained(names_of(job), queue, lambda: wall(), limit)


def _drained(names: Names, queue: str | None, deadline: Callable[[], float], limit: int) -> int:
    ran = 0
    while (found := box().take(names, queue, deadline())) is not None:
        if ran >= limit:
            box().put(found)
            raise EndlessDrain(
                f"{ran} jobs ran, and the next is {found.class_name}: does a job push itself again "
                "without end? If not, give drain a larger limit="
            )
        ran += 1
        perform(found, keep())
    return ran

"""Looking at the jobs of fake mode, and working them off."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import Any

from ..clock import wall
from ..payload import due_at
from .box import PushedJob, label_of, names_of
from .errors import EndlessDrain, NoJobs
from .modes import box
from .performing import perform


def jobs(job: Any = None, /, *, queue: str | None = None) -> list[PushedJob]:
    """Return the jobs that wait, in the order of their pushes.

    *job* (a class, a function job, or a name) and *queue* narrow it down. Raises NotFaking.
    """
    return box().all(names_of(job), queue)


def clear(job: Any = None, /, *, queue: str | None = None) -> None:
    """Forget what :func:`jobs` would return."""
    box().clear(names_of(job), queue)


def perform_one(job: Any = None, /, *, queue: str | None = None) -> Any:
    """Run the next job, due or not, and return what its ``perform`` returns.

    What it raises is raised, and the job is gone: no retry. Raises NoJobs where none waits.
    """
    found = box().take(names_of(job), queue, inf)
    if found is None:
        what = f" of {label_of(job)}" if job is not None else ""
        where = f" in queue {queue}" if queue is not None else ""
        raise NoJobs(f"no job{what} waits{where}: was it pushed, and in this scope?")
    return perform(found)


def drain(
    job: Any = None,
    /,
    *,
    queue: str | None = None,
    until: float | datetime | timedelta | None = None,
    limit: int = 10_000,
) -> int:
    """Run jobs, and those that they push, until none is left; return how many ran.

    Those without a due time come first, in the order of their pushes, then the others by theirs.
    *until* (a moment, or a timedelta from now): leave alone what is due later. What a job raises is
    raised: that job is gone, the rest waits on. Raises EndlessDrain after *limit* jobs.
    """
    names, deadline = names_of(job), _moment(until)
    ran = 0
    while (found := box().take(names, queue, deadline)) is not None:
        if ran >= limit:
            box().put(found)
            raise EndlessDrain(
                f"{ran} jobs ran, and the next is {found.class_name}: does a job push itself again "
                "without end? If not, give drain a larger limit="
            )
        ran += 1
        perform(found)
    return ran


def _moment(until: float | datetime | timedelta | None) -> float:
    if until is None:
        return inf
    if isinstance(until, timedelta):
        return wall() + until.total_seconds()
    return due_at("drain", until)

"""Assertions about pushes, which say what was pushed instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..client import codec_in_use
from ..codec import decode, encode
from ..enqueuing import Args
from ..errors import ArgumentError
from ..payload import due_at
from .box import PushedJob, Target, label_of, names_of
from .modes import box

_SHOWN = 20  # jobs at most in a failure
_LONGEST_ARGUMENTS = 300  # characters


class _Anything:
    """What stands for a condition that was not given."""

    def __repr__(self) -> str:
        return "anything"


ANYTHING: Final[Any] = _Anything()
When = float | datetime | timedelta | None


def assert_enqueued(
    job: Target,
    /,
    *,
    args: Sequence[Any] | Args[...] = ANYTHING,
    kwargs: Mapping[str, Any] = ANYTHING,
    queue: str = ANYTHING,
    at: When = ANYTHING,
    tolerance: float = 1.0,
    count: int | None = None,
) -> list[PushedJob]:
    """Fail unless such a job waits (*count*: exactly so many); return those that do.

    *args*: the positional ones, or ``HardWorker.args(...)``, which a type checker looks at. *at*: epoch
    seconds, an aware datetime, a timedelta from the push, or None for due at once; up to *tolerance*
    seconds off. What is not given may be anything. Raises AssertionError, NotFaking.
    """
    __tracebackhide__ = True
    wanted = _Wanted(job, args, kwargs, queue, at, tolerance)
    found = wanted.among(box().all(None, None))
    if not found or (count is not None and len(found) != count):
        number = f"{len(found)} instead of {count} jobs were" if count is not None else "no job was"
        raise AssertionError(f"{number} enqueued as {wanted}; {_shown(wanted)}")
    return found


def assert_not_enqueued(
    job: Target | None = None,
    /,
    *,
    args: Sequence[Any] | Args[...] = ANYTHING,
    kwargs: Mapping[str, Any] = ANYTHING,
    queue: str = ANYTHING,
    at: When = ANYTHING,
    tolerance: float = 1.0,
) -> None:
    """Fail if such a job waits; without *job*, if any does. See :func:`assert_enqueued`."""
    __tracebackhide__ = True
    wanted = _Wanted(job, args, kwargs, queue, at, tolerance)
    found = wanted.among(box().all(None, None))
    if found:
        raise AssertionError(f"enqueued as {wanted}:{_lines(found)}")


class _Wanted:
    """The conditions of an assertion."""

    def __init__(
        self,
        job: Target | None,
        args: Sequence[Any] | Args[...],
        kwargs: Mapping[str, Any],
        queue: str,
        at: When,
        tolerance: float,
    ) -> None:
        self.names = names_of(job)
        self._label = "any job" if job is None else label_of(job)
        positional, named = (args.args, args.kwargs) if isinstance(args, Args) else (args, kwargs)
        self._args = positional
        if positional is not ANYTHING:
            self._args = [_travelled(one) for one in positional]
        self._kwargs = named
        if named is not ANYTHING:
            self._kwargs = {key: _travelled(one) for key, one in named.items()}
        self._queue, self._tolerance = queue, tolerance
        given = at is None or at is ANYTHING or isinstance(at, timedelta)
        self._at: Any = at if given else due_at("at", at)  # type: ignore[arg-type]

    def among(self, jobs: list[PushedJob]) -> list[PushedJob]:
        """Return those of *jobs* that are as wanted."""
        return [job for job in jobs if self._fits(job)]

    def __str__(self) -> str:
        conditions = {"args": self._args, "kwargs": self._kwargs, "queue": self._queue}
        texts = [f"{key}={value!r}" for key, value in conditions.items() if value is not ANYTHING]
        if self._at is not ANYTHING:
            texts.append(f"at={_time(self._at)} (within {self._tolerance:g} s)")
        return " ".join([self._label, *texts])

    def _fits(self, job: PushedJob) -> bool:
        return (
            (self.names is None or job.class_name in self.names)
            and (self._args is ANYTHING or self._args == job.args)
            and (self._kwargs is ANYTHING or self._kwargs == job.kwargs)
            and (self._queue is ANYTHING or self._queue == job.queue)
            and (self._at is ANYTHING or self._on_time(job))
        )

    def _on_time(self, job: PushedJob) -> bool:
        if self._at is None or job.at is None:
            return self._at is None and job.at is None
        if isinstance(self._at, timedelta):
            wanted = self._at.total_seconds()
            return job.delay is not None and abs(job.delay - wanted) <= self._tolerance
        return abs(job.at - float(self._at)) <= self._tolerance


def _travelled(value: Any) -> Any:
    """Return *value* as a job would have it: a member of an Enum as its value; a matcher as it is."""
    try:
        payload, _ = decode(encode({"class": "-", "args": [value]}, codec_in_use()))
        return payload["args"][0]
    except ArgumentError:
        return value


def _shown(wanted: _Wanted) -> str:
    everything = box().all(None, None)
    if not everything:
        return "nothing was enqueued"
    # Those of the class first: what is looked for is most likely among them.
    names = wanted.names if wanted.names is not None else ()
    return (
        f"enqueued were:{_lines(sorted(everything, key=lambda job: job.class_name not in names))}"
    )


def _lines(jobs: list[PushedJob]) -> str:
    lines = [f"\n  {_line(job)}" for job in jobs[:_SHOWN]]
    if len(jobs) > _SHOWN:
        lines.append(f"\n  and {len(jobs) - _SHOWN} more")
    return "".join(lines)


def _line(job: PushedJob) -> str:
    arguments = f"args={job.args!r}" + (f" kwargs={job.kwargs!r}" if job.kwargs else "")
    if len(arguments) > _LONGEST_ARGUMENTS:
        arguments = f"{arguments[:_LONGEST_ARGUMENTS]}…"
    delay = f" ({job.delay:+.1f} s)" if job.delay is not None else ""
    due = f" at={_time(job.at)}{delay}" if job.at is not None else ""
    return f"{job.class_name} {arguments} queue={job.queue!r}{due}"


def _time(at: Any) -> str:
    if isinstance(at, timedelta):
        return f"{at.total_seconds():+.1f} s"
    if at is None:
        return "None"
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):  # a year that datetime does not know
        return repr(at)

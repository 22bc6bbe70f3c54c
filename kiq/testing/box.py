"""The box: where the jobs are that were pushed in fake mode."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .. import keys
from ..codec import decode
from ..errors import PayloadError
from ..function_job import FunctionJob
from ..job_class import Job
from ..payload import MILLISECONDS_FROM
from ..priority import FIELD, NAMES, band_of
from ..registry import registry
from .locks import Lock

#: Whose jobs are meant: a job class, a function job, or the name that either travels under.
Target = type[Job] | FunctionJob[..., Any] | str
Names = Collection[str] | None
_numbers = count()


@dataclass(frozen=True)
class PushedJob:
    """A job as a worker would find it: its payload has been through the codec.

    *at* is when it is due (epoch seconds), None for at once; *raw* is what would be in Redis.
    """

    payload: dict[str, Any]
    queue: str
    at: float | None
    raw: bytes = field(repr=False)
    number: int = field(default_factory=lambda: next(_numbers), repr=False, compare=False)

    @property
    def band(self) -> str:
        """The band of its queue that it waits in, once it is due: "high", "normal" or "low"."""
        return band_of(self.payload.get(FIELD))

    @property
    def jid(self) -> str:
        """The job's id."""
        return str(self.payload["jid"])

    @property
    def class_name(self) -> str:
        """The name of its class, as it travels."""
        return str(self.payload["class"])

    @property
    def args(self) -> list[Any]:
        """Its positional arguments."""
        found: list[Any] = self.payload["args"]
        return found

    @property
    def kwargs(self) -> dict[str, Any]:
        """Its keyword arguments."""
        found: dict[str, Any] = self.payload.get("kwargs", {})
        return found

    @property
    def delay(self) -> float | None:
        """Seconds from its making to when it is due; None for at once, or where nobody knows."""
        made = self.payload["created_at"]
        if self.at is None or isinstance(made, bool) or not isinstance(made, int | float):
            return None
        return self.at - (made / 1000 if made >= MILLISECONDS_FROM else made)


def pushed_job(raw: bytes, queue: str | None, at: float | None) -> PushedJob:
    """Return the job in *raw*; *queue* is that of its payload where it is None."""
    payload, _ = decode(raw)
    return PushedJob(payload, keys.queue_and_band(queue or payload["queue"])[0], at, raw)


class Box:
    """Jobs that wait: for nothing, or for their time.

    Threads: any.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._ready: list[PushedJob] = []  # by their bands, then in the order of their pushes
        self._later: list[PushedJob] = []  # by their time, then by their pushes

    def put(self, job: PushedJob) -> None:
        """Keep *job*; one that was taken out goes back to its place."""
        with self._lock:
            insort(self._ready if job.at is None else self._later, job, key=_turn)

    def all(self, names: Names, queue: str | None) -> list[PushedJob]:
        """Return jobs in the order of their pushes.

        Those whose class has one of *names* (None: any), in *queue* (None: any).
        """
        with self._lock:
            found = [job for job in [*self._ready, *self._later] if _fits(job, names, queue)]
        return sorted(found, key=lambda job: job.number)

    def clear(self, names: Names, queue: str | None) -> None:
        """Forget those that :meth:`all` would return."""
        with self._lock:
            self._ready = [job for job in self._ready if not _fits(job, names, queue)]
            self._later = [job for job in self._later if not _fits(job, names, queue)]

    def remove(self, job: PushedJob) -> None:
        """Take *job* out, if it is there."""
        with self._lock:
            self._ready = [each for each in self._ready if each != job]
            self._later = [each for each in self._later if each != job]

    def take(self, names: Names, queue: str | None, until: float) -> PushedJob | None:
        """Take out the job that a worker would run next, due by *until*; None if there is none."""
        with self._lock:
            for waiting in (self._ready, self._later):
                for index in _positions(waiting, names, queue):
                    if (waiting[index].at or until) > until:
                        return None
                    return waiting.pop(index)
        return None


def _turn(job: PushedJob) -> tuple[float, int, int]:
    return (job.at or 0.0, 0 if job.at else NAMES.index(job.band), job.number)


def _positions(jobs: list[PushedJob], names: Names, queue: str | None) -> Iterator[int]:
    return (index for index, job in enumerate(jobs) if _fits(job, names, queue))


def _fits(job: PushedJob, names: Names, queue: str | None) -> bool:
    return (names is None or job.class_name in names) and queue in (None, job.queue)


def names_of(target: Target | None) -> Names:
    """Return the names that jobs of *target* (class, function job, name) travel under; None: any.

    Raises PayloadError for what is no job class.
    """
    if target is None:
        return None
    if isinstance(target, str):
        spec = registry.find(target)
        return frozenset({target} if spec is None else {spec.name, *spec.aliases})
    spec = getattr(target, "__dict__", {}).get("_kiq_spec")
    if spec is None:
        raise PayloadError(
            f"{target!r} is no job class: give a subclass of kiq.Job with a perform of its own, "
            "a function under @kiq.job, or the name of a class"
        )
    return frozenset({spec.name, *spec.aliases})


def label_of(target: Target) -> str:
    """Return what messages call *target*."""
    return target if isinstance(target, str) else str(getattr(target, "__qualname__", target))

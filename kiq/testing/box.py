"""The box: where the jobs are that were pushed in fake mode."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from math import inf
from typing import Any

from ..codec import decode
from ..errors import PayloadError
from ..registry import registry


@dataclass(frozen=True)
class PushedJob:
    """A job as a worker would find it: its payload has been through the codec.

    *at* is when it is due (epoch seconds), None for at once.
    """

    payload: dict[str, Any]
    queue: str
    at: float | None

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
        """Seconds from its making to when it is due; None for at once."""
        return None if self.at is None else self.at - self.payload["created_at"] / 1000


def pushed_job(raw: bytes, queue: str | None, at: float | None) -> PushedJob:
    """Return the job in *raw*; *queue* is that of its payload where it is None."""
    payload, _ = decode(raw)
    return PushedJob(payload, queue or payload["queue"], at)


class Box:
    """Jobs in the order in which they were pushed.

    Threads: any.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: list[PushedJob] = []

    def put(self, job: PushedJob) -> None:
        """Keep *job*."""
        with self._lock:
            self._jobs.append(job)

    def all(self, names: Collection[str] | None, queue: str | None) -> list[PushedJob]:
        """Return the jobs whose class has one of *names* (None: any), in *queue* (None: any)."""
        with self._lock:
            return [job for job in self._jobs if _fits(job, names, queue)]

    def clear(self, names: Collection[str] | None, queue: str | None) -> None:
        """Forget those that :meth:`all` would return."""
        with self._lock:
            self._jobs = [job for job in self._jobs if not _fits(job, names, queue)]

    def take(self, names: Collection[str] | None, queue: str | None, until: float) -> Any:
        """Take out the job that a worker would run next, due by *until*; None if there is none."""
        with self._lock:
            waiting = [
                job for job in self._jobs if _fits(job, names, queue) and (job.at or -inf) <= until
            ]
            if not waiting:
                return None
            job = min(waiting, key=lambda each: each.at or -inf)
            self._jobs = [each for each in self._jobs if each is not job]
            return job


def _fits(job: PushedJob, names: Collection[str] | None, queue: str | None) -> bool:
    return (names is None or job.class_name in names) and queue in (None, job.queue)


def names_of(target: Any) -> frozenset[str] | None:
    """Return the names that jobs of *target* (class, function job, name) travel under; None: any.

    Raises PayloadError for what is no job class.
    """
    if target is None:
        return None
    if isinstance(target, str):
        spec = registry.find(target)
    else:
        spec = getattr(target, "__dict__", {}).get("_kiq_spec")
        if spec is None:
            raise PayloadError(
                f"{target!r} is no job class: give a subclass of kiq.Job with a perform of its own, "
                "a function under @kiq.job, or the name of a class"
            )
    return frozenset({target}) if spec is None else frozenset({spec.name, *spec.aliases})


def label_of(target: Any) -> str:
    """Return what messages call *target*."""
    return target if isinstance(target, str) else str(getattr(target, "__qualname__", target))

"""Failures: the dead set as Resque shows it, and backends that are told of what failed for good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from ...api import DeadSet, SortedEntry
from ...errors import ConfigError
from ...plugin import host
from ...undone import check_done, refuse_undone


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed for good: its payload, what it raised, and the queue it came from."""

    exception: BaseException
    payload: dict[str, Any] = field(repr=False)
    queue: str


class Backend(Protocol):
    """What is told of failures beside the dead set, which has them all."""

    def save(self, failure: Failure, /) -> object:
        """Keep *failure*, or tell somebody; on the thread of the job. What it raises is reported."""


@dataclass(frozen=True, slots=True)
class _Told:
    backend: Backend
    queues: frozenset[str] | None


_told: list[_Told] = []


def add(backend: Backend, *, queues: Iterable[str] | None = None) -> Backend:
    """Tell *backend* of each failure from now on, or of those of some *queues*; return it.

    There may be several. Raises ConfigError for what has no ``save``.
    """
    if isinstance(backend, type) or not callable(getattr(backend, "save", None)):
        raise ConfigError(f"a failure backend is an object with save(failure), not {backend!r}")
    refuse_undone("save of a failure backend", backend.save)
    if isinstance(queues, str):
        raise ConfigError(f"queues is a list of names, [{queues!r}]")
    _told.append(_Told(backend, None if queues is None else frozenset(queues)))
    return backend


def backends() -> list[Backend]:
    """Return those that are told of failures."""
    return [each.backend for each in _told]


def remove_backend(backend: Backend) -> None:
    """Tell *backend* nothing more."""
    _told[:] = [each for each in _told if each.backend is not backend]


def tell(payload: dict[str, Any], error: BaseException) -> None:
    """Tell the backends of a job that is given up; one that raises is reported, and the next is told."""
    failure = Failure(error, payload, str(payload.get("queue", "")))
    for each in list(_told):
        if each.queues is not None and failure.queue not in each.queues:
            continue
        name = type(each.backend).__qualname__
        try:
            check_done(each.backend.save(failure), f"{name}.save")
        except (Exception, SystemExit) as problem:  # noqa: BLE001 (the job's fate is decided)
            context = {"context": f"the failure backend {name}", "jid": payload.get("jid")}
            host.report(problem, context)


# Reading: kiq's dead set


def count(queue: str | None = None) -> int:
    """Return how many jobs failed for good, of one *queue* or of all. One round trip for all."""
    return DeadSet().size if queue is None else sum(1 for _ in each(queue))


def each(queue: str | None = None) -> Iterator[SortedEntry]:
    """Yield the failures, the oldest first: of one *queue*, or all."""
    return (entry for entry in reversed(DeadSet()) if queue is None or entry.queue == queue)


def all(offset: int = 0, limit: int = 1, queue: str | None = None) -> list[SortedEntry]:
    """Return *limit* failures from *offset* on, the oldest first."""
    return list(islice(each(queue), offset, offset + limit))


def queues() -> list[str]:
    """Return the queues of failed jobs, by name."""
    return sorted({entry.queue for entry in DeadSet() if entry.queue is not None})


def requeue(jid: str) -> bool:
    """Run a failed job again: it leaves the dead set for its queue. False if it is not there any more."""
    entry = DeadSet().find(_jid(jid, "requeue"))
    return entry is not None and entry.retry()


def remove(jid: str) -> bool:
    """Delete a failed job; False if it is not there any more."""
    entry = DeadSet().find(_jid(jid, "remove"))
    return entry is not None and entry.delete()


def requeue_all() -> int:
    """Run every failed job again; return how many went to their queues."""
    return int(DeadSet().retry_all())


def requeue_queue(queue: str) -> int:
    """Run the failed jobs of *queue* again; return how many."""
    return sum(entry.retry() for entry in list(each(queue)))


def clear(queue: str | None = None) -> int:
    """Delete the failures of one *queue*, or all; return how many."""
    if queue is None:
        return int(DeadSet().clear())
    return sum(entry.delete() for entry in list(each(queue)))


remove_queue = clear


def _jid(jid: object, what: str) -> str:
    if isinstance(jid, str):
        return jid
    raise ConfigError(
        f"{what} takes a jid, not {jid!r}: places in the dead set change while others look at it. "
        "failure.all(0, 10) has the entries, each with its jid"
    )

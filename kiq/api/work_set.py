"""What runs at this moment: what each process holds now, with what its last beat showed of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import keys
from ..clock import wall
from . import shown
from .fleet import Owner
from .home import connection
from .job_record import JobRecord
from .process_set import Process, ProcessSet

_PAGE = 25  # processes that one round trip reads: each may show large jobs


@dataclass(frozen=True, slots=True)
class Work:
    """A job that runs: in which *process* (identity), in which *thread* (as logs call it), since when.

    *run_at* is epoch seconds. Of a job that began after its process's last beat, *thread* is "", and
    *run_at* is the time of that beat: it runs for a shorter time. Of a process of Ruby, *job* is what it
    shows of it.
    """

    process: str
    thread: str
    queue: str
    run_at: float
    job: JobRecord

    @property
    def jid(self) -> str:
        """The job's id."""
        return self.job.jid

    @property
    def job_class(self) -> str:
        """The name of the job class."""
        return self.job.class_name

    @property
    def payload(self) -> dict[str, Any]:
        """The job's payload."""
        return self.job.payload

    @property
    def elapsed(self) -> float:
        """For how many seconds it has run."""
        return max(0.0, wall() - self.run_at)


class WorkSet:
    """What runs. *client* as for :func:`kiq.api.connection`.

    Of processes of kiq: what they hold at this moment, as far as they have threads for it, the oldest
    first. Since when, and in which thread, they show at each beat. Of others: what they show.
    """

    def __init__(self, client: Any = None) -> None:
        self._home = connection(client)

    def __iter__(self) -> Iterator[Work]:
        """Yield what runs, what began first first. Reads all of it before; processes may come and go."""
        return iter(
            sorted(self._works(), key=lambda work: (work.run_at, work.process, work.thread))
        )

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True  # a set is one, also when it is empty

    @property
    def size(self) -> int:
        """How many jobs run."""
        everyone = list(ProcessSet(self._home))
        others = [p for each in everyone if each.owners is None for p in _places(each.identity)]
        replies = self._home.replies([("HLEN", place) for place in others]) if others else []
        ours = sum(process.busy for process in everyone if process.owners is not None)
        return ours + sum(reply for reply in replies if isinstance(reply, int))

    def find(self, jid: str) -> Work | None:
        """Return what runs with this *jid*, or None. Looks through all of it."""
        return next((work for work in self._works() if work.jid == jid), None)

    def of(self, process: Process) -> Iterator[Work]:
        """Yield what *process* runs. One round trip."""
        return self._of([process])

    def _works(self) -> Iterator[Work]:
        everyone = list(ProcessSet(self._home))
        for first in range(0, len(everyone), _PAGE):
            yield from self._of(everyone[first : first + _PAGE])

    def _of(self, everyone: Sequence[Process]) -> Iterator[Work]:
        hashes = [
            (process, name)
            for process in everyone
            for name in (*_places(process.identity), *_in_flight(process))
        ]
        replies = iter(self._home.replies([("HGETALL", name) for _, name in hashes]))
        for process in everyone:
            works = [
                work
                for _ in _places(process.identity)
                for thread, raw in _pairs(next(replies))
                if (work := _work(process.identity, thread, raw)) is not None
            ]
            if process.owners is None:
                yield from works
                continue
            for owner in process.owners:
                held = [
                    (_order(delivery), _queue(name), raw)
                    for name in owner.held
                    for delivery, raw in _pairs(next(replies))
                ]
                yield from _running(process, owner, works, sorted(held))


def _running(
    process: Process,
    owner: Owner,
    works: Sequence[Work],
    held: Sequence[tuple[tuple[int, int], str, bytes]],
) -> Iterator[Work]:
    """Yield what of the jobs that are *held*, oldest first, runs: *works* as the last beat showed them."""
    seen = {work.jid: work for work in works}
    records = [(queue, JobRecord(raw, queue)) for _, queue, raw in held]
    free = process.places_of(owner) - sum(record.jid in seen for _, record in records)
    for queue, record in records:
        work = seen.get(record.jid)
        if work is not None:
            yield Work(process.identity, work.thread, queue, work.run_at, record)
        elif free > 0:
            free -= 1
            yield Work(process.identity, "", queue, wall() - process.silence, record)


def _places(identity: str) -> list[str]:
    """Return where a process may show what it runs: the name of the key changed with Sidekiq 7."""
    return [keys.work(identity, version) for version in (6, 7)]


def _in_flight(process: Process) -> list[str]:
    return [name for owner in process.owners or () for name in owner.held]


def _queue(name: str) -> str:
    """Return the queue whose jobs the in-flight hash *name* holds."""
    found = keys.source_and_owner(name)
    return (keys.queue_name(found[0]) or "") if found else ""


def _order(delivery: bytes) -> tuple[int, int]:
    call, _, index = delivery.partition(b".")
    return (int(call), int(index)) if call.isdigit() and index.isdigit() else (0, 0)


def _pairs(reply: Any) -> Iterator[tuple[bytes, bytes]]:
    """Return the fields of a hash; none for a key of another type: not ours to judge."""
    return zip(reply[::2], reply[1::2], strict=True) if isinstance(reply, list) else iter(())


def _work(process: str, thread: bytes, raw: bytes) -> Work | None:
    """Read one entry; None for what is no such thing. Sidekiq 5 wrote the payload as an object."""
    entry = shown.mapping(raw)
    payload = entry.get("payload")
    if isinstance(payload, dict):
        payload = json.dumps(payload)
    if not isinstance(payload, str):
        return None
    return Work(
        process,
        shown.text(thread),
        shown.text(entry.get("queue")),
        shown.number(entry.get("run_at")),
        JobRecord(payload.encode("utf-8", "surrogatepass")),
    )

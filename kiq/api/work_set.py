"""What runs at this moment, by the last beat of each process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import keys
from ..clock import wall
from . import shown
from .connection import connection
from .job_record import JobRecord
from .process_set import ProcessSet

_PAGE = 25  # processes that one round trip reads: each may show large jobs


@dataclass(frozen=True, slots=True)
class Work:
    """A job that runs: in which *process* (identity), in which *thread* (as logs call it), since when.

    *run_at* is epoch seconds. *job* is what the process shows of it, JSON whatever its codec: bytes
    are hexadecimal digits there, and other values that JSON lacks are text.
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

    A process shows it at each beat: a job may have ended, or another one begun, for five seconds.
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
        """How many jobs run. Two round trips."""
        places = [place for _, place in _places(ProcessSet(self._home).identities())]
        replies = self._home.replies([("HLEN", place) for place in places]) if places else []
        return sum(reply for reply in replies if isinstance(reply, int))

    def find(self, jid: str) -> Work | None:
        """Return what runs with this *jid*, or None. Looks through all of it."""
        return next((work for work in self._works() if work.jid == jid), None)

    def _works(self) -> Iterator[Work]:
        everyone = ProcessSet(self._home).identities()
        for first in range(0, len(everyone), _PAGE):
            places = _places(everyone[first : first + _PAGE])
            replies = self._home.replies([("HGETALL", place) for _, place in places])
            for (name, _), found in zip(places, replies, strict=True):
                if not isinstance(found, list):
                    continue  # a key of another type: not ours to judge
                for thread, raw in zip(found[::2], found[1::2], strict=True):
                    work = _work(name, thread, raw)
                    if work is not None:
                        yield work


def _places(identities: Sequence[str]) -> list[tuple[str, str]]:
    """Return where each process may show what it runs: the name of the key changed with Sidekiq 7."""
    return [(name, keys.work(name, version)) for name in identities for version in (6, 7)]


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

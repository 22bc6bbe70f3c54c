"""Queues: how long, how late, what is in them, and out with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .. import keys
from ..config import check_queue_name
from . import scripts
from .home import Connection, connection
from .job_record import JobRecord
from .telling import Leaving, deleted, watched

_PAGE, _PAGE_BYTES = 100, 1_000_000
_ANCHORS = 10  # jobs of the last page that tell where the next begins


class QueuedJob(JobRecord):
    """A job in a queue."""

    def __init__(self, home: Connection, name: str, raw: bytes) -> None:
        super().__init__(raw, name)
        self._home, self._name = home, name

    def delete(self) -> bool:
        """Take the job out of its queue; False when it was not there any more.

        One round trip; Redis walks the queue from its oldest job.
        """
        return _delete(self._home, self._name, "", (self.raw,)) == 1


class Queue:
    """One queue, whether or not anything is in it. *client* as for :func:`kiq.api.connection`."""

    def __init__(self, name: str = "default", client: Any = None) -> None:
        check_queue_name(name)
        self.name = name
        self._connection = connection(client)

    def __repr__(self) -> str:
        return f"<Queue {self.name}>"

    @classmethod
    def all(cls, client: Any = None) -> list[Queue]:
        """Return every queue that ever got a job and was not cleared, or is paused, by name.

        One round trip.
        """
        home = connection(client)
        known = home.call(scripts.names((keys.QUEUES, keys.PAUSED)))
        names = [raw.decode(errors="replace") for raw in known]
        found = []
        for name in sorted(names):
            queue = cls(client=home)
            queue.name = name  # as it stands there: another program may have named it
            found.append(queue)
        return found

    @property
    def size(self) -> int:
        """How many jobs wait. One round trip."""
        return int(self._connection.call(("LLEN", keys.queue(self.name))))

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True  # a queue is one, also when it is empty

    @property
    def latency(self) -> float:
        """For how many seconds the oldest job has waited; 0 for an empty queue. One round trip."""
        raw = self._connection.call(("LINDEX", keys.queue(self.name), -1))
        return 0.0 if raw is None else JobRecord(raw).latency

    @property
    def paused(self) -> bool:
        """Whether the queue is paused. One round trip."""
        return bool(self._connection.call(("SISMEMBER", keys.PAUSED, self.name)))

    def pause(self) -> bool:
        """Let no worker take from the queue from now on; False when it was paused already.

        A job that a worker took before still runs. Pushing goes on, and what comes back to the queue
        (retries, scheduled jobs, jobs of a process that ended) waits there too. The queue need not
        exist. One round trip.
        """
        command = scripts.pause((keys.idle(self.name), keys.PAUSED), (self.name,))
        return bool(self._connection.call(command))

    def unpause(self) -> bool:
        """Let workers take from the queue again, at once; False when it was not paused."""
        command = scripts.unpause((keys.PAUSED, keys.OWNERS, keys.bell("")), (self.name,))
        return bool(self._connection.call(command))

    def __iter__(self) -> Iterator[QueuedJob]:
        """Yield the jobs, the oldest first, in pages; jobs may come and go meanwhile.

        No job that stays is missed. Some may come twice, when all of a page went and older ones stayed.
        """
        behind, last = 0, list[bytes]()
        while True:
            step = max(1, len(last) // _ANCHORS)
            anchors = last[::-1][::step]
            behind, raws = self._connection.call(
                scripts.queue_page((keys.queue(self.name),), (behind, _PAGE, _PAGE_BYTES, *anchors))
            )
            if not raws:
                return
            for raw in raws:
                yield QueuedJob(self._connection, self.name, raw)
            behind, last = behind + len(raws), raws

    def find(self, jid: str) -> QueuedJob | None:
        """Return the job with this *jid*, or None. Walks the queue: one round trip for 100 jobs."""
        sought = jid.encode()
        for job in self:
            if sought in job.raw and job.jid == jid:
                return job
        return None

    def delete(self, jid: str) -> bool:
        """Take the job with this *jid* out; False when it is not there, or no more."""
        job = self.find(jid)
        return job is not None and job.delete()

    def clear(self) -> int:
        """Delete the queue with its jobs and its name, at once; return how many. One round trip.

        A paused queue stays paused. Where a plugin wants to know of each job, they go by the hundred,
        the oldest first, and what is pushed meanwhile stays.
        """
        if watched():
            return self._clear_in_parts()
        command = scripts.clear_queue((keys.queue(self.name), keys.QUEUES), (self.name,))
        return int(self._connection.call(command))

    def _clear_in_parts(self) -> int:
        left, cleared = self.size, 0
        while left > 0:
            raws = self._connection.call(("LRANGE", keys.queue(self.name), -min(left, _PAGE), -1))
            if not raws:
                break
            cleared += _delete(self._connection, self.name, self.name, raws[::-1])
            left -= len(raws)
        return cleared


def _delete(home: Connection, name: str, drop: str, raws: Sequence[bytes]) -> int:
    """Take *raws* out of queue *name*; return how many were there. *drop* is its name, to be forgotten."""
    command = scripts.delete_queued((keys.queue(name), keys.QUEUES), (drop, *raws))
    return len(Leaving(keys.queue(name), raws, deleted).exchange(home, command)) - 1

"""Queues: how long, how late, what is in them, and out with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .. import keys
from ..config import check_queue_name
from ..priority import NAMES
from ..store.scripts import Command
from . import scripts
from .home import Connection, connection
from .job_record import JobRecord
from .pausing import NOTES, PauseNote, note_of, noted
from .telling import Leaving, deleted, watched
from .trash import taking

_PAGE, _PAGE_BYTES = 100, 1_000_000
_ANCHORS = 10  # jobs of the last page that tell where the next begins


class QueuedJob(JobRecord):
    """A job in a queue."""

    def __init__(self, home: Connection, name: str, raw: bytes) -> None:
        """*name* is that of its list: of the queue, or of a band."""
        queue, band = keys.queue_and_band(name)
        super().__init__(raw, queue)
        self._home, self._name = home, name
        #: The band that it waits in: "high", "normal" or "low". One that Ruby pushed is in the normal one.
        self.band = band or "normal"

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
        names = {keys.queue_and_band(raw.decode(errors="replace"))[0] for raw in known}
        found = []
        for name in sorted(names):
            queue = cls(client=home)
            queue.name = name  # as it stands there: another program may have named it
            found.append(queue)
        return found

    @property
    def size(self) -> int:
        """How many jobs wait, whatever their priority. One round trip."""
        return sum(self.bands.values())

    @property
    def bands(self) -> dict[str, int]:
        """How many jobs wait in each band: "high", "normal", "low". One round trip."""
        sizes = self._connection.exchange([("LLEN", key) for key in self._lists])
        return {name: int(size) for name, size in zip(NAMES, sizes, strict=True)}

    @property
    def _lists(self) -> list[str]:
        return [keys.queue(name) for name in keys.bands(self.name)]

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True  # a queue is one, also when it is empty

    @property
    def latency(self) -> float:
        """For how many seconds the oldest job has waited; 0 for an empty queue. One round trip."""
        raws = self._connection.exchange([("LINDEX", key, -1) for key in self._lists])
        return max((JobRecord(raw).latency for raw in raws if raw is not None), default=0.0)

    @property
    def paused(self) -> bool:
        """Whether the queue is paused. One round trip."""
        return bool(self._connection.call(("SISMEMBER", keys.PAUSED, self.name)))

    @property
    def pause_note(self) -> PauseNote | None:
        """Who paused the queue, when and why, if that was said. One round trip."""
        return note_of(self._connection, self.name) if self.paused else None

    def pause(self, *, by: str = "", reason: str = "") -> bool:
        """Let no worker take from the queue from now on; False when it was paused already.

        A job that a worker took before still runs. Pushing goes on, and what comes back to the queue
        (retries, scheduled jobs, jobs of a process that ended) waits there too. The queue need not
        exist. *by* and *reason* are noted for those who wonder. One round trip.
        """
        names = (keys.idle(self.name), keys.PAUSED, NOTES)
        command = scripts.pause(names, (self.name, noted(by, reason)))
        return bool(self._connection.call(command))

    def unpause(self) -> bool:
        """Let workers take from the queue again, at once; False when it was not paused."""
        names = (keys.PAUSED, keys.OWNERS, keys.bell(""), NOTES)
        command = scripts.unpause(names, (self.name,))
        return bool(self._connection.call(command))

    def __iter__(self) -> Iterator[QueuedJob]:
        """Yield the jobs, those of high priority first, of one band the oldest, in pages.

        Jobs may come and go meanwhile. No job that stays is missed. Some may come twice, when all of a page
        went and older ones stayed.
        """
        high, own, low = keys.bands(self.name)
        # In one round trip: most queues have no bands.
        above, below, first = self._connection.exchange(
            [*(("LLEN", keys.queue(name)) for name in (high, low)), _page(own, 0)]
        )
        if above:
            yield from self._jobs(high, self._connection.call(_page(high, 0)))
        yield from self._jobs(own, first)
        if below:
            yield from self._jobs(low, self._connection.call(_page(low, 0)))

    def _jobs(self, name: str, page: Sequence[Any]) -> Iterator[QueuedJob]:
        """Yield the jobs of the list *name*, of which *page* is the first part."""
        while raws := page[1]:
            for raw in raws:
                yield QueuedJob(self._connection, name, raw)
            step = max(1, len(raws) // _ANCHORS)
            page = self._connection.call(_page(name, page[0] + len(raws), raws[::-1][::step]))

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
        names = (keys.QUEUES, *self._lists)
        command = taking(scripts.clear_queue, names, keys.bands(self.name))
        return int(self._connection.call(command))

    def _clear_in_parts(self) -> int:
        lefts = self.bands.values()
        names = zip(keys.bands(self.name), lefts, strict=True)
        return sum(self._clear_list(name, left) for name, left in names)

    def _clear_list(self, name: str, left: int) -> int:
        cleared = 0
        while left > 0:
            raws = self._connection.call(("LRANGE", keys.queue(name), -min(left, _PAGE), -1))
            if not raws:
                break
            cleared += _delete(self._connection, name, name, raws[::-1])
            left -= len(raws)
        return cleared


def _page(name: str, behind: int, anchors: Sequence[bytes] = ()) -> Command:
    """Return the command that reads the next page of the list *name*; see ``queue_page.lua``."""
    arguments = (behind, _PAGE, _PAGE_BYTES, *anchors)
    return scripts.queue_page((keys.queue(name),), arguments)


def _delete(home: Connection, name: str, drop: str, raws: Sequence[bytes]) -> int:
    """Take *raws* out of the list *name*; return how many were there. *drop* is its name, to be dropped."""
    command = taking(scripts.delete_queued, (keys.queue(name), keys.QUEUES), (drop, *raws))
    return len(Leaving(keys.queue(name), raws, deleted).exchange(home, command)) - 1

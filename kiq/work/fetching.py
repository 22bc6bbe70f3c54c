"""The fetches of a capsule: what is asked of Redis, what its replies mean, and one made beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import keys
from ..clock import steady
from ..config import Capsule
from ..errors import StoreError
from ..store import fetch
from ..store.connection import Link, Prepared
from ..store.fetch import BandWanted, Fetched, Wanted
from ..store.scripts import Command
from ..verdict import Taken
from .bands import Band, Bands
from .bell import Listener
from .caps import Caps
from .inbox import Inbox
from .owner import Owner
from .pace import Pace
from .queue_order import QueueOrder
from .reply_size import ReplySize
from .session import Session
from .suspects import Suspects
from .worker import Worker

_FULL_POLL = 0.010  # seconds between two looks while all that may be taken of a queue is ours
_RECHECK = 1.0  # seconds between two reconciliations that only a count asked for

Reader = Callable[[Any], None]


class Ready(NamedTuple):
    """A fetch for *owner*'s *free* threads as it will be sent, and what reads its reply."""

    owner: Owner
    free: int
    sent: Prepared
    read: Reader


class Fetches:
    """Takes jobs of a capsule's queues, in their order and within their caps, into its *inbox*.

    Threads: who leads.
    """

    def __init__(
        self,
        worker: Worker,
        capsule: Capsule,
        inbox: Inbox,
        session: Session,
        suspects: Suspects,
        reply_size: ReplySize,
    ) -> None:
        self.pace = Pace(capsule.concurrency)
        self.bell = Listener(worker.connector)
        self._worker = worker
        self._capsule = capsule
        self._inbox = inbox
        self._session = session
        self._suspects = suspects
        self._reply_size = reply_size
        self._order = QueueOrder(capsule, worker.host.queue_filters, self._within_caps)
        self._caps = Caps(worker.host, worker.report)
        self.bands = Bands(capsule.queue_names)
        self._rung = False  # and nothing was found since
        self._named_idle = False  # our name stands in the idle sets
        self._compared_at = 0.0
        self._most: dict[
            str, int
        ] = {}  # jobs that may be taken of a queue now, where that is limited
        self._full = False  # a queue was left out for that
        self._ready: Ready | None = None

    @property
    def short(self) -> bool:
        """Whether jobs end so fast that one thread does best."""
        return self.pace.jobs_are_short(self._inbox.free)

    def rung(self) -> None:
        """Note that the bell was heard: there is a job, and our name is gone."""
        self.pace.dry = self._named_idle = False
        self._rung = True

    def request(self, count: int, now: float) -> tuple[Command, Reader]:
        """Return what fetches *count* jobs, and what reads the reply."""
        return self._request(count, self._reply_size.ask(now), named_idle=self._named_idle)

    def look(self) -> tuple[Command, Reader]:
        """Return what looks for bands that were not there before, and what reads the reply."""
        names, session = self.bands.sought(), self._session

        def read(reply: Any) -> None:
            if found := self.bands.seen(names, reply, steady()):
                session.serve(map(keys.queue, found))
                self.pace.dry = False

        return fetch.bands_command(session.owner.name, names), read

    def get_ready(self, link: Link) -> None:
        """Make the fetch that answers the bell, so that who pushed need not wait until it is made."""
        host, free = self._worker.host, self._inbox.free
        if not free or host.fetch_caps or host.fleet_caps or host.queue_filters:
            return  # what features say of queues, they say when it is asked
        command, read = self._request(free, self._reply_size.limit, named_idle=False)
        self._ready = Ready(self._session.owner, free, link.prepared((command,)), read)

    @property
    def taken(self) -> dict[str, int]:
        """How many jobs of each queue were taken until now, and not handed back. Any thread."""
        return dict(self._order.taken)

    def take_from(self, names: Sequence[str]) -> None:
        """Take from *names* from the next fetch on."""
        self._order.change(names)
        self.bands.serve(names)
        self.forget_ready()
        self.rung()

    def handed_back(self, jobs: Sequence[Taken]) -> None:
        """Note that *jobs* are in their queues again."""
        for taken in jobs:
            self._order.taken[taken.flight.queue] -= 1

    def forget_ready(self) -> None:
        """Forget the fetch that was made: something else is said first."""
        self._ready = None

    def take_ready(self) -> Ready | None:
        """Return the fetch that was made, if it is still what there is to say."""
        ready, self._ready = self._ready, None
        if ready is None or ready.owner is not self._session.owner:
            return None
        if ready.free != self._inbox.free:
            return None
        return ready

    def _request(self, count: int, size: int, *, named_idle: bool) -> tuple[Command, Reader]:
        owner, names = self._session.owner, self._order.window()
        flights = [owner.flight(f"queue:{name}") for name in names]
        known = self.bands.of(names)
        bands = [
            BandWanted(owner.flight(keys.queue(band)), names.index(queue) + 1, weight, ahead)
            for band, queue, weight, ahead in known
        ]
        wanted = Wanted(
            count,
            flights,
            self._order.weights(names),
            self._order.passes(names),
            self._order.strict,
            size,
            self._most,
            bands,
        )
        call = owner.next_call()
        flights = flights + [band.flight for band in bands] if bands else flights

        def read(reply: Any) -> None:
            now = steady()
            fetched = fetch.read_fetch(reply, call, flights, now)
            self._reply_size.arrived(len(fetched.jobs))
            if not owner.hears(fetched.state):
                return
            for source, problem in fetched.errors:
                self._worker.report(StoreError(f"{source}: {problem}"), {"context": "fetch"})
            owner.took(fetched.jobs)
            counts = self._by_queue(names, known, fetched) if known else fetched.counts
            self._order.took(names, counts, fetched.empty)
            self._found(fetched, now)
            if now - self._compared_at >= _RECHECK and not owner.compare(flights, fetched.held):
                self._compared_at = now

        command = fetch.fetch_command(owner.name, owner.epoch, call, wanted, named_idle)
        if self._worker.host.fleet_caps:
            return self._caps.around(command, names, read)
        return command, read

    def _by_queue(self, names: Sequence[str], known: Sequence[Band], fetched: Fetched) -> list[int]:
        """Account for what was taken of bands; return how many jobs it was of each queue."""
        lists = [*names, *(band.name for band in known)]
        counts = dict(zip(lists, fetched.counts, strict=True))
        self.bands.took(counts, dict(zip(lists, fetched.dry, strict=True)))
        return [sum(counts.get(each, 0) for each in self.bands.names_of(name)) for name in names]

    def _within_caps(self, names: Sequence[str]) -> Sequence[str]:
        """Ask features how many jobs of *names* may be taken now; return those of which there are any."""
        self._most, self._full = {}, False
        caps = self._worker.host.fetch_caps
        if not caps:
            return names
        flight_of = self._session.owner.flight
        held = {
            name: sum(flight_of(keys.queue(each)).held for each in self.bands.names_of(name))
            for name in names
        }
        for cap in caps:
            for name, most in cap(self._capsule.name, held).items():
                self._most[name] = max(0, min(most, self._most.get(name, most)))
        open_ = [name for name in names if self._most.get(name, 1)]
        self._full = len(open_) < len(names)
        return open_

    def _found(self, fetched: Fetched, now: float) -> None:
        if not fetched.jobs:
            self.bell.missed(fetched.idle_names_added if self._named_idle else 0)
            self._named_idle = True
            self.pace.found_none(self._order.swept, now, self._worker.fleet)
            if self._full:
                self.pace.look_at = now + _FULL_POLL
            if self._rung:
                self._rung = False
                self.bands.rung_in_vain(now)
                self.pace.look_at = min(self.pace.look_at, self.bands.look_at)
            return
        self._rung = False
        self.pace.found(len(fetched.jobs))
        self._named_idle = False
        admitted = self._suspects.admit(fetched.jobs)
        if not self.short:
            self._inbox.wake(admitted)  # suspects would find nothing, and look busy meanwhile
        elif self._inbox.free >= self.pace.threads:
            self._inbox.wake(1)

"""The fetcher: when to look at the queues, and what to make of the answer."""

from __future__ import annotations

from typing import Any

from ..clock import steady
from ..config import Capsule
from ..errors import StoreError
from ..store import flight
from ..store.flight import Fetched, Wanted
from ..store.scripts import Command
from ..verdict import Flight
from .fetching import BatchSize, QueueOrder
from .reply_size import ReplySize
from .session import Session
from .worker import Worker

_IDLE_POLL = 0.100  # seconds between two looks at empty queues (a plain LPUSH rings no bell)
_IDLE_CALLS = 2_000  # a second, of the whole fleet
_RECHECK = 1.0  # seconds between two reconciliations that only a count asked for


class Fetcher:
    """Builds fetches and reads their replies. Threads: whoever has the turn."""

    def __init__(
        self, worker: Worker, capsule: Capsule, session: Session, reply_size: ReplySize
    ) -> None:
        self.size = BatchSize(capsule.concurrency)
        self.look_at = 0.0  # when empty queues are looked at again without a bell
        self.dry = False  # the last fetch found nothing, in any queue
        self.unheard = 0  # idle names that had gone though no bell was heard
        self._worker = worker
        self._order = QueueOrder(capsule, worker.host.queue_filters)
        self._session = session
        self._reply_size = reply_size
        self._named_idle = False  # our name stands in the idle sets
        self._brought = 0  # how many jobs the last fetch brought
        self._checked_at = 0.0
        self._asked: tuple[int, list[str], list[Flight]] = (0, [], [])

    def wanted(self, free: int, waiting: int, now: float) -> int:
        """Return how many jobs to fetch now, for *free* threads and *waiting* jobs."""
        if self.dry and now < self.look_at:
            return 0
        return self.size.wanted(free, waiting)

    def rung(self) -> None:
        """Note that the bell was heard: there is a job, and our name is gone."""
        self.dry = self._named_idle = False

    def look_again(self) -> None:
        """Look at empty queues once more without waiting."""
        self.look_at = 0.0

    def rest(self, held_up: int) -> None:
        """Leave the queues alone for a moment if the last fetch brought only the *held_up* jobs.

        They went back and can't start here yet: without a rest they would go round and round.
        """
        if held_up == self._brought:
            self.dry = True
            self.look_at = steady() + _IDLE_POLL

    def command(self, count: int) -> Command:
        """Return the command that fetches *count* jobs."""
        owner = self._session.owner
        names = self._order.window()
        flights = [owner.flight(f"queue:{name}") for name in names]
        wanted = Wanted(
            count,
            flights,
            self._order.weights(names),
            self._order.passes(names),
            self._order.strict,
            self._reply_size.ask(steady()),
        )
        call = owner.next_call()
        self._asked = (call, names, flights)
        return flight.fetch_command(owner.name, owner.epoch, call, wanted, self._named_idle)

    def read(self, reply: Any) -> Fetched:
        """Read the reply to the last :meth:`command`; what it took is in the ledger then."""
        owner, (call, names, flights) = self._session.owner, self._asked
        fetched = flight.read_fetch(reply, call, flights, steady())
        self._reply_size.arrived(len(fetched.jobs))
        if not owner.hears(fetched.state):
            return fetched
        for source, problem in fetched.errors:
            self._worker.report(StoreError(f"{source}: {problem}"), {"context": "fetch"})
        self._brought = len(fetched.jobs)
        owner.took(fetched.jobs)
        self._order.took(names, fetched.counts, fetched.empty)
        if fetched.jobs:
            self.dry = self._named_idle = False
        else:
            self.unheard = fetched.idle_names_added if self._named_idle else 0
            self._named_idle = True
            self.dry = self._order.swept
            self.look_at = steady() + max(_IDLE_POLL, self._worker.fleet / _IDLE_CALLS)
        now = steady()
        if now - self._checked_at >= _RECHECK and not owner.compare(flights, fetched.held):
            self._checked_at = now
        return fetched

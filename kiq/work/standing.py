"""A courier's standing with Redis: which owner it is, and what is certainly its own."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from ..clock import steady
from ..config import Capsule
from ..errors import StoreError, StoreUnavailable
from ..store import held, owners
from ..store.connection import Link
from ..store.held import Contents
from ..verdict import Flight, Taken
from .buffer import Buffer
from .ownership import Ownership
from .reply_size import HARMLESS, ReplySize, pieces
from .suspects import SuspectLane
from .unread import TRIES, set_aside
from .worker import Worker

logger = logging.getLogger("kiq.courier")


class Standing:
    """Registers the owner, reconciles after an unknown outcome, becomes another owner when fenced.

    Threads: whoever has the turn; the heartbeat calls :meth:`fence`.
    """

    def __init__(
        self,
        worker: Worker,
        capsule: Capsule,
        buffer: Buffer,
        lane: SuspectLane,
        reply_size: ReplySize,
    ) -> None:
        self._worker = worker
        self._capsule = capsule
        self._buffer = buffer
        self._lane = lane
        self._reply_size = reply_size
        self._unread: Counter[str] = Counter()  # how often a job alone broke the connection
        self.ownership = self._new_ownership()
        self.registered = False
        self._abandoned: list[str] = []  # names whose registration may have arrived
        self.uncertain = False  # an outcome is unknown: reconcile before anything else
        self._fenced: str | None = None  # the owner that somebody declared dead

    @property
    def fenced(self) -> bool:
        """Whether somebody declared this owner dead."""
        return self._fenced == self.ownership.owner

    def fence(self, owner: str) -> None:
        """Note that somebody declared *owner* dead; nothing to this one if that is an earlier one."""
        self._fenced = owner

    def secure(self, link: Link) -> None:
        """Be a registered owner that knows what is its own. Raises StoreError."""
        while self.fenced or self.uncertain or not self.registered:
            if self.fenced:
                self._become_another_owner()
            elif not self.registered:
                self._register(link)
            else:
                self._reconcile(link)

    def still_ours(self, state: str) -> bool:
        """Read the state that a script of the owner answered; False when it did nothing."""
        if state == "fenced":
            self.fence(self.ownership.owner)
        elif state == "stale":
            self.uncertain = True
        return state == "ok"

    def leave(self, link: Link) -> bool:
        """Give back whatever is still in flight for this owner, and be forgotten; False if it can't."""
        self._worker.owners.remove(self.ownership)
        self.ownership.permit.fence()
        if not self.registered:
            return True
        try:
            gone = owners.reclaim(link, self.ownership.owner, proven=True, crashed=False)
            if gone is not None and gone.moved:
                logger.warning("%d unfinished jobs went back to their queues", gone.moved)
            return gone is None or gone.complete
        except StoreError as error:
            logger.error(
                "capsule %s could not give back its jobs (%d in flight): %s; another process will, "
                "within its lease of %g s and a quarter of a minute",
                self._capsule.name,
                len(self.ownership),
                error,
                self._worker.lease,
            )
            return False

    def _new_ownership(self) -> Ownership:
        return Ownership(
            self._worker.new_owner(self._capsule.name),
            [f"queue:{name}" for name in self._capsule.queue_names],
        )

    def _register(self, link: Link) -> None:
        ownership = self.ownership
        sent_at = steady()
        try:
            owners.register(
                link,
                ownership.owner,
                self._worker.lease,
                list(ownership.flights),
                self._worker.facts,
            )
        except StoreUnavailable as error:
            # It may arrive late, even after a reclaim: then a name in use would have its record back,
            # and not learn that it was fenced. So nobody goes by this one any more.
            if error.maybe_done:
                self._abandoned.append(ownership.owner)
            self.ownership = self._new_ownership()
            raise
        ownership.permit.extend(self._worker.good_until(sent_at))
        self.registered = True
        self.uncertain = False
        self._worker.owners.add(ownership)
        while self._abandoned:  # else others would take them for dead processes, a lease later
            name, sources = self._abandoned.pop(), list(ownership.flights)
            owners.reclaim(link, name, proven=True, crashed=False, sources=sources)

    def _become_another_owner(self, unstarted: Sequence[Taken] = ()) -> None:
        """Go on under a new name: what had not started is dropped, what runs may end."""
        old = self.ownership
        self._worker.owners.remove(old)
        known = old.fence()
        waiting = [*self._buffer.drain(), *self._lane.drain(), *unstarted]
        self._lane.settled(waiting)
        dropped = len(waiting)
        self.ownership = self._new_ownership()
        self.registered = self.uncertain = False
        logger.error(
            "this process was declared dead (it did not renew its lease of %g s): %d jobs that waited "
            "here were dropped and run elsewhere; up to %d that had started will run twice",
            self._worker.lease,
            dropped,
            known - dropped,
        )

    def _reconcile(self, link: Link) -> None:
        """Learn what Redis holds for us; adopt what we don't know, drop what is not ours any more."""
        # Taken out of the buffer: what is out of it can't start meanwhile.
        unstarted = (self._buffer.drain() + self._lane.drain())[::-1]
        try:
            contents = held.contents(
                link,
                self.ownership.owner,
                self.ownership.epoch + 1,
                list(self.ownership.flights.values()),
            )
        except BaseException:
            self._buffer.put(self._lane.sort(unstarted))
            raise
        if contents is None:
            self._become_another_owner(unstarted)
            return
        self._adopt(link, contents, unstarted)
        self._buffer.wake(len(self._buffer))

    def _adopt(self, link: Link, contents: Contents, unstarted: list[Taken]) -> None:
        plan = self.ownership.reconcile(contents.epoch, contents.held, unstarted)
        dropped = set(plan.drop)
        mine = [taken for taken in unstarted if taken.delivery not in dropped]
        self._lane.settled([taken for taken in unstarted if taken.delivery in dropped])
        self._buffer.put(self._lane.sort(mine))
        adopted = 0
        for source, ids in plan.adopt.items():
            for piece in self._pieces(link, source, ids):
                jobs = self._read(link, source, piece)
                self.ownership.took(jobs)
                self._buffer.put(self._lane.sort(jobs))
                adopted += len(jobs)
        self._unread.clear()
        self.uncertain = False
        if adopted or dropped:
            logger.info("reconciled: %d adopted, %d dropped", adopted, len(dropped))

    def _pieces(self, link: Link, source: Flight, ids: Sequence[str]) -> list[list[str]]:
        """Return *ids* as they are to be read; what never arrived comes last, or is set aside."""
        ids = sorted(ids, key=lambda id_: self._unread[id_])  # stable: the oldest first
        sizes = dict(zip(ids, held.sizes(link, source, ids), strict=True))
        for id_ in [each for each in ids if self._unread[each] >= TRIES and sizes[each] > HARMLESS]:
            set_aside(link, source, id_, sizes.pop(id_), self._worker.config)
            del self._unread[id_]
        return pieces(list(sizes), list(sizes.values()), self._reply_size.limit)

    def _read(self, link: Link, source: Flight, ids: list[str]) -> list[Taken]:
        self._reply_size.ask(steady())
        if len(ids) == 1:
            self._unread[ids[0]] += 1
        jobs = held.read_jobs(link, source, ids, steady())
        self._reply_size.arrived(len(jobs))
        return jobs

"""Reconciling: an owner learns what is certainly its own, after an outcome that nobody saw.

What breaks each connection that is to bring it goes to the dead set, unread.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from ..clock import steady, wall
from ..errors import StoreUnavailable
from ..store import flight, held
from ..store.connection import Link
from ..store.held import Contents
from ..verdict import Flight, Settlement, Taken, ToDead
from .owner import Phase
from .reply_size import ADVICE, HARMLESS, ReplySize, pieces
from .session import Session
from .suspects import Suspects
from .worker import Worker

logger = logging.getLogger("kiq.courier")
_of_redis = logging.getLogger("kiq.redis")

TRIES = 5  # connections that a job alone may break before it is set aside


class Reconciler:
    """Makes a courier's owner sure: registered, with a ledger of what Redis holds.

    Threads: who has the lead.
    """

    def __init__(
        self, worker: Worker, session: Session, suspects: Suspects, reply_size: ReplySize
    ) -> None:
        self._worker = worker
        self._session = session
        self._suspects = suspects
        self._reply_size = reply_size
        self.returning: Sequence[Settlement] = ()  # the last hand-back
        self._unread: Counter[str] = Counter()  # how often a job alone broke the connection

    def secure(self, link: Link) -> None:
        """Let the owner be sure. No round trip when it is; raises StoreError."""
        session = self._session
        while not session.owner.sure:
            if session.owner.fenced:
                self._become_another_owner()
            elif session.owner.phase is Phase.NEW:
                session.register(link)
            else:
                self._reconcile(link)
        session.give_back(link)  # else others would take them for dead processes, a lease later

    def _become_another_owner(self, unstarted: Sequence[Taken] = ()) -> None:
        """Go on under a new name: what had not started is dropped, what runs may end."""
        known = self._session.renew()
        waiting = [*self._suspects.take_back(), *unstarted]
        self._suspects.settled(waiting)
        logger.error(
            "this process was declared dead (it did not renew its lease of %g s): %d jobs that waited "
            "here were dropped and run elsewhere; up to %d that had started will run twice",
            self._worker.lease,
            len(waiting),
            known - len(waiting),
        )

    def _reconcile(self, link: Link) -> None:
        """Learn what Redis holds for us; adopt what we don't know, drop what is not ours any more."""
        owner = self._session.owner
        # Taken out of the inbox: what is out of it can't start meanwhile.
        unstarted = self._suspects.take_back()[::-1]
        try:
            flights = list(owner.flights.values())
            contents = held.contents(link, owner.name, owner.epoch + 1, flights)
        except BaseException:
            self._suspects.admit(unstarted)
            raise
        if contents is None:
            self._become_another_owner(unstarted)
            return
        owner.begins(contents.epoch)
        self._adopt(link, contents, unstarted)
        self._suspects.wake()

    def _adopt(self, link: Link, contents: Contents, unstarted: list[Taken]) -> None:
        owner = self._session.owner
        plan = owner.reconcile(contents.held, unstarted)
        dropped = set(plan.drop)
        self._worker.notices.tell(one for one in self.returning if one[0].delivery in plan.returned)
        self._suspects.settled([taken for taken in unstarted if taken.delivery in dropped])
        self._suspects.admit([taken for taken in unstarted if taken.delivery not in dropped])
        adopted = 0
        for source, ids in plan.adopt.items():
            for piece in self._pieces(link, source, ids):
                jobs = self._read(link, source, piece)
                owner.took(jobs)
                self._suspects.admit(jobs)
                adopted += len(jobs)
        self._unread.clear()
        if plan.adopt:
            owner.adopted()
        if adopted or dropped:
            logger.info("reconciled: %d adopted, %d dropped", adopted, len(dropped))

    def _pieces(self, link: Link, source: Flight, ids: Sequence[str]) -> list[list[str]]:
        """Return *ids* as they are to be read; what never arrived comes last, or is set aside."""
        ids = sorted(ids, key=lambda id_: self._unread[id_])  # stable: the oldest first
        sizes = dict(zip(ids, held.sizes(link, source, ids), strict=True))
        for id_ in [each for each in ids if self._unread[each] >= TRIES and sizes[each] > HARMLESS]:
            set_aside(link, source, id_, sizes.pop(id_), self._worker.dead_limits)
            del self._unread[id_]
        return pieces(list(sizes), list(sizes.values()), self._reply_size.limit)

    def _read(self, link: Link, source: Flight, ids: list[str]) -> list[Taken]:
        self._reply_size.ask(steady())
        if len(ids) == 1:
            self._unread[ids[0]] += 1
        jobs = held.read_jobs(link, source, ids, steady())
        self._reply_size.arrived(len(jobs))
        return jobs


def set_aside(
    link: Link, source: Flight, delivery: str, size: int, limits: flight.DeadLimits
) -> None:
    """Move a job that can't be read here to the dead set, unread: nobody else could read it either."""
    reason = f"its {size} bytes did not arrive in {TRIES} attempts: {ADVICE}, then retry it"
    _of_redis.error("a job of %s goes to the dead set unread: %s", source.source, reason)
    taken, verdict = Taken(delivery, source, b"", 0.0), ToDead(b"", wall(), reason, ran=False)
    link.call(flight.move_command((taken, verdict), wall(), limits))


def set_aside_unreadable(
    link: Link, source: Flight, spare: Link, limits: flight.DeadLimits
) -> None:
    """Set aside those jobs in flight from *source* that can't be read, each alone; the largest tells.

    *spare* is another connection, to be broken. Raises StoreError.
    """
    ids = [delivery.decode() for delivery in link.call(("HKEYS", source.key))]
    sizes = dict(zip(ids, held.sizes(link, source, ids), strict=True)) if ids else {}
    for delivery in sorted(ids, key=lambda id_: -sizes[id_]):
        if sizes[delivery] <= HARMLESS or _passes(spare, source, delivery):
            return
        set_aside(link, source, delivery, sizes[delivery], limits)


def _passes(spare: Link, source: Flight, delivery: str) -> bool:
    for _ in range(TRIES):
        spare.call(("HSTRLEN", source.key, delivery))  # so that it is not Redis that is away
        try:
            spare.call(("HMGET", source.key, delivery))
            return True
        except StoreUnavailable:
            continue
    return False

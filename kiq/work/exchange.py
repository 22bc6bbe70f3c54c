"""The exchange: what a capsule says to Redis in one write, and what the replies to it mean."""

from __future__ import annotations

import logging
from typing import Any

from ..clock import steady
from ..config import Capsule
from ..errors import StoreError
from ..store import flight
from ..store.connection import Link
from ..store.scripts import Command
from ..verdict import Taken, ToQueue
from .fetching import Fetches, Reader
from .handover import Handover
from .inbox import Inbox
from .owner import Phase
from .reconciling import Reconciler
from .reply_size import ReplySize
from .session import Session
from .settling import Settler
from .suspects import Suspects
from .worker import Worker

logger = logging.getLogger("kiq.courier")

HAND_BACK_AFTER = 0.100  # seconds that a job may wait in the inbox


class Exchange:
    """Verdicts, a fetch, a hand-back or marks of suspects, sent together; one exchange at a time.

    Between :meth:`begin` and :meth:`end` whoever began may do something else: jobs, for example.
    Threads: who leads.
    """

    def __init__(self, worker: Worker, capsule: Capsule, inbox: Inbox, handover: Handover) -> None:
        self.quiet = False  # fetch no more; what waits goes back
        self.sent_at = 0.0
        self.ended_at = steady()  # when Redis last answered, or there was nothing to say
        self.link: Link = worker.connector.open()
        self.suspects = Suspects(worker.isolation, inbox)
        self._reply_size = ReplySize()
        sources = [f"queue:{name}" for name in capsule.queue_names]
        self.session = Session(worker, capsule.name, sources)
        self.reconciler = Reconciler(worker, self.session, self.suspects, self._reply_size)
        self.fetches = Fetches(
            worker, capsule, inbox, self.session, self.suspects, self._reply_size
        )
        self.pace, self.bell = self.fetches.pace, self.fetches.bell
        self.settler = Settler(
            handover, worker.dead_limits, worker.report, worker.notices, worker.riders
        )
        self._worker = worker
        self._capsule = capsule
        self._inbox = inbox
        self._handover = handover
        self._settling = 0  # how many of the commands settle
        self._readers: list[Reader] = []

    @property
    def open(self) -> bool:
        """Whether something was sent whose replies are not read yet."""
        return self.session.owner.phase is Phase.ASKING

    @property
    def short(self) -> bool:
        """Whether jobs end so fast that one thread does best."""
        return self.fetches.short

    @property
    def simple(self) -> bool:
        """Whether there is nothing to be done but verdicts and fetches of jobs that are short."""
        return (
            self.short
            and not self.quiet
            and not self._handover.leaving
            and (self.open or self.session.owner.phase is Phase.SURE)
            and not self.session.owner.fenced
            and not len(self.suspects)
        )

    def begin(self) -> None:
        """Send what there is to say, if anything."""
        self.fetches.forget_ready()
        now = steady()
        self.pace.finished(self.settler.load(now), now)
        commands = self.settler.commands()
        requests = self._requests(now)
        self._settling = len(commands)
        self._readers = [read for _, read in requests]
        commands += [command for command, _ in requests]
        if not commands:
            self.ended_at = now
            return
        self.session.owner.asks()
        self.sent_at = now
        self.link.send(commands)

    def get_ready(self) -> None:
        """Make the fetch that answers the bell, where nothing else is to be said before it rings."""
        self.fetches.forget_ready()
        if not self._busy:
            self.settler.commands()  # of none: what reads the replies goes by what was settled last
            self.fetches.get_ready(self.link)

    def answer_bell(self) -> bool:
        """Send the fetch that was made ready; False if that is not all that there is to say now."""
        now, ready = steady(), self.fetches.take_ready()
        if ready is None or self._busy or self._handover.outbox:
            return False
        self._settling, self._readers = 0, [ready.read]
        ready.owner.asks()
        self._reply_size.ask(now)
        self.sent_at = now
        self.link.send_prepared(ready.sent)
        self.pace.finished(0, now)
        return True

    @property
    def _busy(self) -> bool:
        """Whether anything but a fetch may be to be said."""
        return (
            not self.session.owner.sure
            or self.settler.owing
            or self.quiet
            or self._handover.closed
            or len(self._inbox) > 0
            or len(self.suspects) > 0
        )

    def end(self) -> None:
        """Wait for the replies to what was sent, and act on them."""
        replies = self.link.receive()
        now = self.ended_at = steady()
        self.pace.exchanged(now - self.sent_at)
        self.session.owner.answered()
        settled = self.settler.read(replies[: self._settling], now)
        self.session.owner.settled(settled)
        if self.settler.disowned:
            self.session.owner.doubts()  # declared dead, it seems: look, before more jobs start
        self.suspects.settled(settled)
        for read, reply in zip(self._readers, replies[self._settling :], strict=True):
            if isinstance(reply, StoreError):
                raise reply
            read(reply)

    def lost(self) -> None:
        """Forget the exchange under way, and close the connection unread: it may have happened or not."""
        self.link.close()
        self._reply_size.lost(steady())
        self.session.owner.doubts()
        self.rung()
        self.settler.uncertain()

    def leave(self) -> bool:
        """Give everything back, and be forgotten; False if it can't be done now."""
        if self.open:
            self.lost()
        self.bell.close()
        held = len(self.session.owner)
        try:
            given = self.session.leave(self.link)
        except StoreError as error:
            logger.error(
                "capsule %s could not give back its jobs (%d in flight): %s; another process will, "
                "within its lease of %g s and a quarter of a minute",
                self._capsule.name,
                held,
                error,
                self._worker.lease,
            )
            return False
        finally:
            self.link.close()
        if moved := sum(one.moved for one in given):
            logger.warning("%d unfinished jobs went back to their queues", moved)
        return all(one.complete for one in given)

    def wanted(self, now: float) -> int:
        """Return how many jobs to ask for now."""
        if self.quiet or self.session.owner.fenced or self._handover.closed:
            return 0
        waiting = len(self._inbox) + len(self.suspects)
        return self.pace.wanted(self._inbox.free, waiting, now)

    def rung(self) -> None:
        """Note that the bell was heard: there is a job, and our name is gone."""
        self.fetches.rung()

    def _requests(self, now: float) -> list[tuple[Command, Reader]]:
        """Return what else the next write holds: a hand-back; or marks of suspects, and a fetch."""
        back = self._overdue(now)
        if back:
            return [self._hand_back(back)]
        held_up = self.suspects.held_up()
        if held_up:
            self.pace.rest(len(held_up), now)
            return [self._hand_back(held_up, last=True)]
        requests: list[tuple[Command, Reader]] = []
        suspects = self.suspects.startable(self._inbox.free)
        if suspects:
            requests.append((flight.mark_command(suspects), self._marked))
        wanted = self.wanted(now)
        if wanted:
            requests.append(self.fetches.request(wanted, now))
            if now >= self.fetches.bands.look_at:
                requests.append(self.fetches.look())
        return requests

    def _marked(self, reply: int) -> None:
        if reply < self.suspects.marking:
            self.session.owner.doubts()  # some of them are not ours any more
            return
        suspects = self.suspects.marked()
        now = steady()
        for taken in reversed(suspects):
            taken.fetched_at = now  # its wait there is not the inbox's
            self._inbox.put_first(taken)
        self._inbox.wake(len(suspects))

    def _overdue(self, now: float) -> list[Taken]:
        """Take what must go back out of the inbox: whoever takes it out owns it. Newest first."""
        if self.quiet:
            return self.suspects.take_back()
        oldest = self._inbox.oldest_at()
        if oldest is None or now - oldest < HAND_BACK_AFTER:
            return [] if self._inbox.free else self.suspects.overdue(now - HAND_BACK_AFTER)
        self.pace.handed_back()
        return self._inbox.drain()

    def _hand_back(self, jobs: list[Taken], last: bool = False) -> tuple[Command, Reader]:
        owner = self.session.owner
        owner.handing_back(jobs)
        self.suspects.settled(jobs)
        back = self.reconciler.returning = [(taken, ToQueue(last)) for taken in jobs]

        def read(reply: Any) -> None:
            (reply,) = unloaded([reply])
            if not owner.hears(reply[0].decode()):
                return
            if reply[2]:
                problem = StoreError(reply[2].decode(errors="replace"))
                self._worker.report(problem, {"context": "hand-back"})
                owner.doubts()
                return
            owner.handed_back()
            self.fetches.handed_back(jobs)
            if reply[1] == len(jobs):  # else some were not ours any more
                self._worker.notices.tell(back)

        groups = flight.group_by_flight(jobs)
        command = flight.hand_back_command(owner.name, owner.epoch, groups, last)
        (command,), unloaded = self._worker.riders.in_flight([command], [back], recording=False)
        return command, read

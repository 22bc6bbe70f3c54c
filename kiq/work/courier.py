"""The courier: the one thread of a capsule that talks to Redis for it.

It sends verdicts and fetches jobs in one write, sleeps until the bell rings, hands back what waited
too long, and reconciles after every outcome that it did not see.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..clock import steady
from ..config import Capsule
from ..errors import StoreError, StoreUnavailable
from ..store import flight
from ..store.connection import Link
from ..store.flight import DeadLimits
from ..store.scripts import Command
from ..verdict import Taken
from .buffer import Buffer
from .desk import BATCH, Desk
from .ear import Ear, wait_for
from .fetcher import Fetcher
from .outage import Outage
from .settling import Settler
from .standing import Standing
from .suspects import SuspectLane
from .worker import Worker

_GATHER = 0.002  # seconds that a verdict may wait for company
_HAND_BACK_AFTER = 0.100  # seconds that a job may wait in the buffer
_NAP = 1.0  # seconds; the longest sleep when nothing is due
_NEVER = float("inf")

Reader = Callable[[Any], None]


class Courier:
    """Carries jobs and verdicts between Redis and the processors of one capsule.

    Threads: its own runs everything but :meth:`quiet`, :meth:`finish` (launcher) and
    :meth:`fence` (heartbeat), which only set flags and wake it.
    """

    def __init__(self, worker: Worker, capsule: Capsule, buffer: Buffer, desk: Desk) -> None:
        self.capsule = capsule
        self.progress_at = steady()  # when it last spoke to Redis; read by the watchdog
        self.left = False  # everything is given back, and the owner forgotten
        self.napping = False  # no fetch is under way; what a fetch brought is in the buffer
        name = f"kiq-courier-{capsule.name}"
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._report = worker.host.report
        self._buffer = buffer
        self._desk = desk
        self._link: Link = worker.connector.open()
        self._ear = Ear(worker.connector)
        self._lane = SuspectLane(worker.isolation)
        self._standing = Standing(worker, capsule, buffer, self._lane)
        self._fetcher = Fetcher(worker, capsule, self._standing)
        limits = DeadLimits(worker.config.dead_max_jobs, worker.config.dead_timeout)
        self._settler = Settler(desk, limits, worker.host.report)
        self._outage = Outage(f"capsule {capsule.name}")
        self._sent_at = 0.0
        self._quiet = False
        self._finish_by: float | None = None

    # What other threads call

    @property
    def owner(self) -> str:
        """The owner that this courier is at present."""
        return self._standing.ownership.owner

    @property
    def is_quiet(self) -> bool:
        """Whether it has been told to fetch no more."""
        return self._quiet

    @property
    def wants_jobs(self) -> bool:
        """Whether threads of this capsule wait for jobs (read by the watchdog)."""
        return not self._quiet and self._buffer.free > 0

    def quiet(self) -> None:
        """Fetch no more, and hand back what has not started."""
        self._quiet = True
        self._desk.wake()

    def finish(self, deadline: float) -> None:
        """Write what is owed, give the rest back, and end; at *deadline* (steady clock) at the latest."""
        self._finish_by = deadline
        self.quiet()

    def fence(self, owner: str) -> None:
        """Take note that somebody declared *owner* dead."""
        self._standing.fence(owner)
        self._desk.wake()

    # The loop

    def _run(self) -> None:
        while not self._finished():
            try:
                self._be_ready()
                self._round()
                self._outage.over()
                self.progress_at = steady()
            except StoreUnavailable as error:
                self._lost(error)
            except Exception as error:  # noqa: BLE001 (the courier must outlive whatever happens)
                self._report(error, {"context": f"courier of capsule {self.capsule.name}"})
                self._lost(error)
        self._ear.close()
        self.left = self._standing.leave(self._link)
        self._link.close()

    def _finished(self) -> bool:
        if self._finish_by is None:
            return False
        owing = self._settler.owing or self._desk.outbox or self._standing.uncertain
        return not owing or steady() >= self._finish_by

    def _be_ready(self) -> None:
        owner = self.owner
        try:
            self._standing.secure(self._link)
        finally:
            if self.owner != owner:
                self._ear.close()
                self._fetcher.rung()
        if not self._quiet:
            self._ear.listen(self.owner)
        elif self._ear.listening:
            self._ear.close()  # a bell that rings here now would be lost to somebody who could come
            flights = list(self._standing.ownership.flights.values())
            self._link.exchange(flight.unname_commands(self.owner, flights))

    def _lost(self, error: Exception) -> None:
        """Close the connection, unread: what was under way may or may not have happened."""
        self._link.close()
        self._standing.uncertain = True
        self._fetcher.rung()
        self._settler.uncertain()
        left = max(0.0, (self._finish_by or _NEVER) - steady())
        self._sleep(min(self._outage.failed(error), left), -1)

    def _round(self) -> None:
        """Sleep until there is something to say, and say it in one write."""
        self._nap()
        now = steady()
        self._fetcher.size.finished(self._settler.load(now), now)
        commands = self._settler.commands()
        settling = len(commands)
        requests = self._requests(now)
        commands += [command for command, _ in requests]
        if not commands:
            return
        self._standing.uncertain = True  # until the replies are read
        replies = self._link.exchange(commands)
        self._fetcher.size.exchanged(steady() - now)
        self._standing.uncertain = False
        self._sent_at = now
        settled = self._settler.read(replies[:settling], now)
        self._standing.ownership.settled(settled)
        self._lane.settled(settled)
        for (_, read), reply in zip(requests, replies[settling:], strict=True):
            if isinstance(reply, StoreError):
                raise reply
            read(reply)

    def _requests(self, now: float) -> list[tuple[Command, Reader]]:
        """Return what else the next write holds: a hand-back; or marks of suspects, and a fetch."""
        back = self._overdue(now)
        if back:
            return [self._hand_back(back)]
        held_up = self._lane.held_up()
        if held_up:
            self._fetcher.rest(len(held_up))
            return [self._hand_back(held_up, last=True)]
        requests: list[tuple[Command, Reader]] = []
        suspects = self._lane.startable(self._buffer.free)
        if suspects:
            requests.append((flight.mark_command(suspects), self._marked))
        wanted = self._wanted(now)
        if wanted:
            requests.append((self._fetcher.command(wanted), self._fetched))
        return requests

    def _wanted(self, now: float) -> int:
        if self._quiet or self._standing.fenced or self._desk.closed:
            return 0
        waiting = len(self._buffer) + len(self._lane)
        return self._fetcher.wanted(self._buffer.free, waiting, now)

    def _fetched(self, reply: Any) -> None:
        fetched = self._fetcher.read(reply)
        self._ear.missed(self._fetcher.unheard)
        if not fetched.jobs:
            return
        innocent = self._lane.sort(fetched.jobs)
        self._buffer.put(innocent)
        if not self._fetcher.size.jobs_are_short(self._buffer.free):
            self._buffer.wake(len(innocent))  # suspects would find nothing, and look busy meanwhile
        elif self._buffer.free >= self.capsule.concurrency:
            self._buffer.wake(1)

    def _marked(self, reply: int) -> None:
        if reply < self._lane.marking:
            self._standing.uncertain = True  # some of them are not ours any more
            return
        suspects = self._lane.marked()
        now = steady()
        for taken in reversed(suspects):
            taken.fetched_at = now  # its wait in the lane is not the buffer's
            self._buffer.put_first(taken)
        self._buffer.wake(len(suspects))

    # Handing back

    def _overdue(self, now: float) -> list[Taken]:
        """Take what must go back out of the buffer: whoever takes it out owns it. Newest first."""
        if self._quiet:
            return self._buffer.drain() + self._lane.drain()
        oldest = self._buffer.oldest_at()
        if oldest is None or now - oldest < _HAND_BACK_AFTER:
            return [] if self._buffer.free else self._lane.overdue(now - _HAND_BACK_AFTER)
        self._fetcher.size.handed_back()
        return self._buffer.drain()

    def _hand_back(self, jobs: list[Taken], last: bool = False) -> tuple[Command, Reader]:
        ownership = self._standing.ownership
        ownership.handing_back(jobs)
        self._lane.settled(jobs)

        def read(reply: Any) -> None:
            if not self._standing.still_ours(reply[0].decode()):
                return
            if reply[2]:
                problem = StoreError(reply[2].decode(errors="replace"))
                self._report(problem, {"context": "hand-back"})
                self._standing.uncertain = True
                return
            ownership.handed_back()

        groups = flight.group_by_flight(jobs)
        command = flight.hand_back_command(ownership.owner, ownership.epoch, groups, last)
        return command, read

    # Sleeping

    def _nap(self) -> None:
        """Sleep until verdicts, a hungry buffer, the bell or the clock call for the next write."""
        desk = self._desk
        seconds = self._seconds_to_nap(steady())
        if seconds > 0:
            # In this order: what comes after the second look wakes us.
            desk.patience = BATCH // 2 if desk.outbox else 1
            hungry = not self._fetcher.dry and not self._quiet
            desk.low_water = self._fetcher.size.target() // 2 if hungry else 0
            seconds = self._seconds_to_nap(steady())
        self._sleep(max(0.0, seconds), self._ear.fileno())
        keeping_up = desk.outbox and self._fetcher.size.jobs_are_short(self._buffer.free)
        if self._buffer.free and len(self._buffer) and not keeping_up:
            # What runs does not keep up: twice as many, and one more at least.
            self._buffer.wake(max(1, self.capsule.concurrency - self._buffer.free))

    def _seconds_to_nap(self, now: float) -> float:
        if self._standing.fenced or self._standing.uncertain or self._wanted(now):
            return 0.0
        waiting, finished = len(self._buffer), len(self._desk.outbox)
        if finished and (not waiting or finished >= BATCH // 2):
            return 0.0
        suspects = len(self._lane)
        if (suspects and self._buffer.free) or (self._quiet and (waiting or suspects)):
            return 0.0
        due = min(
            now + _NAP,
            self._sent_at + _GATHER if finished else _NEVER,
            self._fetcher.look_at if self._fetcher.dry and not self._quiet else _NEVER,
            self._settler.next_due(),
            self._finish_by if self._finish_by is not None else _NEVER,
        )
        if waiting:
            oldest = self._buffer.oldest_at()
            due = min(due, (oldest or now) + _HAND_BACK_AFTER)
            if self._buffer.free:
                due = min(due, now + _GATHER)
        # No thread says so when it becomes free: for suspects, look again.
        return min(due, now + _HAND_BACK_AFTER if suspects else _NEVER) - now

    def _sleep(self, seconds: float, ear: int) -> None:
        """Sleep, but wake for the desk, and for the bell."""
        self.napping = True
        ready = wait_for(seconds, self._desk.bell_end, ear)
        self.napping = False  # before the next look at what quiet() sets: see Manager.idle
        if self._desk.bell_end in ready:
            self._desk.woken()
        if ear in ready and self._ear.heard():
            self._fetcher.rung()

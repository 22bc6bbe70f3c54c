"""The courier: the one thread of a capsule that talks to Redis for it.

It sends verdicts and fetches jobs in one write, sleeps until the bell rings, hands back what waited
too long, and reconciles after every outcome that it did not see.
"""

from __future__ import annotations

import logging
import select
import threading
from collections.abc import Callable
from typing import Any

from ..clock import steady
from ..config import Capsule
from ..errors import StoreError, StoreUnavailable
from ..store import flight, owners
from ..store.connection import Link
from ..store.flight import DeadLimits, Wanted
from ..store.scripts import Command
from ..verdict import Flight, Taken
from .buffer import Buffer
from .crash_points import crash_point
from .desk import BATCH, Desk
from .ear import Ear
from .fetching import BatchSize, QueueOrder
from .outage import Outage
from .ownership import Ownership
from .settling import Settler
from .suspects import SuspectLane
from .worker import Worker

logger = logging.getLogger("kiq.courier")

_GATHER = 0.002  # seconds that a verdict may wait for company
_HAND_BACK_AFTER = 0.100  # seconds that a job may wait in the buffer
_IDLE_POLL = 0.100  # seconds between two looks at empty queues (a plain LPUSH rings no bell)
_IDLE_CALLS = 2_000  # a second, of the whole fleet
_NAP = 1.0  # seconds; the longest sleep when nothing is due
_RECHECK = 1.0  # seconds between two reconciliations that only a count asked for

Reader = Callable[[Any], None]


class Courier:
    """Carries jobs and verdicts between Redis and the processors of one capsule.

    Threads: its own runs everything but :meth:`quiet`, :meth:`finish` (launcher) and
    :meth:`fence` (heartbeat), which only set flags and wake it.
    """

    def __init__(self, worker: Worker, capsule: Capsule, buffer: Buffer, desk: Desk) -> None:
        self.capsule = capsule
        self.progress_at = steady()  # when it last spoke to Redis; read by the watchdog
        self.thread = threading.Thread(
            target=self._run, name=f"kiq-courier-{capsule.name}", daemon=True
        )
        self._worker = worker
        self._buffer = buffer
        self._desk = desk
        self._link: Link = worker.connector.open()
        self._ear = Ear(worker.connector)
        self._order = QueueOrder(capsule, worker.host.queue_filters)
        self._size = BatchSize(capsule.concurrency)
        self._lane = SuspectLane(worker.isolation)
        self._settler = Settler(
            desk,
            DeadLimits(worker.config.dead_max_jobs, worker.config.dead_timeout),
            worker.host.report,
        )
        self._outage = Outage(f"capsule {capsule.name}")
        self._ownership = self._new_ownership()
        self._registered = False
        self._uncertain = False  # an outcome is unknown: reconcile before anything else
        self._checked_at = 0.0
        self._dry = False  # the last fetch found nothing, in any queue
        self._named_idle = False  # our name stands in the idle sets
        self._look_at = 0.0
        self._sent_at = 0.0
        self._quiet = False
        self._fenced = False
        self._finish_by: float | None = None

    # What other threads call

    @property
    def owner(self) -> str:
        """The owner that this courier is at present."""
        return self._ownership.owner

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

    def fence(self) -> None:
        """Take note that somebody declared this owner dead."""
        self._fenced = True
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
                self._worker.host.report(error, {"context": f"courier of {self.capsule.name}"})
                self._lost(error)
        self._leave()

    def _finished(self) -> bool:
        if self._finish_by is None:
            return False
        done = not self._settler.owing and not self._desk.outbox and not self._uncertain
        return done or steady() >= self._finish_by

    def _be_ready(self) -> None:
        """Be connected, registered, certain of what is ours, and listening."""
        if self._fenced:
            self._become_another_owner()
        if not self._registered:
            self._register()
        elif self._uncertain:
            self._reconcile()
        if not self._quiet:
            self._ear.listen(self._ownership.owner)

    def _lost(self, error: Exception) -> None:
        """Close the connection, unread: what was under way may or may not have happened."""
        self._link.close()
        self._uncertain = True
        self._named_idle = False
        self._settler.uncertain()
        pause = self._outage.failed(error)
        if self._finish_by is not None:
            pause = min(pause, max(0.0, self._finish_by - steady()))
        _wait(self._desk, pause)

    def _round(self) -> None:
        """Sleep until there is something to say, and say it in one write."""
        self._nap()
        now = steady()
        self._size.finished(self._settler.load(now), now)
        commands: list[Command] = self._settler.commands()
        settling = len(commands)
        readers: list[Reader] = []
        for command, reader in self._requests(now):
            commands.append(command)
            readers.append(reader)
        if not commands:
            return
        self._uncertain = True
        crash_point("before-settle")
        replies = self._link.exchange(commands)
        crash_point("after-exchange")
        self._uncertain = False
        self._sent_at = now
        settled = self._settler.read(replies[:settling], now)
        self._ownership.settled(settled)
        self._lane.settled(settled)
        for reader, reply in zip(readers, replies[settling:], strict=True):
            if isinstance(reply, StoreError):
                raise reply
            reader(reply)

    def _requests(self, now: float) -> list[tuple[Command, Reader]]:
        """Return what else the next write holds: a hand-back, or a fetch; marks of suspects."""
        back = self._overdue(now)
        if back:
            return [self._hand_back(back)]
        held_up = self._lane.held_up()
        if held_up:
            return [self._hand_back(held_up, last=True)]
        requests: list[tuple[Command, Reader]] = []
        suspects = self._lane.startable(self._buffer.free) if len(self._lane) else []
        if suspects:
            requests.append(self._mark(suspects))
        wanted = self._wanted(now)
        if wanted:
            requests.append(self._fetch(wanted))
        return requests

    # Fetching

    def _wanted(self, now: float) -> int:
        if self._quiet or self._fenced or (self._dry and now < self._look_at) or self._desk.closed:
            return 0
        return self._size.wanted(self._buffer.free, len(self._buffer) + len(self._lane))

    def _fetch(self, count: int) -> tuple[Command, Reader]:
        names = self._order.window()
        flights = [self._ownership.flight(f"queue:{name}") for name in names]
        wanted = Wanted(
            count,
            flights,
            self._order.weights(names),
            self._order.passes(names),
            self._order.strict,
        )
        call = self._ownership.next_call()
        sent_at = steady()
        command = flight.fetch_command(
            self._ownership.owner, self._ownership.epoch, call, wanted, self._named_idle
        )

        def read(reply: Any) -> None:
            self._fetched(flight.read_fetch(reply, call, flights, sent_at), names, flights)

        return command, read

    def _fetched(self, fetched: flight.Fetched, names: list[str], flights: list[Flight]) -> None:
        if not self._still_ours(fetched.state):
            return
        crash_point("after-fetch")
        for source, problem in fetched.errors:
            self._worker.host.report(StoreError(f"{source}: {problem}"), {"context": "fetch"})
        jobs = fetched.jobs
        self._ownership.took(jobs)
        self._order.took(names, fetched.counts, fetched.empty)
        if jobs:
            self._dry = self._named_idle = False
            self._deliver(self._lane.sort(jobs))
        else:
            if self._named_idle:
                self._ear.missed(fetched.idle_names_added)
            self._named_idle = True
            self._dry = self._order.swept
            self._look_at = steady() + max(_IDLE_POLL, self._worker.fleet / _IDLE_CALLS)
        self._compare(flights, fetched.held)

    def _deliver(self, jobs: list[Taken]) -> None:
        self._buffer.put(jobs)
        # While jobs are short one thread does best (GIL): others are woken when that falls behind.
        short = self._size.rate > 5_000
        running = self.capsule.concurrency - self._buffer.free
        self._buffer.wake((1 if running <= 0 else 0) if short else len(jobs))

    def _compare(self, flights: list[Flight], held: list[int]) -> None:
        """Reconcile when Redis holds more or less for us than the ledger says."""
        now = steady()
        if now - self._checked_at < _RECHECK:
            return
        for one, count in zip(flights, held, strict=True):
            if count >= 0 and not self._ownership.agrees(one, count):
                self._checked_at = now
                logger.debug("%s holds %d jobs, the ledger disagrees: reconciling", one.key, count)
                self._uncertain = True
                return

    # Handing back

    def _overdue(self, now: float) -> list[Taken]:
        """Take what must go back out of the buffer: whoever takes it out owns it. Newest first."""
        if self._quiet:
            return self._buffer.drain() + self._lane.drain()
        oldest = self._buffer.oldest_at()
        if oldest is None or now - oldest < _HAND_BACK_AFTER or not self._desk_is_open():
            return []
        self._size.handed_back()
        return self._buffer.drain()

    def _desk_is_open(self) -> bool:
        return steady() <= self._ownership.permit.until

    def _hand_back(self, jobs: list[Taken], last: bool = False) -> tuple[Command, Reader]:
        self._ownership.handing_back(jobs)
        groups = flight.group_by_flight(jobs)
        crash_point("before-hand-back")

        def read(reply: Any) -> None:
            if not self._still_ours(reply[0].decode()):
                return
            if reply[2]:
                problem = reply[2].decode(errors="replace")
                self._worker.host.report(StoreError(problem), {"context": "hand-back"})
                self._uncertain = True
                return
            self._ownership.handed_back()

        command = flight.hand_back_command(
            self._ownership.owner, self._ownership.epoch, groups, last
        )
        return command, read

    def _mark(self, suspects: list[Taken]) -> tuple[Command, Reader]:
        def read(_reply: Any) -> None:
            for taken in reversed(self._lane.marked()):
                self._buffer.put_first(taken)
            self._buffer.wake(len(suspects))

        return flight.mark_command(suspects), read

    # Being an owner

    def _new_ownership(self) -> Ownership:
        return Ownership(
            self._worker.new_owner(self.capsule.name),
            [f"queue:{name}" for name in self.capsule.queue_names],
        )

    def _register(self) -> None:
        ownership = self._ownership
        sent_at = steady()
        owners.register(
            self._link,
            ownership.owner,
            self._worker.lease,
            list(ownership.flights),
            self._worker.facts,
        )
        ownership.epoch = 1
        ownership.permit.extend(self._worker.good_until(sent_at))
        self._registered = True
        self._uncertain = False
        self._worker.owners.add(ownership)

    def _still_ours(self, state: str) -> bool:
        if state == "fenced":
            self._fenced = True
        elif state == "stale":
            self._uncertain = True
        return state == "ok"

    def _become_another_owner(self) -> None:
        """Go on under a new name: what had not started is dropped, what runs may end."""
        old = self._ownership
        self._worker.owners.remove(old)
        known = old.fence()
        dropped = len(self._buffer.drain()) + len(self._lane.drain())
        self._ear.close()
        self._ownership = self._new_ownership()
        self._registered = self._fenced = self._uncertain = self._named_idle = self._dry = False
        logger.error(
            "this process was declared dead (it did not renew its lease of %g s): %d jobs that waited "
            "here were dropped and run elsewhere; up to %d that had started will run twice",
            self._worker.lease,
            dropped,
            known - dropped,
        )

    def _reconcile(self) -> None:
        """Learn what Redis holds for us; adopt what we don't know, drop what is not ours any more."""
        ownership = self._ownership
        unstarted = self._buffer.drain() + self._lane.drain()
        unstarted.reverse()
        try:
            contents = flight.contents(
                self._link, ownership.owner, ownership.epoch + 1, list(ownership.flights.values())
            )
        except BaseException:
            self._buffer.put(unstarted)
            raise
        if contents is None:
            self._buffer.put(unstarted)  # the fence drops them
            self._fenced = True
            return
        plan = ownership.reconcile(contents.epoch, contents.held, unstarted)
        dropped = set(plan.drop)
        mine = [taken for taken in unstarted if taken.delivery not in dropped]
        ready = self._lane.sort(mine)
        self._buffer.put(ready)
        for source, ids in plan.adopt.items():
            adopted = flight.read_jobs(self._link, source, ids, steady())
            ownership.took(adopted)
            ready = self._lane.sort(adopted)
            self._buffer.put(ready)
        self._uncertain = False
        self._buffer.wake(len(self._buffer))
        adopted_count = sum(len(ids) for ids in plan.adopt.values())
        if adopted_count or dropped:
            logger.info("reconciled: %d adopted, %d dropped", adopted_count, len(dropped))

    def _leave(self) -> None:
        """Give back whatever is still in flight for us, and be forgotten."""
        self._ear.close()
        self._worker.owners.remove(self._ownership)
        self._ownership.permit.fence()
        crash_point("before-leave")
        try:
            if self._registered:
                gone = owners.reclaim(self._link, self._ownership.owner, proven=True, crashed=False)
                if gone is not None and gone.moved:
                    logger.warning("%d unfinished jobs went back to their queues", gone.moved)
        except StoreError as error:
            logger.error(
                "capsule %s could not give back its jobs (%d in flight): %s; another process will, "
                "within its lease of %g s and a quarter of a minute",
                self.capsule.name,
                len(self._ownership),
                error,
                self._worker.lease,
            )
        finally:
            self._link.close()

    # Sleeping

    def _nap(self) -> None:
        """Sleep until verdicts, a hungry buffer, the bell or the clock call for the next write."""
        desk = self._desk
        seconds = self._seconds_to_nap(steady())
        if seconds > 0:
            # In this order: what comes after the second look wakes us.
            desk.patience = 1 if not desk.outbox else BATCH // 2
            desk.low_water = 0 if self._dry or self._quiet else self._size.target() // 2
            seconds = self._seconds_to_nap(steady())
        if seconds > 0 or self._ear.fileno() >= 0:
            self._watch(max(0.0, seconds))

    def _seconds_to_nap(self, now: float) -> float:
        desk, waiting = self._desk, len(self._buffer)
        if self._fenced or self._uncertain:
            return 0.0
        due = now + _NAP
        if desk.outbox:
            if not waiting or len(desk.outbox) >= BATCH // 2:
                return 0.0
            due = min(due, self._sent_at + _GATHER)
        if self._wanted(now):
            return 0.0
        if self._quiet:
            if waiting or len(self._lane):
                return 0.0
        elif self._dry:
            due = min(due, self._look_at)
        if len(self._lane) and self._buffer.free:
            return 0.0
        if waiting:
            oldest = self._buffer.oldest_at()
            due = min(due, (oldest or now) + _HAND_BACK_AFTER)
            if self._buffer.free:
                due = min(due, now + _GATHER)
        due = min(due, self._settler.next_due())
        if self._finish_by is not None:
            due = min(due, self._finish_by, now + 0.05)
        return due - now

    def _watch(self, seconds: float) -> None:
        ear = self._ear.fileno()
        poll = select.poll()
        poll.register(self._desk.bell_end, select.POLLIN)
        if ear >= 0:
            poll.register(ear, select.POLLIN)
        for ready, _ in poll.poll(seconds * 1000):
            if ready == self._desk.bell_end:
                self._desk.woken()
            elif self._ear.heard():
                self._dry = self._named_idle = False
        if self._buffer.free and len(self._buffer):
            self._buffer.wake(max(1, self.capsule.concurrency - self._buffer.free))


def _wait(desk: Desk, seconds: float) -> None:
    """Sleep, but wake for the desk's bell."""
    poll = select.poll()
    poll.register(desk.bell_end, select.POLLIN)
    if poll.poll(seconds * 1000):
        desk.woken()

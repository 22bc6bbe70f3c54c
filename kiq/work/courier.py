"""The courier: the one thread of a capsule that talks to Redis for it.

It sends verdicts and fetches jobs in one write, sleeps until the bell rings, hands back what waited
too long, and reconciles after every outcome that it did not see. While jobs are short it leaves the
lead to the processor that runs them.
"""

from __future__ import annotations

from ..clock import steady
from ..config import Capsule
from ..errors import StoreDenied, StoreUnavailable
from ..kept import Kept
from ..store import flight
from .bell import wait_for
from .exchange import HAND_BACK_AFTER, Exchange
from .handover import BATCH, Handover
from .inbox import Inbox
from .leading import LEAVE_TO_LEADER, Lead
from .outage import Outage
from .owner import Phase
from .worker import Worker

_GATHER = 0.002  # seconds that a verdict may wait for company
_GIVE_WAY = 0.001  # seconds
_NAP = 1.0  # seconds; the longest sleep when nothing is due
_NEVER = float("inf")


class Courier:
    """Carries jobs and verdicts between Redis and the processors of one capsule.

    Threads: its own runs everything but :meth:`quiet`, :meth:`finish` (launcher), :meth:`take_from`
    (services) and :meth:`look` (heartbeat), which only set what it is to do and wake it. It leads,
    but while it sleeps.
    """

    def __init__(self, worker: Worker, capsule: Capsule, inbox: Inbox, handover: Handover) -> None:
        self.capsule = capsule
        self.left = False  # everything is given back, and the owner forgotten
        name = f"kiq-courier-{capsule.name}"
        self.thread = Kept(self._run, name, among=worker.threads)
        self._report = worker.report
        self._inbox = inbox
        self._handover = handover
        self._exchange = Exchange(worker, capsule, inbox, handover)
        self.lead = Lead(self._exchange, inbox, handover, worker.report)
        self._outage = Outage(f"capsule {capsule.name}", trouble=worker.trouble)
        self._napping = False
        self._rung = False  # the bell has something to read
        self._answers = False  # the fetch that answers it is on its way
        self._called = False  # somebody called: not all can be left to who leads
        self._finish_by: float | None = None
        self._queues = self._taken_from = capsule.queue_names  # what others want, what it does

    # What other threads call

    @property
    def is_quiet(self) -> bool:
        """Whether it has been told to fetch no more."""
        return self._exchange.quiet

    @property
    def wants_jobs(self) -> bool:
        """Whether threads of this capsule wait for jobs (read by the watchdog)."""
        return not self._exchange.quiet and self._inbox.free > 0

    @property
    def progress_at(self) -> float:
        """When it last had nothing to ask of Redis, or an answer (read by the watchdog)."""
        return self._exchange.ended_at

    @property
    def load(self) -> tuple[int, int, int]:
        """How many jobs are in flight, of these not started, and verdicts not confirmed."""
        owed = self._handover.owed + len(self._handover.outbox)
        return len(self._exchange.session.owner), len(self._inbox), owed

    @property
    def napping(self) -> bool:
        """Whether no fetch is under way; what a fetch brought is in the inbox then."""
        # In this order: who gets the lead after the second look finds what quiet() has set.
        return self._napping and not self.lead.lock.locked() and not self._exchange.open

    def quiet(self) -> None:
        """Fetch no more, and hand back what has not started."""
        self._exchange.quiet = True
        self._handover.wake()

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues that it takes from, or is about to."""
        return self._queues

    def take_from(self, queues: tuple[str, ...]) -> None:
        """Take from *queues* instead, in that order, from the next fetch on."""
        self._queues = queues
        self._handover.wake()

    @property
    def threads(self) -> int:
        """How many threads it serves."""
        return self._handover.threads

    @threads.setter
    def threads(self, count: int) -> None:
        self._handover.threads = self._exchange.pace.threads = count

    @property
    def taken(self) -> dict[str, int]:
        """How many jobs of each queue it has taken until now, and not handed back."""
        return dict.fromkeys(self._queues, 0) | self._exchange.fetches.taken

    def finish(self, deadline: float) -> None:
        """Write what is owed, give the rest back, and end; at *deadline* (steady clock) at the latest."""
        self._finish_by = deadline
        self.quiet()

    def look(self) -> None:
        """Look what there is to do: somebody declared its owner dead, for example."""
        self._handover.wake()

    # The loop

    def _run(self) -> None:
        with self.lead.lock:
            while not self._finished():
                self.thread.turns += 1
                try:
                    self._go_round()
                    self._outage.over()
                except BaseException as error:  # noqa: BLE001 (sys.exit in a queue filter, too)
                    self._lost(error)
            self.left = self._exchange.leave()

    def _finished(self) -> bool:
        if self._finish_by is None:
            return False
        exchange = self._exchange
        owing = exchange.settler.owing or self._handover.outbox or exchange.session.owing
        return not owing or steady() >= self._finish_by

    def _go_round(self) -> None:
        """Sleep until there is something to say, say it in one write, and read the replies."""
        exchange = self._exchange
        if not self._is_led():
            if exchange.open:
                exchange.end()  # who began it is busy with a longer job
            self._be_ready()
        self._nap()
        if not self._answers:
            # Who led may have begun an exchange meanwhile, or have found a reason to look first.
            if exchange.session.owner.phase is not Phase.SURE or self._is_led():
                self._read_bell()
                return
            exchange.begin()
        rung = self._rung
        self._read_bell()  # only now: a job that waits in Redis shall not wait for this
        if exchange.open:
            exchange.end()
        if rung:
            exchange.pace.look_at = 0.0  # what rang after the fetch has been read as well
        if self._answers:
            # Whoever was woken for the job gets the interpreter before the rest is put in order.
            wait_for(_GIVE_WAY, self._handover.bell_end, exchange.bell.fileno())

    def _read_bell(self) -> None:
        if self._rung:
            self._rung = False
            self._exchange.bell.heard()

    def _is_led(self) -> bool:
        return not self._called and self.lead.taken()

    def _be_ready(self) -> None:
        exchange, owner = self._exchange, self._exchange.session.owner
        try:
            exchange.reconciler.secure(exchange.link)
        finally:
            if exchange.session.owner is not owner:
                owner = exchange.session.owner
                exchange.bell.close()
                exchange.rung()
        queues = self._queues
        if queues is not self._taken_from:
            exchange.session.widen(exchange.link, (f"queue:{name}" for name in queues))
            exchange.fetches.take_from(queues)
            self._taken_from = queues
        if not exchange.quiet:
            exchange.bell.listen(owner.name)
        elif exchange.bell.listening:
            exchange.bell.close()  # a bell that rings here now would be lost to somebody who could come
            flights = list(owner.flights.values())
            exchange.link.exchange(flight.unname_commands(owner.name, flights))

    def _lost(self, error: BaseException) -> None:
        """Close the connection, unread: what was under way may or may not have happened."""
        self._exchange.lost()
        # Said once, not with each attempt for as long as it lasts.
        if not isinstance(error, StoreUnavailable | StoreDenied) and not self._outage.lasting:
            self._report(error, {"context": f"courier of capsule {self.capsule.name}"})
        left = max(0.0, (self._finish_by or _NEVER) - steady())
        self._sleep(min(self._outage.failed(error), left), -1)

    # Sleeping

    def _nap(self) -> None:
        """Sleep until verdicts, a hungry inbox, the bell or the clock call for the next write."""
        exchange, handover, inbox = self._exchange, self._handover, self._inbox
        if self._is_led():
            self._sleep(LEAVE_TO_LEADER, exchange.bell.fileno())
            return
        seconds = self._seconds_to_nap(steady())
        if seconds > 0:
            # In this order: what comes after the second look wakes us.
            handover.patience = BATCH // 2 if handover.outbox else 1
            hungry = not exchange.pace.dry and not exchange.quiet
            handover.low_water = exchange.pace.low_water() if hungry else 0
            seconds = self._seconds_to_nap(steady())
            if exchange.pace.dry:
                exchange.get_ready()
        self._sleep(max(0.0, seconds), exchange.bell.fileno())
        keeping_up = handover.outbox and exchange.short
        if inbox.free and len(inbox) and not keeping_up:
            # What runs does not keep up: twice as many, and one more at least.
            inbox.wake(max(1, handover.threads - inbox.free))

    def _seconds_to_nap(self, now: float) -> float:
        exchange = self._exchange
        if not exchange.session.owner.sure or exchange.wanted(now):
            return 0.0
        waiting, finished = len(self._inbox), len(self._handover.outbox)
        if finished and (not waiting or finished >= BATCH // 2):
            return 0.0
        suspects = len(exchange.suspects)
        if (suspects and self._inbox.free) or (exchange.quiet and (waiting or suspects)):
            return 0.0
        due = min(
            now + _NAP,
            exchange.sent_at + _GATHER if finished else _NEVER,
            exchange.pace.look_at if exchange.pace.dry and not exchange.quiet else _NEVER,
            exchange.settler.next_due(),
            self._finish_by if self._finish_by is not None else _NEVER,
        )
        if waiting:
            oldest = self._inbox.oldest_at()
            due = min(due, (oldest or now) + HAND_BACK_AFTER)
            if self._inbox.free:
                due = min(due, now + _GATHER)
        # No thread says so when it becomes free: for suspects, look again.
        return min(due, now + HAND_BACK_AFTER if suspects else _NEVER) - now

    def _sleep(self, seconds: float, bell: int) -> None:
        """Sleep without the lead, but wake for the handover, and for the bell."""
        self._answers = False
        self._napping = True
        self.lead.lock.release()
        try:
            ready = wait_for(seconds, self._handover.bell_end, bell)
        finally:
            self.lead.lock.acquire()
            self._napping = False  # before the next look at what quiet() sets: see Manager.idle
        self._called = self._handover.bell_end in ready
        if self._called:
            self._handover.woken()
        if bell in ready:
            # First of all: somebody waits for the job.
            self._answers = not self._called and self._exchange.answer_bell()
            self._rung = True
            self._exchange.rung()

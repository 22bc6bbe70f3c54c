"""What each fault of the schedule does to a fleet and its Redis."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import redis

from kiq.clock import wall
from kiq.errors import BulkPushError, StoreError
from tests.chaos.arena import Arena
from tests.chaos.clocks import SettableClock
from tests.chaos.fleet import LEASE, Fleet
from tests.chaos.forking import FORKS
from tests.chaos.schedule import Fault
from tests.helpers.proxy import MOMENTS
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

#: Seconds: longer than a lease and six looks, by which a death is known.
_LONG = 2.2 * LEASE
_TRIES = 5
_HANG_UP = {
    kind: ("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes") for kind in ("normal", "pubsub")
}
#: What a child pushes is nobody's: the account would not know it.
_FORKS = [how for how in (*FORKS, "pool") if how != "pushes"]


class Faults:
    """Brings faults about. :meth:`bring` returns when a fault is over, or (a frozen worker, a black
    hole) goes on in the background, beside the next; :meth:`end` waits for those.
    """

    def __init__(self, arena: Arena, fleet: Fleet, clock: SettableClock | None = None) -> None:
        self._arena = arena
        self._fleet = fleet
        self._clock = clock  # Redis's; None: it can't be set here, and so is not
        self._latest = 0.0  # how far ahead it has been
        self.redis_kills: list[float] = []  # when, epoch seconds
        self._behind: list[threading.Thread] = []
        self._redis = threading.Lock()

    def bring(self, fault: Fault) -> None:
        """Let *fault* happen."""
        getattr(self, f"_{fault.name}")(fault)

    def end(self) -> None:
        """Wait until every fault is over, and let all be due that was made so by a clock ahead."""
        for thread in self._behind:
            thread.join(60)
        if self._clock is not None and self._clock.ahead < self._latest:
            self._clock.step(self._latest - self._clock.ahead)

    # Workers

    def _kill(self, fault: Fault) -> None:
        berth = self._fleet.pick(fault.victim)
        if fault.strength > 0.1:  # the others die at any moment of their start
            berth.await_ready()
        self._arena.crash(berth.worker)
        berth.renew()

    def _kill_all(self, fault: Fault) -> None:
        for berth in self._fleet.berths:
            if berth.worker.running:
                self._arena.crash(berth.worker)
        self._fleet.renew()

    def _stop(self, fault: Fault) -> None:
        self._leave(fault, 1)

    def _stop_hard(self, fault: Fault) -> None:
        self._leave(fault, 2)

    def _leave(self, fault: Fault, signals: int) -> None:
        berth = self._fleet.pick(fault.victim)
        worker = berth.worker
        self._arena.may_repeat(worker, "was stopped, and gave back what had not ended in time")
        for _ in range(signals):
            if worker.running:
                worker.signal(signal.SIGTERM)
        worker.wait(30)
        berth.renew()

    def _freeze(self, fault: Fault) -> None:
        self._still(fault, LEASE * (1.5 + fault.strength))

    def _nap(self, fault: Fault) -> None:
        self._still(fault, 1.5 * fault.strength)

    def _still(self, fault: Fault, seconds: float) -> None:
        worker = self._fleet.pick(fault.victim).worker
        worker.stop_where_it_is()
        self._later(seconds, lambda: _go_on(worker))

    # Redis

    def _redis_kill(self, fault: Fault) -> None:
        with self._redis:
            self.redis_kills.append(wall())
            self._arena.server.kill()
            _last(2 * fault.strength)
            self._arena.server.restart()

    def _redis_freeze(self, fault: Fault) -> None:
        with self._redis:
            self._arena.server.pause()
            _last(2 * fault.strength)
            self._arena.server.resume()

    def _redis_full(self, fault: Fault) -> None:
        with self._redis:
            self._tell("CONFIG", "SET", "maxmemory", 1)
            _last(fault.strength)
            self._tell("CONFIG", "SET", "maxmemory", 0)

    def _forget_scripts(self, fault: Fault) -> None:
        self._tell("SCRIPT", "FLUSH")

    def _hang_up(self, fault: Fault) -> None:
        self._tell(*_HANG_UP["pubsub" if fault.strength < 0.3 else "normal"])

    def _pause(self, fault: Fault) -> None:
        self._tell("CLIENT", "PAUSE", int(800 * fault.strength) + 1, "ALL")

    def _hang_up_often(self, fault: Fault) -> None:
        every = 0.1 + 2 * fault.strength  # seconds
        for number in range(1, int(_LONG / every) + 1):
            self._later(number * every, lambda: self._alone(*_HANG_UP["normal"]))

    def _close_idle(self, fault: Fault) -> None:
        self._tell("CONFIG", "SET", "timeout", 1)
        self._later(_LONG, lambda: self._alone("CONFIG", "SET", "timeout", 0))

    def _narrow(self, fault: Fault) -> None:
        self._tell("CONFIG", "SET", "client-output-buffer-limit", "normal 65536 0 0")
        self._try_to_push_many(200, "Holds", "x" * 8_000)
        wide = ("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
        self._later(2 + 4 * fault.strength, lambda: self._alone(*wide))

    def _clock_forward(self, fault: Fault) -> None:
        self._step(60 if fault.strength < 0.5 else 3600)

    def _clock_back(self, fault: Fault) -> None:
        # A pause ends by that clock as well, and begins by the server's last look at it.
        self._tell("CLIENT", "UNPAUSE")
        self._step(-3600)
        _last(0.3)

    def _step(self, seconds: float) -> None:
        if self._clock is not None:
            self._clock.step(seconds)
            self._latest = max(self._latest, self._clock.ahead)

    def _alone(self, *words: str | int) -> None:
        """Tell Redis something while nobody kills or freezes it."""
        with self._redis:
            self._tell(*words)

    def _tell(self, *words: str | int) -> None:
        """Tell Redis something, by a new connection where another fault has closed ours."""
        for _ in range(_TRIES):
            try:
                self._arena.store.execute_command(*words)
                return
            except redis.ConnectionError as error:
                failed = error
        raise failed

    # What workers log, what listens to them, what their jobs do

    def _log_raises(self, fault: Fault) -> None:
        self._break("log-raises", fault)

    def _log_hangs(self, fault: Fault) -> None:
        self._break("log-hangs", fault)

    def _handler_raises(self, fault: Fault) -> None:
        self._break("handler-raises", fault)

    def _handler_hangs(self, fault: Fault) -> None:
        self._break("handler-hangs", fault)

    def _break(self, what: str, fault: Fault) -> None:
        file = self._arena.folder / what
        file.touch()
        self._later(_LONG * fault.strength, lambda: file.unlink(missing_ok=True))

    def _forks(self, fault: Fault) -> None:
        how = _FORKS[int(fault.strength * len(_FORKS))]
        self._try_to_push_many(5, "Forks", how, 20)

    def _no_threads(self, fault: Fault) -> None:
        self._try_to_push_many(1, "Wrecks", "leaves no room for threads")

    def _hold(self, fault: Fault) -> None:
        how = "holds the interpreter" + (" for long" if fault.strength > 0.7 else "")
        self._try_to_push_many(1, "Wrecks", how)

    def _try_to_push_many(self, count: int, job: str, *arguments: object) -> None:
        try:
            self._arena.push_many(count, job, *arguments)
        except (StoreError, BulkPushError):
            pass  # another fault is in the way: what was tried is not acknowledged

    # The network

    def _cut(self, fault: Fault) -> None:
        proxy = self._fleet.pick(fault.victim).proxy
        before = proxy.cuts
        proxy.cut_next(MOMENTS[int(fault.strength * len(MOMENTS))])
        # A worker that starts, or waits for Redis, may have nothing to say for a while.
        eventually(lambda: proxy.cuts > before, 20, message="the connection is cut")

    def _cut_all(self, fault: Fault) -> None:
        self._fleet.pick(fault.victim).proxy.cut_all()

    def _black_hole(self, fault: Fault) -> None:
        proxy = self._fleet.pick(fault.victim).proxy
        proxy.swallow(True)
        self._later(6 * fault.strength, lambda: proxy.swallow(False))

    def _later(self, seconds: float, then: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, then)
        self._behind.append(timer)
        timer.start()


def _last(seconds: float) -> None:
    """Let a fault last for *seconds*."""
    end = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= end, seconds + 5, interval=0.01)


def _go_on(worker: WorkerProcess) -> None:
    if worker.running:
        worker.signal(signal.SIGCONT)

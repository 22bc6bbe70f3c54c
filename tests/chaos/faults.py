"""What each fault of the schedule does to a fleet and its Redis."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

from kiq.clock import wall
from tests.chaos.arena import Arena
from tests.chaos.fleet import LEASE, Fleet
from tests.chaos.schedule import Fault
from tests.helpers.proxy import MOMENTS
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess


class Faults:
    """Brings faults about. :meth:`bring` returns when a fault is over, or (a frozen worker, a black
    hole) goes on in the background, beside the next; :meth:`end` waits for those.
    """

    def __init__(self, arena: Arena, fleet: Fleet) -> None:
        self._arena = arena
        self._fleet = fleet
        self.redis_kills: list[float] = []  # when, epoch seconds
        self._behind: list[threading.Thread] = []
        self._redis = threading.Lock()

    def bring(self, fault: Fault) -> None:
        """Let *fault* happen."""
        getattr(self, f"_{fault.name}")(fault)

    def end(self) -> None:
        """Wait until every fault is over."""
        for thread in self._behind:
            thread.join(60)

    # Workers

    def _kill(self, fault: Fault) -> None:
        berth = self._fleet.pick(fault.victim)
        if fault.strength > 0.1:  # the others die at any moment of their start
            berth.worker.wait_until_ready(40)
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
            self._arena.store.config_set("maxmemory", 1)
            _last(fault.strength)
            self._arena.store.config_set("maxmemory", 0)

    def _forget_scripts(self, fault: Fault) -> None:
        self._arena.store.script_flush()

    def _hang_up(self, fault: Fault) -> None:
        kind = "pubsub" if fault.strength < 0.3 else "normal"
        self._arena.store.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def _pause(self, fault: Fault) -> None:
        milliseconds = int(800 * fault.strength) + 1
        self._arena.store.execute_command("CLIENT", "PAUSE", milliseconds, "ALL")

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

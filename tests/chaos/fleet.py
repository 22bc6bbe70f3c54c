"""Workers that are replaced when they end, each behind a proxy of its own."""

from __future__ import annotations

from tests.chaos.arena import Arena
from tests.chaos.breakable import BREAKABLE
from tests.helpers.proxy import FaultProxy
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import READY, WorkerProcess

#: Seconds; short, so that owners lapse within a test.
LEASE = 5


class Berth:
    """A place in the fleet: a proxy, and whichever worker runs behind it now."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self.proxy = FaultProxy(arena.server.port)
        self.proxy.__enter__()
        self.worker = self._start(wait=False)

    def renew(self) -> None:
        """Let a new worker take the place of one that has ended."""
        if not self.worker.running:
            self.worker = self._start(wait=False)

    def await_ready(self) -> None:
        """Wait until its worker is ready, or whoever takes its place when a fault ends it at its start."""

        def is_ready() -> bool:
            self.renew()
            return READY in self.worker.log

        eventually(is_ready, 40, message="a worker is ready")

    def close(self) -> None:
        """End the worker, and the proxy."""
        self.worker.end()
        self.proxy.__exit__()

    def _start(self, *, wait: bool) -> WorkerProcess:
        return self._arena.start(
            url=self.proxy.url,
            wait=wait,
            lease=LEASE,
            max_retries=5,
            shutdown_timeout=1,
            plugins=BREAKABLE,
        )


class Fleet:
    """Some workers of one arena. Use as a context manager."""

    def __init__(self, arena: Arena, workers: int) -> None:
        self.berths = [Berth(arena) for _ in range(workers)]

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        for berth in self.berths:
            berth.close()

    def pick(self, number: float) -> Berth:
        """Return the berth that *number* (from 0 to 1) falls on, with a worker in it."""
        berth = self.berths[int(number * len(self.berths))]
        berth.renew()
        return berth

    def renew(self) -> None:
        """Fill every berth whose worker has ended."""
        for berth in self.berths:
            berth.renew()

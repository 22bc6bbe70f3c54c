"""The report of one worker: written every two seconds, and at its end, for whoever answers for it."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from ...api import connection
from ...clock import steady
from ...health.reports import Outlet, Sums, add
from ...plugins.metrics.tally import OTHERS, Measured, Tally
from ...process import WorkerProcess
from ...registry import Registry
from .depths import Depths

MOST = 400  # classes of their own; a label for each is a series for each
_EACH = 2.0  # seconds between two reports
_FLEET = 5.0  # seconds between two looks at the queues of all
#: Of a class: succeeded, failed, died, seconds of runs, waits, seconds of waits; then the two histograms.
CLASS = "class "
FEATURES = 6
BUCKETS = 14


class Writer:
    """Threads: its loop writes, its duty's reads the fleet, handlers' write at the end."""

    def __init__(
        self,
        process: WorkerProcess,
        outlet: Outlet,
        tally: Tally,
        died: Counter[str],
        *,
        alone: bool,
    ) -> None:
        self._process, self._outlet, self._tally, self._died = process, outlet, tally, died
        self._alone = alone
        self._lock = threading.Lock()
        self._threads = sum(capsule.concurrency for capsule in process.config.capsules)
        self._depths = Depths(connection(process.config.redis))
        self._fleet: dict[str, Any] | None = None
        self._failures = 0
        self._loop = process.loop("prometheus", self._tick, lost=_nothing, leave=_nothing)
        self._duty = process.duty(
            "prometheus-fleet", self._look, lost=self._forget, leave=self._forget
        )

    def start(self) -> None:
        """Begin."""
        self._loop.start()
        self._duty.start()

    def stop(self) -> None:
        """Leave the fleet to others; go on with reports: jobs may still run."""
        self._duty.stop()

    def exit(self) -> None:
        """Write the last report."""
        self._loop.stop()
        self._tick()

    def _tick(self) -> float:
        with self._lock:
            numbers = self._process.numbers()
            now = {
                "threads": self._threads,
                "busy": numbers.busy,
                "in_flight": numbers.in_flight,
                "buffered": numbers.buffered,
                "unsettled": numbers.unsettled,
                "round_trip": numbers.round_trip,
            }
            sums: Sums = {"reclaimed": [numbers.reclaimed], "unread": [self._failures]}
            add(sums, self._classes())
            self._outlet.put(sums, now, self._fleet)
        return _EACH

    def _classes(self) -> Sums:
        measured = self._tally.totals()
        if self._alone:
            self._tally.take()  # nobody else does
        names = known(self._process.registry)
        found: Sums = {}
        for name, one in measured.items():
            add(found, {CLASS + names.get(name, OTHERS): row(one, self._died.get(name, 0))})
        for name, died in self._died.copy().items():
            if name not in measured:
                add(found, {CLASS + names.get(name, OTHERS): row(Measured(), died)})
        return found

    def _look(self) -> float:
        try:
            self._fleet = {"at": steady(), **self._depths.read()}
        except BaseException:
            self._failures += 1
            self._forget()
            raise
        return _FLEET

    def _forget(self) -> None:
        self._fleet = None  # what is not known is not told: a nought would look well


def known(registry: Registry) -> dict[str, str]:
    """Return the names that have a series of their own, by all their spellings."""
    specs = sorted(registry.all(), key=lambda spec: spec.name)[:MOST]
    return {name: spec.name for spec in specs for name in (spec.name, *spec.aliases)}


def row(measured: Measured, died: int) -> list[float]:
    """Return *measured* as a row of sums; each two buckets become one."""
    return [
        *(measured.succeeded, measured.failed, died),
        *(round(measured.ran, 6), measured.waits, round(measured.waited, 6)),
        *_halved(measured.run_times),
        *_halved(measured.wait_times),
    ]


def _halved(counts: list[int]) -> list[int]:
    inner = [counts[at] + counts[at + 1] for at in range(1, len(counts) - 2, 2)]
    return [counts[0], *inner, counts[-1]]


def _nothing() -> None:
    return None

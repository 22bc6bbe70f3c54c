"""The watchdog: one thread of a process that sleeps until the next deadline."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from queue import Empty, SimpleQueue
from typing import Any

from ...clock import steady
from ...kept import Kept

#: Called when its time has come; returns when to be called again (steady clock), or None.
Alarm = Callable[[], float | None]


class Watchdog:
    """Calls alarms when they are due.

    Threads: any may watch and forget. Both take no lock: an exception that is raised in a job's
    thread meanwhile must leave nothing locked. What is watched at one time is what runs, so a look at
    all of it is cheap; jobs that end before their time cost no wake-up.
    """

    def __init__(self, report: Callable[[BaseException, dict[str, Any]], None]) -> None:
        self._report = report
        self._due: dict[Hashable, tuple[float, Alarm]] = {}
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._asleep_until = math.inf
        self._stopping = False
        self._thread = Kept(self._run, "kiq-watchdog")

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread.thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """End; alarms that are due later are not called."""
        self._stopping = True
        self._bell.put(None)
        self._thread.join(1.0)

    def watch(self, key: Hashable, deadline: float, alarm: Alarm) -> None:
        """Call *alarm* at *deadline* (steady clock), unless *key* is forgotten before."""
        self._due[key] = (deadline, alarm)
        if deadline < self._asleep_until:
            self._bell.put(None)

    def forget(self, key: Hashable) -> None:
        """Don't call the alarm of *key*; it may be under way."""
        self._due.pop(key, None)

    def __len__(self) -> int:
        return len(self._due)

    def _run(self) -> None:
        while not self._stopping:
            self._asleep_until = math.inf  # who comes from now on rings
            nearest = self._call_what_is_due()
            self._asleep_until = nearest
            self._sleep(nearest)

    def _call_what_is_due(self) -> float:
        """Call each alarm that is due; return when the next one is."""
        nearest = math.inf
        for key, (deadline, alarm) in self._due.copy().items():
            again: float | None = deadline
            if deadline <= steady():
                again = self._called(alarm)
                if again is None:
                    self._due.pop(key, None)
                elif key in self._due:
                    self._due[key] = (again, alarm)
            nearest = min(nearest, again if again is not None else math.inf)
        return nearest

    def _called(self, alarm: Alarm) -> float | None:
        try:
            return alarm()
        except Exception as error:  # noqa: BLE001 (the others must be called all the same)
            self._report(error, {"context": "watchdog"})
            return None

    def _sleep(self, until: float) -> None:
        seconds = None if until == math.inf else min(max(0.0, until - steady()), 86_400.0)
        try:
            self._bell.get(timeout=seconds)
            while True:
                self._bell.get_nowait()
        except Empty:
            return

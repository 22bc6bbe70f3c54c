"""Suspects: jobs that were in flight at a crash, and are started with care."""

from __future__ import annotations

import threading

from ..clock import steady
from ..verdict import Taken
from .executor import CONVICTED
from .inbox import Inbox

#: From this level on a suspect was running at two crashes: it runs alone.
ISOLATED = 2


class Isolation:
    """The one place of a process where an isolated job may run.

    Threads: the couriers of all capsules; the lock joins them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held_by: Taken | None = None

    def enter(self, taken: Taken) -> bool:
        """Take the place for *taken*; False while another job has it."""
        with self._lock:
            # A holder whose owner was fenced may have been dropped unseen, and would keep it for ever.
            if self._held_by is None or self._held_by.flight.permit.fenced:
                self._held_by = taken
            return self._held_by is taken

    def leave(self, taken: Taken) -> None:
        """Free the place if *taken* has it."""
        with self._lock:
            if self._held_by is taken:
                self._held_by = None


class Suspects:
    """The door to an inbox: lets jobs in, but for suspects, which wait here.

    Each is marked in Redis just before it starts, so that a crash convicts what ran, not what waited
    beside it. Threads: who leads.
    """

    def __init__(self, isolation: Isolation, inbox: Inbox) -> None:
        self._isolation = isolation
        self._inbox = inbox
        self._waiting: list[Taken] = []
        self._marking: list[Taken] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def admit(self, jobs: list[Taken]) -> int:
        """Let *jobs* in, and the convicted too (they won't run); return how many it were."""
        if any(taken.suspicion for taken in jobs):
            self._waiting += [t for t in jobs if 0 < t.suspicion < CONVICTED]
            jobs = [t for t in jobs if not 0 < t.suspicion < CONVICTED]
        self._inbox.put(jobs)
        return len(jobs)

    def wake(self) -> None:
        """Wake as many threads as jobs were let in."""
        self._inbox.wake(len(self._inbox))

    def startable(self, free: int) -> list[Taken]:
        """Return those that may be marked and started now, on *free* threads.

        They stay here until :meth:`marked` says that the marks are written.
        """
        chosen: list[Taken] = []
        for taken in list(self._waiting):
            if len(chosen) >= free:
                break
            if taken.suspicion < ISOLATED or self._isolation.enter(taken):
                chosen.append(taken)
                self._waiting.remove(taken)
        self._marking = chosen
        return chosen

    @property
    def marking(self) -> int:
        """How many wait for their marks to be written."""
        return len(self._marking)

    def marked(self) -> list[Taken]:
        """Take out those whose marks are written: they may start."""
        jobs, self._marking = self._marking, []
        for taken in jobs:
            taken.fetched_at = steady()  # its wait in the inbox begins now
        return jobs

    def held_up(self) -> list[Taken]:
        """Take out those that must wait for another to leave isolation: they go behind their queue."""
        held = [
            t for t in self._waiting if t.suspicion >= ISOLATED and not self._isolation.enter(t)
        ]
        self._waiting = [taken for taken in self._waiting if taken not in held]
        return held

    def overdue(self, before: float) -> list[Taken]:
        """Take out those that were fetched *before* then, newest first: no thread got free for them."""
        late = [taken for taken in self._waiting if taken.fetched_at < before]
        self._waiting = [taken for taken in self._waiting if taken.fetched_at >= before]
        return late[::-1]

    def take_back(self) -> list[Taken]:
        """Take out all that did not start, in the inbox as well: newest first."""
        return [*self._inbox.drain(), *self._drain()]

    def _drain(self) -> list[Taken]:
        jobs = [*self._marking, *self._waiting][::-1]
        self._marking, self._waiting = [], []
        for taken in jobs:
            self._isolation.leave(taken)
        return jobs

    def settled(self, jobs: list[Taken]) -> None:
        """Free the isolation that any of *jobs* had: they ended, went back, or were dropped."""
        for taken in jobs:
            if taken.suspicion >= ISOLATED:
                self._isolation.leave(taken)

"""The inbox: taken jobs on their way to a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue

from ..verdict import Taken

Seat = SimpleQueue[None]


class Inbox:
    """Taken jobs that have not started, and the threads that wait for one.

    Whoever takes a job out owns it. Each thread waits at a seat of its own, so that a wake-up reaches
    the thread that it is meant for. Threads: the courier puts, and takes back; processors take.
    Deques and SimpleQueue do their own locking in C: a job costs no Python-level lock (a
    ``queue.Queue`` cost 3 µs a job in the trial).
    """

    def __init__(self) -> None:
        #: What waits; only for looking at its length: a Python call of ``len`` costs 0.05 µs more.
        self.jobs: deque[Taken] = deque()
        #: Takes the next job, or raises IndexError: the hot path's way in, without a Python call.
        self.next_job: Callable[[], Taken] = self.jobs.popleft
        self._seats: list[Seat] = []
        self._idle: set[Seat] = set()
        self._dismissed: set[Seat] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self.jobs)

    def seat(self) -> Seat:
        """Return a seat for one thread; called before that thread starts."""
        seat: Seat = SimpleQueue()
        self._seats.append(seat)
        return seat

    @property
    def free(self) -> int:
        """How many threads wait for a job."""
        return len(self._idle)

    def leave(self, seat: Seat) -> None:
        """Wake nobody at *seat*: another seat gets the wake-up that may be on its way."""
        try:
            self._idle.remove(seat)  # one step: a wake-up is on its way, or none will be
        except KeyError:
            if self.jobs:
                self.wake(1)

    def dismiss(self, seat: Seat) -> None:
        """Send the thread at *seat* home when it finds no job: at once, if it waits. Any thread."""
        self._dismissed.add(seat)
        seat.put(None)

    def put(self, jobs: Iterable[Taken]) -> None:
        """Add *jobs*, the next one first. Wake threads with :meth:`wake`."""
        self.jobs.extend(jobs)

    def put_first(self, taken: Taken) -> None:
        """Add a job in front of all others."""
        self.jobs.appendleft(taken)

    def wake(self, threads: int) -> None:
        """Wake up to *threads* of those that wait."""
        for _ in range(threads):
            try:
                self._idle.pop().put(None)
            except KeyError:
                return

    def oldest_at(self) -> float | None:
        """Return when the job that has waited longest was fetched; None when there is none."""
        try:
            return self.jobs[0].fetched_at
        except IndexError:
            return None

    def drain(self) -> list[Taken]:
        """Take every job out, newest first."""
        jobs = []
        while True:
            try:
                jobs.append(self.jobs.pop())
            except IndexError:
                return jobs

    def take(self, seat: Seat, say: Callable[[], None] | None = None) -> Taken | None:
        """Take the next job; wait for it at *seat*, and *say* so. None for who is sent home."""
        jobs = self.jobs
        while True:
            if jobs:
                try:
                    return jobs.popleft()
                except IndexError:
                    pass  # another thread was faster
            # In this order: a job put after the look finds this seat among the idle.
            self._idle.add(seat)
            if self._closed:
                return None
            if seat in self._dismissed:
                self.leave(seat)
                return None
            if not jobs:
                if say is not None:
                    say()
                seat.get()
            self._idle.discard(seat)

    def close(self) -> None:
        """Send all threads home: from now on they get None."""
        self._closed = True
        for seat in self._seats:
            seat.put(None)

"""The pace: how many jobs to ask for, and when. Pure."""

from __future__ import annotations

import math

MAX_JOBS = 500
_MOST_WAITING = 750  # in the inbox: 250 to run while a fetch is under way, and as many behind them
_WORTH_A_FETCH = 250  # jobs that are asked for while so many or more still wait
_AHEAD = 0.020  # seconds' worth of jobs that a fetch asks for
_MOST_AHEAD = 0.5  # ... when Redis is far away
_SHORT_JOBS = 5_000  # jobs a second of one thread, from which on one thread does best
_RATE_MEMORY = 0.020  # seconds over which the rate is averaged
_IDLE_POLL = 0.100  # seconds between two looks at empty queues (a plain LPUSH rings no bell)
_IDLE_CALLS = 2_000  # a second, of the whole fleet


class Pace:
    """How many jobs to ask for: 20 ms' worth at the present rate (or two round trips', when those take
    longer), or one for each free thread.

    Times are of the steady clock. Threads: who leads.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads  # set by the manager
        self._rate = 0.0  # jobs per second
        self._seen_at = 0.0
        self._round_trip = 0.0  # seconds
        self._cautious = False
        self.dry = False  # the last fetch found nothing, in any queue
        self.look_at = 0.0  # when empty queues are looked at again without a bell
        self._brought = 0  # how many jobs the last fetch brought

    @property
    def rate(self) -> float:
        """Finished jobs per second, averaged over the last 20 ms or so."""
        return self._rate

    def jobs_are_short(self, free: int) -> bool:
        """Tell whether jobs end so fast that one thread does best: others would wait for the GIL."""
        return self._rate >= _SHORT_JOBS * max(1, self.threads - free)

    def finished(self, count: int, now: float) -> None:
        """Account for *count* jobs that finished since the last call."""
        elapsed = now - self._seen_at
        if elapsed <= 0:
            return
        self._seen_at = now
        share = 1 - math.exp(-elapsed / _RATE_MEMORY)
        self._rate += (count / elapsed - self._rate) * share
        if count:
            self._cautious = False

    def exchanged(self, seconds: float) -> None:
        """Account for one exchange with Redis: with a slow one more must be under way."""
        self._round_trip += (seconds - self._round_trip) * 0.2

    def handed_back(self) -> None:
        """Ask for what can start at once only, until something finishes: jobs got slow."""
        self._cautious = True
        self._rate = 0.0

    def target(self) -> int:
        """Return how many jobs should be in the inbox."""
        ahead = max(_AHEAD, min(2 * self._round_trip, _MOST_AHEAD))
        return min(_MOST_WAITING, int(self._rate * ahead))

    def low_water(self) -> int:
        """Return how many jobs may be left in the inbox when the next are asked for."""
        target = self.target()
        return max(target // 2, target - _WORTH_A_FETCH)

    def wanted(self, free: int, waiting: int, now: float) -> int:
        """Return how many to fetch now, for *free* threads and *waiting* jobs."""
        if self.dry and now < self.look_at:
            return 0
        if self._cautious:
            return max(0, free - waiting)
        if waiting > self.low_water() and waiting >= free:
            return 0
        return min(MAX_JOBS, max(0, max(free, self.target()) - waiting))

    def found(self, jobs: int) -> None:
        """Account for a fetch that brought so many jobs."""
        self._brought = jobs
        self.dry = False

    def found_none(self, swept: bool, now: float, fleet: int) -> None:
        """Account for a fetch in vain; *swept*: every queue has been looked at. *fleet* owners look."""
        self._brought = 0
        self.dry = swept
        self.look_at = now + max(_IDLE_POLL, fleet / _IDLE_CALLS)

    def rest(self, held_up: int, now: float) -> None:
        """Leave the queues alone for a moment if the last fetch brought only the *held_up* jobs.

        They went back and can't start here yet: without a rest they would go round and round.
        """
        if held_up == self._brought:
            self.dry = True
            self.look_at = now + _IDLE_POLL

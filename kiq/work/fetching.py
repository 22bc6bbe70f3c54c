"""Which queues a fetch looks at, in which order, and how many jobs it asks for. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from ..config import Capsule
from .turns import Turns

#: A fetch looks at this many queues at most; the next one at others.
MAX_QUEUES = 100
MAX_JOBS = 500
_MOST_WAITING = (
    750  # jobs in the buffer: 250 to run while a fetch is under way, and as many behind them
)
_WORTH_A_FETCH = 250  # jobs that are asked for while so many or more still wait
_AHEAD = 0.020  # seconds' worth of jobs that a fetch asks for
_MOST_AHEAD = 0.5  # ... when Redis is far away
_SHORT_JOBS = 5_000  # jobs a second of one thread, from which on one thread does best
_RATE_MEMORY = 0.020  # seconds over which the rate is averaged


class QueueOrder:
    """Whose turn it is: the queue that has had the least per weight (stride scheduling).

    Threads: whoever has the turn.
    """

    def __init__(
        self, capsule: Capsule, filters: Sequence[Callable[..., Sequence[str]]] = ()
    ) -> None:
        self.strict = capsule.mode == "strict"
        self._random = capsule.mode == "random"
        self._weights = {name: max(1, weight) for name, weight in capsule.queues}
        self._passes = dict.fromkeys(self._weights, 0.0)
        self._filters = filters
        self._hidden: set[str] = set()  # what filters left out (a paused queue, say)
        self._start = 0  # of strict queues: where the window begins
        self._turns = Turns(self._weights, MAX_QUEUES)

    def window(self) -> list[str]:
        """Return the queues that the next fetch looks at, in order."""
        names: Sequence[str] = list(self._weights)
        for choose in self._filters:
            names = choose(names)
        names = [name for name in names if name in self._weights]
        self._hidden = self._weights.keys() - set(names)
        if len(names) > MAX_QUEUES:
            names = self._part_of(names)
        if self._random:
            random.shuffle(names)
        return names

    def weights(self, names: Sequence[str]) -> list[int]:
        """Return the weight of each."""
        return [self._weights.get(name, 1) for name in names]

    def passes(self, names: Sequence[str]) -> list[float]:
        """Return how much each has had, per weight: the least is next."""
        return [self._passes.get(name, 0.0) for name in names]

    def took(self, names: Sequence[str], counts: Sequence[int], empty: Sequence[bool]) -> None:
        """Account for a fetch. A queue that was empty earns no credit while it waits."""
        many = len(self._weights) > MAX_QUEUES
        if many and self.strict:
            self._move_window(counts)
        elif many:
            self._turns.looked(names, counts, empty, len(self._weights) - len(self._hidden))
        for name, count in zip(names, counts, strict=True):
            if count:
                self._passes[name] += count / self._weights[name]
        busy = [self._passes[n] for n, ran_out in zip(names, empty, strict=True) if not ran_out]
        waiting = {n for n, ran_out in zip(names, empty, strict=True) if ran_out} | self._hidden
        if many and not self.strict:
            waiting |= self._turns.waiting()
        # Nobody is served: all begin anew from where the furthest is.
        clock = min(busy) if busy else max((self._passes[n] for n in names), default=0.0)
        for name in waiting:
            self._passes[name] = max(self._passes[name], clock)

    def _part_of(self, names: list[str]) -> list[str]:
        if not self.strict:
            return self._turns.choose(names, self._passes)
        start = self._start % len(names)
        return (names[start:] + names[:start])[:MAX_QUEUES]

    def _move_window(self, counts: Sequence[int]) -> None:
        # From the top, always; lower windows only while those above are empty.
        self._start = 0 if any(counts) else self._start + MAX_QUEUES
        if self._start >= len(self._weights):
            self._start = 0

    @property
    def swept(self) -> bool:
        """Whether every queue has been looked at, one fetch after another, and had nothing."""
        if len(self._weights) <= MAX_QUEUES:
            return True
        return self._start == 0 if self.strict else self._turns.swept


class BatchSize:
    """How many jobs to ask for: 20 ms' worth at the present rate (or two round trips', when those take
    longer), or one for each free thread.

    Threads: whoever has the turn.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._rate = 0.0  # jobs per second
        self._seen_at = 0.0
        self._round_trip = 0.0  # seconds
        self._cautious = False

    @property
    def rate(self) -> float:
        """Finished jobs per second, averaged over the last 20 ms or so."""
        return self._rate

    def jobs_are_short(self, free: int) -> bool:
        """Tell whether jobs end so fast that one thread does best: others would wait for the GIL."""
        return self._rate >= _SHORT_JOBS * max(1, self._threads - free)

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
        """Return how many jobs should be in the buffer."""
        ahead = max(_AHEAD, min(2 * self._round_trip, _MOST_AHEAD))
        return min(_MOST_WAITING, int(self._rate * ahead))

    def low_water(self) -> int:
        """Return how many jobs may be left in the buffer when the next are asked for."""
        target = self.target()
        return max(target // 2, target - _WORTH_A_FETCH)

    def wanted(self, free: int, buffered: int) -> int:
        """Return how many to fetch now, for *free* threads and *buffered* jobs."""
        if self._cautious:
            return max(0, free - buffered)
        if buffered > self.low_water() and buffered >= free:
            return 0
        return min(MAX_JOBS, max(0, max(free, self.target()) - buffered))

"""Many jobs for one worker, pushed in slices while it drains them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from support import BenchmarkError, Program, wait_until

from kiq import keys

_SLICE = 10_000
_MOST_WAITING = 150_000
_LOOK_EVERY = 0.02  # seconds
_SECONDS = 600.0  # without an end to it: a worker that hangs ends the measurement


class Load:
    """Pushes, and waits until all that was pushed is settled.

    *pushed* counts all jobs so far; one that fails for good, or goes to the retry set, is settled.
    """

    def __init__(self, store: redis.Redis, program: Program) -> None:
        self.pushed = 0
        self._store = store
        self._program = program

    def run(self, count: int, push: Callable[[range], None]) -> None:
        """Have *count* more jobs pushed by *push*, which gets their numbers; wait until all ended."""
        goal = self.pushed + count
        while self.pushed < goal:
            self._wait_until_at_most(_MOST_WAITING)
            numbers = range(self.pushed, min(self.pushed + _SLICE, goal))
            push(numbers)
            self.pushed = numbers.stop
        self._wait_until_at_most(0)
        self._wait_until_nothing_is_in_flight()

    def _wait_until_at_most(self, waiting: int) -> None:
        wait_until(
            lambda: self.pushed - self.settled() <= waiting,
            _SECONDS,
            f"at most {waiting} of {self.pushed} jobs are unsettled",
            interval=_LOOK_EVERY,
            program=self._program,
        )
        if self.settled() > self.pushed:
            raise BenchmarkError(f"{self.settled()} jobs are settled, of {self.pushed} pushed")

    def _wait_until_nothing_is_in_flight(self) -> None:
        wait_until(
            lambda: not [*self._store.scan_iter(keys.inflight("*", "*"), count=1000)],
            _SECONDS,
            "nothing is in flight",
            interval=_LOOK_EVERY,
            program=self._program,
        )

    def settled(self) -> int:
        """Return how many jobs are settled by now."""
        processed: Any = self._store.get(keys.STAT_PROCESSED)
        return int(processed or 0)

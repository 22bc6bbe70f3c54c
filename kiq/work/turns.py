"""Which hundred a fetch looks at, where a capsule has more queues than that. Pure."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Mapping, Sequence


class Turns:
    """Chooses *most* queues: half of them those with jobs that have had the least, the others in turn.

    A window that only moved on would compare each queue with its neighbours alone: of two queues that
    never stand in one window both get the same, whatever their weights.
    Threads: whoever has the turn.
    """

    def __init__(self, names: Iterable[str], most: int) -> None:
        self._most = most
        self._queues = dict.fromkeys(names)  # the one that was looked at longest ago comes first
        self._stocked: dict[str, None] = {}  # those that had more when they were served last
        self._in_vain = 0  # queues looked at since something was found
        self.swept = True  # every queue was looked at in vain

    def choose(self, names: Sequence[str], passes: Mapping[str, float]) -> list[str]:
        """Return those of *names* that the next fetch looks at."""
        there = set(names)
        stocked = (name for name in self._stocked if name in there)
        known = heapq.nsmallest(self._most // 2, stocked, key=passes.__getitem__)
        others = there.difference(known)
        in_turn = (name for name in self._queues if name in others)
        # Those first: of queues that have had equally much the first is served.
        return [*itertools.islice(in_turn, self._most - len(known)), *known]

    def looked(
        self, names: Sequence[str], counts: Sequence[int], empty: Sequence[bool], total: int
    ) -> None:
        """Account for a fetch that looked at *names*, out of *total* that may be looked at."""
        for name, count, ran_out in zip(names, counts, empty, strict=True):
            del self._queues[name]
            self._queues[name] = None
            if ran_out:
                self._stocked.pop(name, None)
            elif count:
                self._stocked[name] = None
        before = 0 if self.swept else self._in_vain
        self._in_vain = 0 if any(counts) else before + len(names)
        self.swept = not any(counts) and self._in_vain >= total

    def waiting(self) -> set[str]:
        """Return the queues that had nothing left, or nothing yet."""
        return self._queues.keys() - self._stocked.keys()

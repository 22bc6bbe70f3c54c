"""Which queues a fetch looks at, in which order. Pure."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..config import Capsule

#: A fetch looks at this many queues at most; the next one at others.
MAX_QUEUES = 100


class QueueOrder:
    """Whose turn it is: the queue that has had the least per weight (stride scheduling).

    Threads: who leads.
    """

    def __init__(
        self,
        capsule: Capsule,
        filters: Sequence[Callable[..., Sequence[str]]] = (),
        last: Callable[[Sequence[str]], Sequence[str]] | None = None,
    ) -> None:
        """*filters* may become more later; *last* is asked behind them."""
        self.strict = capsule.mode == "strict"
        self._random = capsule.mode == "random"
        self._weights = {name: max(1, weight) for name, weight in capsule.queues}
        self._passes = dict.fromkeys(self._weights, 0.0)
        #: Jobs taken of each queue until now, those that were handed back not counted. Any thread reads.
        self.taken = dict.fromkeys(self._weights, 0)
        self._filters = filters
        self._last = last
        self._hidden: set[str] = set()  # what filters left out (a paused queue, say)
        self._start = 0  # of strict queues: where the window begins
        self._rota = Rota(self._weights, MAX_QUEUES)

    def change(self, names: Sequence[str]) -> None:
        """Look at *names* from now on, in that order; one that is new begins where the furthest is."""
        clock = max(self._passes.values(), default=0.0)
        self._passes = {name: self._passes.get(name, clock) for name in names}
        self.taken = dict.fromkeys(names, 0) | {name: n for name, n in self.taken.items() if n}
        self._weights = {name: self._weights.get(name, 1) for name in names}
        self._rota, self._start = Rota(names, MAX_QUEUES), 0

    def window(self) -> list[str]:
        """Return the queues that the next fetch looks at, in order."""
        names: Sequence[str] = list(self._weights)
        for choose in self._filters:
            names = choose(names)
        if self._last is not None:
            names = self._last(names)
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
            self._rota.looked(names, counts, empty, len(self._weights) - len(self._hidden))
        for name, count in zip(names, counts, strict=True):
            if count:
                self._passes[name] += count / self._weights[name]
                self.taken[name] += count
        busy = [self._passes[n] for n, ran_out in zip(names, empty, strict=True) if not ran_out]
        waiting = {n for n, ran_out in zip(names, empty, strict=True) if ran_out} | self._hidden
        if many and not self.strict:
            waiting |= self._rota.waiting()
        # Nobody is served: all begin anew from where the furthest is.
        clock = min(busy) if busy else max((self._passes[n] for n in names), default=0.0)
        for name in waiting:
            self._passes[name] = max(self._passes[name], clock)

    def _part_of(self, names: list[str]) -> list[str]:
        if not self.strict:
            return self._rota.choose(names, self._passes)
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
        return self._start == 0 if self.strict else self._rota.swept


class Rota:
    """Which *most* a fetch looks at, of more queues: half of them those with jobs that have had the least,
    the others one after the other.

    A window that only moved on would compare each queue with its neighbours alone: of two queues that
    never stand in one window both get the same, whatever their weights.
    Threads: who leads.
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
        in_order = (name for name in self._queues if name in others)
        # Those first: of queues that have had equally much the first is served.
        return [*itertools.islice(in_order, self._most - len(known)), *known]

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

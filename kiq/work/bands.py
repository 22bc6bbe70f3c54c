"""Bands: which of them a capsule's queues have, and whose turn it is in a queue. Pure."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from .. import keys

#: Jobs of a band for each of the queue's own list, while both have some: ten for one of the band below.
#: So of 111 jobs that a process takes from a queue where all have some one is of the last, at least.
WEIGHTS: Mapping[str, float] = {"high": 10, "": 1, "low": 0.1}
_LOOK = 1.0  # seconds between two looks for bands that were not there before
_AGAIN = 0.05  # ... where somebody rang, and nothing was found
_MOST = 200  # names that are looked for at once


class Band(NamedTuple):
    """A band by the *name* of its list; its *queue*, its *weight*, what it has had more than that."""

    name: str
    queue: str
    weight: float
    ahead: float


class Bands:
    """The bands of *queues* that are known, and how much each has had per weight (stride scheduling).

    A band that had nothing comes back at a place in its turn that is this process's own: else all of a
    fleet would let it wait together, each for the whole of it. Threads: who leads.
    """

    def __init__(self, queues: Iterable[str], draw: Callable[[], float] = random.random) -> None:
        self._unknown = dict.fromkeys(
            name for queue in queues for name in keys.bands(queue) if name != queue
        )
        # Not before one job of the band above.
        turns = [1 / weight for weight in WEIGHTS.values()]
        above = [turns[0], *turns]
        self._early = {
            which: draw() * (turn - before)
            for which, turn, before in zip(WEIGHTS, turns, above, strict=False)
        }
        self._passes: dict[str, dict[str, float]] = {}  # queue -> band ("": its own list) -> pass
        self.look_at = 0.0  # when other bands are looked for (steady clock)
        self._looked_at = 0.0

    def serve(self, queues: Iterable[str]) -> None:
        """Look for bands of *queues* as well, and soon."""
        known = {
            keys.band(queue, which) for queue, passes in self._passes.items() for which in passes
        }
        names = (name for queue in queues for name in keys.bands(queue) if name != queue)
        self._unknown.update(dict.fromkeys(name for name in names if name not in known))
        self.look_at = 0.0

    def sought(self) -> list[str]:
        """Return the names of bands to look for now; those that were not looked for longest come first."""
        return list(itertools.islice(self._unknown, _MOST))

    def seen(self, names: Sequence[str], flags: Sequence[int], now: float) -> list[str]:
        """Account for a look; return the names of those that have come to be."""
        found = [name for name, there in zip(names, flags, strict=False) if there]
        for name in names:
            del self._unknown[name]
            if name not in found:
                self._unknown[name] = None
        for name in found:
            queue, which = keys.queue_and_band(name)
            known = self._passes.setdefault(queue, {"": 0.0})
            known[which] = min(known.values()) - self._early[which]
        self._looked_at, self.look_at = now, now + _LOOK
        return found

    def rung_in_vain(self, now: float) -> None:
        """Note that a job was pushed, and none was found: it may be in a band that is not known yet."""
        self.look_at = min(self.look_at, max(now, self._looked_at + _AGAIN))

    def of(self, queues: Sequence[str]) -> list[Band]:
        """Return the known bands of *queues*, in their order."""
        if not self._passes:
            return []
        return [
            Band(keys.band(queue, which), queue, WEIGHTS[which], had - passes[""])
            for queue in queues
            if (passes := self._passes.get(queue))
            for which, had in passes.items()
            if which
        ]

    def names_of(self, queue: str) -> list[str]:
        """Return the names of the lists that *queue* is known to have."""
        return [
            keys.band(queue, which) if which else queue for which in self._passes.get(queue, ("",))
        ]

    def took(self, counts: Mapping[str, int], dry: Mapping[str, bool]) -> None:
        """Account for a fetch: jobs by list, and which lists ran out: these earn no credit by waiting."""
        for queue, passes in self._passes.items():
            if queue not in counts:
                continue
            names = {which: keys.band(queue, which) if which else queue for which in passes}
            for which, name in names.items():
                passes[which] += counts.get(name, 0) / WEIGHTS[which]
            waiting = [which for which, name in names.items() if dry.get(name)]
            busy = [had for which, had in passes.items() if which not in waiting]
            clock = min(busy) if busy else max(passes.values())
            for which in waiting:
                passes[which] = max(passes[which], clock - self._early[which])

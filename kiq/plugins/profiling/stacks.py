"""Stacks: where a run was, sample by sample, in a bounded amount of memory."""

from __future__ import annotations

from collections.abc import Sequence

MOST_SAMPLES = 50_000  # then every second one goes, and half as many are taken from there on
MOST_NODES = 50_000  # different stacks; those beyond count for the deepest that is known
MOST_DEEP = 250  # frames of a stack; the ones beyond count for that depth


class Stacks:
    """A tree of frames, and samples that point into it.

    *parents*, *frames*: of each node, its parent (-1 for a root) and its frame, as the profiler named
    it. *nodes*, *began*, *lasted*: of each sample, where it was, when it began (seconds since the
    start of the recording) and how long it stands for (seconds).
    """

    def __init__(self, interval: float) -> None:
        self.interval = interval  # seconds that a sample stands for, at least
        self.parents: list[int] = []
        self.frames: list[str] = []
        self.nodes: list[int] = []
        self.began: list[float] = []
        self.lasted: list[float] = []
        self._known: dict[tuple[int, str], int] = {}
        self._now = 0.0

    def add(self, stack: Sequence[str], seconds: float) -> None:
        """Note that the run was at *stack* (the outermost frame first) for the last *seconds*."""
        began, self._now = self._now, self._now + seconds
        if not stack:
            return  # before the first call, or after the last
        node = -1
        for frame in stack[:MOST_DEEP]:
            child = self._known.get((node, frame))
            if child is None:
                if len(self.frames) >= MOST_NODES and node >= 0:
                    break
                child = self._known[node, frame] = len(self.frames)
                self.parents.append(node)
                self.frames.append(frame)
            node = child
        if self.nodes and (self.nodes[-1] == node or self.lasted[-1] < self.interval):
            # The same place still, or too short a time to tell.
            self.lasted[-1] += seconds
            if self.lasted[-1] - seconds < seconds:
                self.nodes[-1] = node
            return
        self.nodes.append(node)
        self.began.append(began)
        self.lasted.append(seconds)
        if len(self.nodes) > MOST_SAMPLES:
            self._thin_out()

    def _thin_out(self) -> None:
        self.interval *= 2
        even = len(self.lasted) // 2 * 2
        merged = [self.lasted[at] + self.lasted[at + 1] for at in range(0, even, 2)]
        self.lasted = merged + self.lasted[even:]
        self.nodes, self.began = self.nodes[::2], self.began[::2]

"""The vitals of a worker: whether its own threads get on, and whether Redis answers them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..clock import steady
from .condition import STUCK, UNHEARD


class Turning(Protocol):
    """A thread that counts for how many looks, one a second, it has not come round."""

    @property
    def silence(self) -> int:
        """For how many."""


class Courier(Protocol):
    """What fetches for a capsule."""

    @property
    def thread(self) -> Turning:
        """Its thread."""

    @property
    def wants_jobs(self) -> bool:
        """Whether threads wait for jobs."""

    @property
    def progress_at(self) -> float:
        """When it last had an answer, or nothing to ask (steady clock)."""


class Vitals:
    """What :meth:`look` saw last: *stuck* says what does not get on, *heard_at* when Redis answered last.

    *heard_at* is 0 while a part of the worker can't reach Redis. Jobs have no say in it: a worker all of
    whose threads are busy for hours is well. Nor has Redis: while it is away, nothing is stuck.

    Threads: the main one.
    """

    def __init__(self, now: Callable[[], float] = steady) -> None:
        self.stuck = ""
        self.heard_at = 0.0
        self.quiet = False
        self._now = now
        self._beats_since = now()

    def look(
        self,
        couriers: Sequence[tuple[str, Courier]],
        heartbeat: Turning,
        beaten_at: float,
        *,
        away: bool,
        refused: bool,
        quiet: bool,
    ) -> None:
        """Look, once a second: at *couriers* by the names of their capsules, and when a beat was good last.

        *away*: a part can't reach Redis; *refused*: it refuses what some part asks; *quiet*: no more
        jobs are taken.
        """
        now = self._now()
        beats = now - beaten_at <= UNHEARD
        if not beats or refused:
            self._beats_since = now
        self.quiet = quiet
        self.heard_at = 0.0 if away else max(0.0, beaten_at)
        silences = {f"capsule {name}": one.thread.silence for name, one in couriers}
        silences["the heartbeat"] = heartbeat.silence
        unanswered = {
            f"capsule {name}": now - max(one.progress_at, self._beats_since)
            for name, one in couriers
            if one.wants_jobs
        }
        stuck = [f"{who} has hung for {n} s" for who, n in silences.items() if n >= STUCK]
        stuck += [
            f"{who} has fetched nothing for {seconds:.0f} s, though Redis answers"
            for who, seconds in unanswered.items()
            if seconds >= STUCK
        ]
        self.stuck = "; ".join(stuck)

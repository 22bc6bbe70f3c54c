"""Weighted queues that are never empty: which share of the jobs each of them has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import kiq_app
from support import Server

from parts.journal_of_times import TimesJournal, timed_worker, wait_until_settled

_THREADS = 10
_SMALL, _LARGE = b"\xa5" * 100, b"\xa5" * 10_000
#: The most that a fetch takes is 500 jobs: with fewer left, a queue in Redis may be empty.
_LEFT_AT_LEAST = 1_000
_RESERVE = 1.1  # times the jobs that a queue should need
_NUMBERS = 10_000_000  # for each queue: a job's number tells its queue
_SECONDS = 600.0
_PARTS = 10

#: Which jobs of which queue carry 10 kB, by the queue's rank, the last queue's, and the
#: job's number; 100 B otherwise.
MIXES: dict[str, Callable[[int, int, int], bool]] = {
    "100 B": lambda _rank, _last, _number: False,
    "10 kB on top, 100 B below": lambda rank, _last, _number: rank == 0,
    "10 kB at the bottom, 100 B above": lambda rank, last, _number: rank == last,
    "10 kB and 100 B by turns": lambda _rank, _last, number: number % 2 == 0,
}


@dataclass(frozen=True, slots=True)
class Share:
    """What one queue should have of the jobs and what it had, as fractions; *widest* is its widest
    difference in any tenth of them."""

    queue: str
    expected: float
    observed: float
    widest: float

    @property
    def points(self) -> float:
        """How far it is from what it should be, in percentage points."""
        return abs(self.observed - self.expected) * 100


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of all queues over the first *jobs* starts, while no queue was empty."""

    jobs: int
    queues: list[Share]

    @property
    def points(self) -> float:
        """The widest difference of any queue over all jobs, in percentage points."""
        return max(share.points for share in self.queues)


def weighted_shares(server: Server, weights: Mapping[str, int], mix: str, jobs: int) -> Shares:
    """Let a worker run *jobs* jobs of queues with *weights*, all of which are pushed before.

    *mix* is one of MIXES. The order of the jobs' starts is that of the fetches, for a buffer keeps it.
    """
    server.empty()
    journal = TimesJournal(server.folder)
    pushed = _push(weights, mix, jobs)
    queues = [f"{name},{weight}" for name, weight in weights.items()]
    with timed_worker(server, journal, _THREADS, *queues) as program:
        wait_until_settled(server.client(), jobs, _SECONDS, program)
    ranks = [ran.number // _NUMBERS for ran in journal.by_start()]
    ranks = ranks[: min(jobs, _while_none_is_empty(ranks, pushed))]
    return _shares(weights, ranks)


def _push(weights: Mapping[str, int], mix: str, jobs: int) -> list[int]:
    """Fill the queues, so that none of them gets empty if all is fair; return how many each has."""
    is_large = MIXES[mix]
    pushed = []
    for rank, (queue, weight) in enumerate(weights.items()):
        count = int(jobs * _RESERVE * weight / sum(weights.values())) + _LEFT_AT_LEAST
        kiq_app.Timed.set(queue=queue).perform_bulk(
            (
                rank * _NUMBERS + number,
                0.0,
                _LARGE if is_large(rank, len(weights) - 1, number) else _SMALL,
            )
            for number in range(count)
        )
        pushed.append(count)
    return pushed


def _while_none_is_empty(ranks: list[int], pushed: list[int]) -> int:
    """Return how many jobs have started when the first queue has few jobs left."""
    left = list(pushed)
    for at, rank in enumerate(ranks):
        left[rank] -= 1
        if left[rank] < _LEFT_AT_LEAST:
            return at
    return len(ranks)


def _shares(weights: Mapping[str, int], ranks: list[int]) -> Shares:
    total = sum(weights.values())
    length = max(1, len(ranks) // _PARTS)
    parts = [ranks[length * part : length * (part + 1)] for part in range(_PARTS)]
    found = []
    for rank, (queue, weight) in enumerate(weights.items()):
        expected = weight / total
        widest = max(abs(part.count(rank) / length - expected) for part in parts)
        found.append(Share(queue, expected, ranks.count(rank) / max(1, len(ranks)), widest))
    return Shares(len(ranks), found)

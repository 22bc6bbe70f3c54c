"""What moments tell of a queue: how many jobs came and left, whether it grows or drains. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

#: ``unknown``: there are too few moments for saying.
Direction = Literal["growing", "draining", "level", "unknown"]

_LEAST_SPAN = (
    150.0  # seconds: of less nobody can tell a queue that grows from one that comes in bursts
)
_PARTS = 3  # a queue grows that grew in each of so many parts of the time
_LEAST_GROWTH = 10  # jobs
_RECENT = 60.0  # seconds that a rate of the moment is taken over


@dataclass(frozen=True, slots=True)
class Moment:
    """What was so *at* a time (epoch seconds, Redis's clock).

    *queues* are pairs by name: how many jobs waited, how many had been taken until then.
    """

    at: float
    processed: int
    failed: int
    queues: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Trend:
    """What became of a queue within *span* seconds.

    *arrived* and *left* count jobs: those that came to it (pushed, retried, given back), and those that
    workers took. *size* is how many waited at the end. *draining* is how fast it got shorter of late, in
    jobs a second (below 0: longer).
    """

    queue: str
    span: float
    size: int
    arrived: int
    left: int
    draining: float
    direction: Direction
    left_lately: int  # jobs that left within the last minute

    @property
    def arrival_rate(self) -> float:
        """Jobs a second that came."""
        return self.arrived / self.span if self.span else 0.0

    @property
    def leaving_rate(self) -> float:
        """Jobs a second that left."""
        return self.left / self.span if self.span else 0.0

    @property
    def seconds_to_drain(self) -> float | None:
        """Seconds until it is empty, if it goes on like that; None while it does not get shorter."""
        if self.direction != "draining" or self.draining <= 0:
            return None
        return self.size / self.draining


def trend_of(queue: str, moments: Sequence[Moment]) -> Trend | None:
    """Return the trend of *queue* over *moments*, the oldest first; None where it is in none of them."""
    if len(moments) < 2 or not any(queue in moment.queues for moment in moments):
        return None
    first, last = moments[0], moments[-1]
    size, _ = last.queues.get(queue, (0, 0))
    left = _left(queue, moments)
    lately = [moment for moment in moments if last.at - moment.at <= _RECENT]
    lately = lately if len(lately) > 1 else list(moments[-2:])
    draining = -_grown(queue, lately) / max(lately[-1].at - lately[0].at, 0.001)
    return Trend(
        queue,
        last.at - first.at,
        size,
        max(0, left + _grown(queue, moments)),
        left,
        draining,
        _direction(queue, moments, draining),
        _left(queue, lately),
    )


def _grown(queue: str, moments: Sequence[Moment]) -> int:
    sizes = [moment.queues.get(queue, (0, 0))[0] for moment in (moments[0], moments[-1])]
    return sizes[1] - sizes[0]


def _left(queue: str, moments: Sequence[Moment]) -> int:
    taken = [moment.queues.get(queue, (0, 0))[1] for moment in moments]
    # A counter that was deleted begins anew.
    return sum(max(0, after - before) for before, after in pairwise(taken))


def _direction(queue: str, moments: Sequence[Moment], draining: float) -> Direction:
    if moments[-1].at - moments[0].at < _LEAST_SPAN:
        return "unknown"
    grown = [_grown(queue, part) for part in _parts(moments)]
    if all(more > 0 for more in grown) and sum(grown) >= _LEAST_GROWTH:
        return "growing"
    return "draining" if draining > 0 and moments[-1].queues.get(queue, (0, 0))[0] else "level"


def _parts(moments: Sequence[Moment]) -> list[Sequence[Moment]]:
    """Return *moments* in parts of equal time; each begins with the moment that ends the one before."""
    begin, span = moments[0].at, moments[-1].at - moments[0].at
    parts, start = [], 0
    for number in range(1, _PARTS + 1):
        until = begin + span * number / _PARTS
        end = max(at for at, moment in enumerate(moments) if moment.at <= until + 0.001)
        parts.append(moments[start : end + 1] if end > start else moments[start : start + 1])
        start = end
    return parts

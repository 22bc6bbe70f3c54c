"""Samples in few words: median and range of runs, percentiles of times."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several runs, and the range that they lie in."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{figure(self.median)} ({figure(self.low)} to {figure(self.high)})"


def spread(samples: Sequence[float]) -> Spread:
    """Return median and range of *samples*, of which there must be one at least."""
    return Spread(statistics.median(samples), min(samples), max(samples))


def spread_of_known(samples: Sequence[float | None]) -> Spread | None:
    """Return the same of those that could be measured; None where none could."""
    known = [sample for sample in samples if sample is not None]
    return spread(known) if known else None


def percentiles(samples: Sequence[float]) -> dict[str, float]:
    """Return p50, p95, p99 and max of *samples*: each one that was measured, none in between."""
    ordered = sorted(samples)
    ranks = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {
        name: ordered[max(0, math.ceil(rank * len(ordered)) - 1)] for name, rank in ranks.items()
    }


def figure(number: float) -> str:
    """Return *number* with three digits that count, in groups of three: 148,000, 0.0123."""
    if number == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(number)))
    return f"{round(number, digits):,.{max(0, digits)}f}"

"""The short and the long form of the chaos tests: ``CHAOS_LONG=1`` plays every case."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

LONG = bool(os.environ.get("CHAOS_LONG"))
#: How many workers a test has.
FLEETS = (1, 4)


def with_fleets(values: Iterable[T], fleets: Sequence[int] = FLEETS) -> list[tuple[T, int]]:
    """Return each value with each number of workers; in the short form with one of them, by turns."""
    if LONG:
        return list(itertools.product(values, fleets))
    return list(zip(values, itertools.cycle(fleets)))

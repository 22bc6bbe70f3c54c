"""How many jobs of the scheduled set fall due when: counted by time, whatever they are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import keys
from ..store.scripts import Command
from .home import connection

#: A job that is due for as long as this, seconds, is overdue: the poller takes it within some 50 ms.
OVERDUE = 5.0
_MOST = 500  # parts


@dataclass(frozen=True, slots=True)
class Coming:
    """How many jobs fall due in each part of a time.

    The first part begins at *begin* (epoch seconds), each takes *width* seconds. *overdue* is how many were
    due more than five seconds ago, and are in no part; *behind* how many come after the last.
    """

    begin: float
    width: float
    counts: Sequence[int]
    overdue: int
    behind: int

    @property
    def busiest(self) -> int | None:
        """The number of the part in which most jobs fall due; None where none does."""
        top = max(self.counts, default=0)
        return self.counts.index(top) if top else None

    def starts(self, part: int) -> float:
        """Return when a part begins, epoch seconds."""
        return self.begin + part * self.width


def coming(client: Any = None, *, width: float = 1800.0, parts: int = 48) -> Coming:
    """Return when the jobs of the scheduled set fall due, in *parts* of *width* seconds each.

    The parts begin at whole multiples of *width* since the epoch; the first is the one that it is now.
    Two round trips, which read no job: a set of millions costs what one of ten does. *client* as for
    :func:`kiq.api.connection`. Raises ValueError for no time or no parts, StoreError.
    """
    if width <= 0 or not 0 < parts <= _MOST:
        raise ValueError(f"coming takes a width above 0, and 1 to {_MOST} parts")
    home = connection(client)
    seconds, micros = home.call(("TIME",))
    now = int(seconds) + int(micros) / 1e6
    begin = math.floor(now / width) * width
    # What is due and not late yet belongs to the first part.
    edges = [now - OVERDUE, *(begin + part * width for part in range(1, parts + 1))]
    spans = [("-inf", f"({edges[0]!r}")]
    spans += [(repr(low), f"({high!r}") for low, high in itertools.pairwise(edges)]
    spans.append((repr(edges[-1]), "+inf"))
    commands: list[Command] = [("ZCOUNT", keys.SCHEDULE, *span) for span in spans]
    overdue, *counts, behind = (int(reply) for reply in home.exchange(commands))
    return Coming(begin, width, counts, overdue, behind)

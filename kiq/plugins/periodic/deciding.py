"""What becomes of ticks that are due: which run, and which are passed over."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from ..declared.periodic_entry import Definition

#: Seconds within which a tick is on time, though its process was away: another takes over in eight.
GRACE = 60
#: Of ticks that were missed, so many run at most.
MOST = 100
_COUNTED = 1000  # missed ticks that are counted


class Plan(NamedTuple):
    """*runs* are the ticks that get a job, in order; *missed* how many before them get none.

    *following* is the tick that is next when all that is done.
    """

    runs: list[int]
    missed: int
    following: int | None


def plan(entry: Definition, cursor: int, now: float, *, waited: bool = False) -> Plan:
    """Decide about the ticks of *entry* from *cursor*, which is due, up to *now*. Pure.

    *waited*: for its turn, while somebody ticked. That is not missed, however long it takes.
    """
    latest = entry.rule.latest(now, cursor - 1)
    if latest is None:  # a cursor that is no tick: of a rule that ended, or a clock that was set
        return Plan([], 0, entry.after(now))
    window = now - (max(entry.within, GRACE) if entry.missed != "skip" else GRACE)
    if waited:
        window = min(window, cursor - 1.0)
    if latest < window:
        runs = []
    elif entry.missed == "all" and entry.overlap != "queue":
        runs = list(entry.rule.between(max(cursor - 1, window - 1), now))[-MOST:]
    else:
        runs = [latest]
    first = runs[0] if runs else now + 1
    missed = sum(1 for _ in islice(entry.rule.between(cursor - 1, first - 1), _COUNTED))
    return Plan(runs, missed, entry.after(now))

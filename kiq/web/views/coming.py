"""When the jobs of the scheduled set fall due: a histogram above their list."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...api import Coming, coming
from ..calls import Call

#: What the page offers -> seconds of a bar, bars.
_SPANS: Mapping[str, tuple[float, int]] = {
    "hour": (60.0, 60),
    "day": (1800.0, 48),
    "week": (4 * 3600.0, 42),
}
_FIRST = "day"


@dataclass(frozen=True, slots=True)
class Outlook:
    """The histogram of a page. *places* are where in the list the jobs of each bar begin."""

    span: str
    spans: Sequence[str]
    coming: Coming
    places: Sequence[str]

    @property
    def total(self) -> int:
        """How many jobs stand in the bars."""
        return sum(self.coming.counts)

    @property
    def ticks(self) -> Sequence[float]:
        """The times that are written below: six, of bars at equal distances."""
        step = len(self.coming.counts) // 6
        return [self.coming.starts(part) for part in range(0, step * 6, step)]


def outlook_of(call: Call) -> Outlook:
    """Return what is to come, counted at most a second ago, for the span that the URL says."""
    span = call.said("span")
    if span not in _SPANS:
        span = _FIRST
    width, parts = _SPANS[span]
    read = functools.partial(coming, call.home, width=width, parts=parts)
    found = call.fleet.look(f"coming-{span}", read)
    places = [f"{found.starts(part)!r}~{'0' * 16}" for part in range(parts)]
    return Outlook(span, list(_SPANS), found, places)

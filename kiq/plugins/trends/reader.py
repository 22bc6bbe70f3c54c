"""Reads trends: the moments of the last ten minutes, as far as they are without a gap."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Any

from ...api.home import connection
from . import keys
from .numbers import Moment, Trend, trend_of

_GAP = 60.0  # seconds without a moment, after which those before are of another time


class Trends:
    """What came to queues and left them lately. One round trip, when this is made.

    *client* as for :func:`kiq.api.connection`. Without workers that count (their plugin ``trends``) there
    is none.
    """

    def __init__(self, client: Any = None) -> None:
        home = connection(client)
        raws, time = home.exchange((("LRANGE", keys.TREND, 0, keys.MOMENTS), ("TIME",)))
        now = int(time[0]) + int(time[1]) / 1e6
        #: The oldest first; without a gap until now.
        self.moments = _joined(filter(None, map(_moment, raws)), now)

    @property
    def span(self) -> float:
        """How many seconds they tell of."""
        return self.moments[-1].at - self.moments[0].at if self.moments else 0.0

    @functools.cached_property
    def queues(self) -> dict[str, Trend]:
        """The trend of each queue that had something to do."""
        names = sorted({name for moment in self.moments for name in moment.queues})
        found = ((name, trend_of(name, self.moments)) for name in names)
        return {name: trend for name, trend in found if trend is not None}


def _joined(newest_first: Iterable[Moment], now: float) -> list[Moment]:
    kept: list[Moment] = []
    after = now
    for moment in newest_first:
        # One that lies ahead was noted before the clock of Redis was set back.
        if not -1.0 <= after - moment.at <= _GAP:
            break
        kept.append(moment)
        after = moment.at
    return kept[::-1]


def _moment(raw: bytes) -> Moment | None:
    """Read one; None for what another program wrote there."""
    try:
        at, processed, failed, queues = json.loads(raw.decode(errors="replace"))
        pairs = {str(name): (int(size), int(taken)) for name, (size, taken) in queues.items()}
        return Moment(float(at), int(processed), int(failed), pairs)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None

"""An outage of Redis as one part of the process lives through it: pauses, and two lines in the log."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from ..clock import steady

logger = logging.getLogger("kiq.redis")

_FIRST = 0.05
_LONGEST = 1.0  # seconds: Redis is used again at most so long after it is back
_SILENCE = 10.0  # seconds between two lines about the same outage


class Outage:
    """Counts failures in a row.

    Threads: one part's only. *clock* returns seconds, *dice* a number from 0 up to 1.
    """

    def __init__(
        self,
        part: str,
        clock: Callable[[], float] = steady,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._part = part
        self._clock = clock
        self._dice = dice
        self._since: float | None = None
        self._said_at = float("-inf")
        self._pause = _FIRST

    @property
    def lasting(self) -> bool:
        """Whether Redis did not answer the last time."""
        return self._since is not None

    def failed(self, error: BaseException) -> float:
        """Note a failure (say so, now and then); return how many seconds to wait before the next try."""
        now = self._clock()
        if self._since is None:
            self._since = now
        if now - self._said_at >= _SILENCE:
            self._said_at = now
            logger.error("%s: %s; trying again until it answers", self._part, error)
        pause = self._pause * (0.7 + 0.3 * self._dice())  # so that processes don't come as one
        self._pause = min(self._pause * 2, _LONGEST)
        return pause

    def over(self) -> None:
        """Note that Redis answered."""
        if self._since is None:
            return
        logger.warning("%s: Redis is back after %.1f s", self._part, self._clock() - self._since)
        self._since = None
        self._said_at = float("-inf")
        self._pause = _FIRST

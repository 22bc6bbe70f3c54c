"""An outage of Redis as one part of the process lives through it: pauses, and two lines in the log."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from ..clock import steady
from ..errors import StoreDenied

logger = logging.getLogger("kiq.redis")

_FIRST = 0.05
_LONGEST = 1.0  # seconds: Redis is used again at most so long after it is back
_LONGEST_REFUSED = 10.0  # the same where Redis refuses us: a person has to mend that
_SILENCE = 10.0  # seconds between two lines about the same outage


class Outage:
    """Counts failures in a row.

    Threads: one part's only. *clock* returns seconds, *dice* a number from 0 up to 1. *refusals*: what
    Redis refuses, as some part of the worker has said it: all parts meet the same.
    """

    def __init__(
        self,
        part: str,
        clock: Callable[[], float] = steady,
        dice: Callable[[], float] = random.random,
        *,
        refusals: set[str] | None = None,
    ) -> None:
        self._refusals = set() if refusals is None else refusals
        self._part = part
        self._clock = clock
        self._dice = dice
        self._since: float | None = None
        self._said_at = float("-inf")
        self._said: object = None  # which kind of trouble
        self._refused: set[str] = set()  # what this part has said of the refusals
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
        denied = next((e for e in (error, error.__cause__) if isinstance(e, StoreDenied)), None)
        self._say(error, now) if denied is None else self._say_once(error, str(denied))
        pause = self._pause * (0.7 + 0.3 * self._dice())  # so that processes don't come as one
        self._pause = min(self._pause * 2, _LONGEST if denied is None else _LONGEST_REFUSED)
        return pause

    def _say(self, error: BaseException, now: float) -> None:
        kind = (type(error), type(error.__cause__))
        if now - self._said_at >= _SILENCE or kind != self._said:
            self._said_at, self._said = now, kind
            logger.error("%s: %s; trying again until it answers", self._part, error)

    def _say_once(self, error: BaseException, refusal: str) -> None:
        refusal = refusal.partition(": ")[0]  # each part has other commands refused to it
        if refusal in self._refusals:
            return
        self._refused.add(refusal)
        self._refusals.add(refusal)
        logger.error(
            "%s: %s. This is said once; it is tried again every %.0f s",
            self._part,
            error,
            _LONGEST_REFUSED,
        )

    def over(self) -> None:
        """Note that Redis answered."""
        if self._since is None:
            return
        if self._said or self._refused:
            logger.warning(
                "%s: Redis is back after %.1f s", self._part, self._clock() - self._since
            )
        self._refusals.difference_update(self._refused)
        self._refused.clear()
        self._since = self._said = None
        self._said_at = float("-inf")
        self._pause = _FIRST

"""An outage of Redis: pauses of each part that meets it, and two lines in the log for all of them."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

from ..clock import steady
from ..errors import StoreDenied, StoreUnavailable

logger = logging.getLogger("kiq.redis")

_FIRST = 0.05
_LONGEST = 1.0  # seconds: Redis is used again at most so long after it is back
_LONGEST_REFUSED = 10.0  # the same where Redis refuses us: a person has to mend that
_SILENCE = 10.0  # seconds between two lines about the same outage


class Trouble:
    """What the parts of a worker have said of Redis: all meet the same, and one line tells of it.

    Threads: any.
    """

    def __init__(self) -> None:
        self.refusals: set[str] = set()  # what Redis refuses, as some part has said it
        self._lock = threading.Lock()
        self._away: set[Outage] = set()  # parts that can't reach it
        self._since = 0.0
        self._said: set[object] = set()  # the kinds of errors that this outage has shown

    @property
    def away(self) -> bool:
        """Whether a part can't reach Redis."""
        return bool(self._away)

    def is_news(self, part: Outage, error: StoreUnavailable, now: float) -> bool:
        """Note that *part* can't reach Redis; tell whether nobody has said that yet.

        A connection that breaks and one that is refused are of one kind; a server that loads its data is
        another, and a provider of passwords that raises a third.
        """
        kind = type(error.__cause__)
        with self._lock:
            if not self._away:
                self._since = now
                self._said.clear()
            self._away.add(part)
            news = kind not in self._said
            self._said.add(kind)
            return news

    def ends(self, part: Outage, now: float) -> float | None:
        """Note that *part* reaches Redis; if it was the last that did not, return how long that lasted."""
        with self._lock:
            if part not in self._away:
                return None
            self._away.discard(part)
            return None if self._away else now - self._since


class Outage:
    """Counts failures in a row of one part.

    Threads: its part's only. *clock* returns seconds, *dice* a number from 0 up to 1.
    """

    def __init__(
        self,
        part: str,
        clock: Callable[[], float] = steady,
        dice: Callable[[], float] = random.random,
        *,
        trouble: Trouble | None = None,
    ) -> None:
        self._trouble = trouble or Trouble()
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
        if denied is not None:
            self._say_refusal(error, str(denied))
        elif isinstance(error, StoreUnavailable):
            if self._trouble.is_news(self, error, now):
                logger.error("%s; trying again until it answers", error)
        else:
            self._say(error, now)
        pause = self._pause * (0.7 + 0.3 * self._dice())  # so that processes don't come as one
        self._pause = min(self._pause * 2, _LONGEST if denied is None else _LONGEST_REFUSED)
        return pause

    def _say(self, error: BaseException, now: float) -> None:
        kind = (type(error), type(error.__cause__))
        if now - self._said_at >= _SILENCE or kind != self._said:
            self._said_at, self._said = now, kind
            logger.error("%s: %s; trying again until it answers", self._part, error)

    def _say_refusal(self, error: BaseException, refusal: str) -> None:
        refusal = refusal.partition(": ")[0]  # each part has other commands refused to it
        if refusal in self._trouble.refusals:
            return
        self._refused.add(refusal)
        self._trouble.refusals.add(refusal)
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
        now = self._clock()
        lasted = self._trouble.ends(self, now)
        if lasted is not None:
            logger.warning("Redis is back after %.1f s", lasted)
        if self._said or self._refused:
            logger.warning("%s: Redis is back after %.1f s", self._part, now - self._since)
        self._trouble.refusals.difference_update(self._refused)
        self._refused.clear()
        self._since = self._said = None
        self._said_at = float("-inf")
        self._pause = _FIRST

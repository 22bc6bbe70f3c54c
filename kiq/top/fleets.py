"""The fleets that are shown: where each has its Redis, and what was read there a moment ago."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..api import Connection, DeadSet, JobSet, RetrySet, ScheduledSet
from ..client import Client
from ..clock import steady
from ..config import Config

T = TypeVar("T")
_LONG = 0.05  # seconds of a look
_SHARE = 10
_MOST = 32  # looks that are kept
#: The sorted sets, by the names of their views.
SETS: dict[str, type[JobSet]] = {
    "retries": RetrySet,
    "scheduled": ScheduledSet,
    "dead": DeadSet,
}


class Fleet:
    """Workers that share one Redis. *environment* is always shown (production, staging).

    Threads: looks are those of the one that reads.
    """

    def __init__(self, name: str, home: Connection, config: Config) -> None:
        self.name = name
        self.home = home
        self.config = config
        self.environment = config.environment
        self._looks: dict[str, tuple[float, Any]] = {}

    def look(self, what: str, read: Callable[[], T], *, keep: float = 0.0) -> T:
        """Return what *read* returned within the last *keep* seconds, else call it.

        What took long is kept for ten times as long: nobody's looking costs Redis more than a tenth of its
        time.
        """
        until, value = self._looks.pop(what, (float("-inf"), None))
        if steady() >= until:
            began = steady()
            value = read()
            ended = steady()
            until = ended + max(keep, _SHARE * (ended - began) if ended - began > _LONG else 0.0)
        self._looks[what] = (until, value)
        if len(self._looks) > _MOST:
            del self._looks[next(iter(self._looks))]  # the one that was not asked for the longest
        found: T = value
        return found

    def forget(self) -> None:
        """Read anew whatever is asked next: something was changed."""
        self._looks = {}

    def client(self) -> Client:
        """Return what pushes to it, without a buffer: what it kept would end with us."""
        config = self.config
        return Client(
            config.redis,
            codec=config.codec,
            sidekiq=config.sidekiq,
            max_payload=config.max_payload,
        )

    def jobs(self, name: str) -> JobSet:
        """Return one of the sorted sets. A kill trims the dead set as a worker would."""
        return SETS[name](
            self.home,
            dead_max_jobs=self.config.dead_max_jobs,
            dead_timeout=self.config.dead_timeout,
        )

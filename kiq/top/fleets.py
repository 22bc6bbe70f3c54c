"""The fleets that are shown: where each has its Redis, and what was read there a moment ago."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..api import Connection, DeadSet, JobSet, RetrySet, ScheduledSet
from ..clock import steady
from ..config import Config

T = TypeVar("T")
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

    def look(self, what: str, read: Callable[[], T], *, keep: float) -> T:
        """Return what *read* returned within the last *keep* seconds, else call it: for what costs much."""
        at, value = self._looks.get(what, (float("-inf"), None))
        if steady() - at >= keep:
            value = read()
            self._looks[what] = (steady(), value)
        found: T = value
        return found

    def forget(self) -> None:
        """Read anew whatever is asked next: something was changed."""
        self._looks = {}

    def jobs(self, name: str) -> JobSet:
        """Return one of the sorted sets. A kill trims the dead set as a worker would."""
        return SETS[name](
            self.home,
            dead_max_jobs=self.config.dead_max_jobs,
            dead_timeout=self.config.dead_timeout,
        )

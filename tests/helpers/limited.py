"""Jobs that have limits, what they note, and what Redis has of limits."""

from __future__ import annotations

import threading
import time
from typing import Any

import redis

import kiq


class Noted:
    """What ran, and how many were at work together."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._now = 0
        self.most = 0
        self.began: list[tuple[Any, float]] = []

    def begin(self, what: Any) -> None:
        """Note that a run begins."""
        with self._mutex:
            self.began.append((what, time.time()))
            self._now += 1
            self.most = max(self.most, self._now)

    def end(self) -> None:
        """Note that it is over."""
        with self._mutex:
            self._now -= 1

    @property
    def order(self) -> list[Any]:
        """What ran, in its order."""
        return [what for what, _ in self.began]

    def clear(self) -> None:
        """Forget all."""
        self.__init__()  # type: ignore[misc]


noted = Noted()
#: Lets jobs end that wait.
gate = threading.Event()


class Limited(kiq.Job, name="limits.Any", queue="out", retry=3):
    """Ends as it is told to; *account* is what a key may be."""

    def perform(self, number: int = 0, account: Any = "a", how: str = "ends") -> None:
        """End as *how* says."""
        noted.begin(number)
        try:
            if how == "waits":
                gate.wait(20)
            if how == "takes time":
                time.sleep(0.02)
            if how == "fails":
                raise ValueError("on purpose")
            if how == "snoozes":
                raise kiq.Snooze(3600)
            if how == "kills":
                raise kiq.Kill("on purpose")
            if how == "discards":
                raise kiq.Discard("on purpose")
            if how == "retries":
                raise kiq.Retry(3600)
            if how == "is limited":
                raise kiq.RateLimited(3600)
        finally:
            noted.end()


class AsyncLimited(kiq.Job, name="limits.Async", queue="out", retry=3):
    """The same on an event loop."""

    async def perform(self, number: int = 0) -> None:
        """Note that it runs."""
        noted.begin(number)
        noted.end()


def inside(raw: redis.Redis, limit: str) -> list[str]:
    """Return the jids of those that are in *limit*, by its name in Redis."""
    found: Any = raw.zrange(f"kiq:limit-in:{limit}", 0, -1)
    return [each.decode().split("\n")[1] for each in found]


def waiting(raw: redis.Redis, limit: str) -> list[str]:
    """Return the jids of those that stand in line, who waits longest first."""
    found: Any = raw.zrange(f"kiq:limit-line:{limit}", 0, -1)
    return [each.decode() for each in found]

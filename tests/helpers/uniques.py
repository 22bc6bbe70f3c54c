"""A job that may be unique in any way, and what Redis has of locks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import redis

import kiq
from kiq.plugins.unique import keys


class Noted:
    """What ran: which arguments, and whose runs were at work together."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._now: Counter[str] = Counter()
        self.ran: list[tuple[str, int]] = []
        self.together: list[str] = []

    def begin(self, name: str, number: int) -> None:
        """Note that a run begins."""
        with self._mutex:
            self.ran.append((name, number))
            self._now[name] += 1
            if self._now[name] > 1:
                self.together.append(name)

    def end(self, name: str) -> None:
        """Note that it is over."""
        with self._mutex:
            self._now[name] -= 1

    def clear(self) -> None:
        """Forget all."""
        self.__init__()  # type: ignore[misc]


noted = Noted()
#: Lets jobs end that wait.
gate = threading.Event()


class Sole(kiq.Job, name="uniques.Any", queue="out", retry=3):
    """Ends as it is told to; *name* is what it has in common with others."""

    def perform(self, name: str = "a", number: int = 0, how: str = "ends") -> None:
        """End as *how* says."""
        noted.begin(name, number)
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
        finally:
            noted.end(name)


class Async(kiq.Job, name="uniques.Async", queue="out", retry=3):
    """The same on an event loop."""

    async def perform(self, name: str = "a", number: int = 0) -> None:
        """Note that it runs."""
        noted.begin(name, number)
        noted.end(name)


def by_name(lock: str = "until_success", **more: Any) -> Any:
    """Return the class, unique by its name."""
    return Sole.set(unique=kiq.Unique(lock, by="name", **more))  # type: ignore[arg-type]


def locks(raw: redis.Redis) -> dict[str, str]:
    """Return the jid that each lock belongs to; those that are listed are there, and no others."""
    listed: Any = raw.zrange(keys.LOCKS, 0, -1)
    names = {each.decode() for each in listed}
    there: Any = raw.keys("kiq:unique:*")
    assert {each.decode() for each in there} == {keys.lock(name) for name in names}
    return {name: str((raw.hget(keys.lock(name), "jid") or b"").decode()) for name in names}


def holders(raw: redis.Redis) -> list[str]:
    """Return the jids that have a lock."""
    return sorted(locks(raw).values())

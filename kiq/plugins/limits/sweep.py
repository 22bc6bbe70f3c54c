"""The sweep: frees slots whose delivery is over, and calls those whom nobody has called."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ...api.home import Connection
from ...plugin import in_flight
from ...process import WorkerProcess
from ...store.link_pool import LinkPool
from ...store.scripts import Command
from . import keys as own
from .asking import leaving
from .terms import Held

logger = logging.getLogger("kiq.limits")

_REST = 8.0  # seconds between two looks
_STEP = 0.05  # seconds between two pages of one
_PAGE = 100  # limits
_UNUSED = 3600.0  # seconds after which a limit is forgotten that nobody is in


class Sweep:
    """Looks at all limits in turns, in one process of the fleet. Threads: its duty's."""

    def __init__(self, process: WorkerProcess) -> None:
        self._home = Connection(LinkPool(process.connector))
        self._cursor = "0"
        self._duty = process.duty("limits", self.step, lost=self._lost, leave=_nothing)
        self._mutex = threading.Lock()  # so that nothing begins when the end was said
        self._begun = self._over = False
        self._loop = process.loop("limits-watch", self._watch, lost=_nothing, leave=_nothing)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def stop(self) -> None:
        """End."""
        with self._mutex:
            self._over = True
            self._loop.stop()
            if self._begun:
                self._duty.stop()

    def _watch(self) -> float:
        """Begin the duty when there are limits: before that nobody need be elected for it."""
        if not self._begun and self._home.call(("ZCARD", own.LIMITS)):
            with self._mutex:
                if not self._over:
                    self._duty.start()
                    self._begun = True
        return 3600.0 if self._begun else _REST

    def step(self) -> float:
        """Look at a page of limits; return the seconds until the next step. Raises StoreError."""
        cursor, found = self._home.call(("ZSCAN", own.LIMITS, self._cursor, "COUNT", _PAGE))
        seconds, _ = self._home.call(("TIME",))
        used = dict(zip(found[::2], found[1::2], strict=True))
        names = [name.decode() for name in used]
        for name, freed in zip(names, free_what_is_over(self._home, names), strict=True):
            if freed:
                logger.warning("limit %s: %d slots were held by nobody; they are free", name, freed)
        self._call(names)
        old = [name for name in names if float(used[name.encode()]) < int(seconds) - _UNUSED]
        self._forget(old)
        self._cursor = cursor.decode()
        return _REST if self._cursor == "0" else _STEP

    def _call(self, names: list[str]) -> None:
        """Let come whoever waits where there is room."""
        if names:
            blank = (leaving([Held(name, "")], "", "", "keep") for name in names)
            self._home.exchange(list(blank))

    def _forget(self, names: list[str]) -> None:
        """Forget limits that nobody is in, and nobody waits for."""
        if not names:
            return
        there = self._home.exchange([("EXISTS", *own.of(name)[:4]) for name in names])
        unused = [name for name, count in zip(names, there, strict=True) if not count]
        if unused:
            self._home.call(("ZREM", own.LIMITS, *unused))

    def _lost(self) -> None:
        """Begin anew."""
        self._cursor = "0"


def free_what_is_over(home: Connection, names: list[str]) -> list[int]:
    """Free those slots of *names* whose delivery is not in flight; return how many each. Raises StoreError.

    A delivery that was not in flight once never is again.
    """
    slots = [name for name in names if name.startswith("concurrent:")]
    found: list[Any] = home.exchange([("ZRANGE", own.of(name)[0], 0, -1) for name in slots])
    holders = [(name, one) for name, all_of in zip(slots, found, strict=True) for one in all_of]
    asked = [(name, one, command) for name, one in holders if (command := whether_in_flight(one))]
    there = home.exchange([command for _, _, command in asked]) if asked else []
    freed = dict.fromkeys(names, 0)
    for (name, one, _), flies in zip(asked, there, strict=True):
        if not flies:
            jid = one.decode(errors="replace").split("\n")[1]
            home.call(leaving([Held(name, "")], jid, one, "keep"))
            freed[name] += 1
    return list(freed.values())


def whether_in_flight(holder: bytes) -> Command | None:
    """Return what asks whether the delivery of *holder* is in flight; None for a block: it has a lease."""
    parts = holder.decode(errors="replace").split("\n")
    return in_flight(parts[2], parts[0]) if len(parts) == 3 and " " in parts[0] else None


def _nothing() -> None:
    """Connections are lent by the pool, which sees to them."""

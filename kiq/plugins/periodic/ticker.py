"""The ticker: pushes the jobs of ticks, in the one process of the fleet that has the duty."""

from __future__ import annotations

import functools
import hashlib
import logging
from typing import Any

from ...clock import steady
from ...errors import StoreError, StoreUnavailable
from ...plugin import Host
from ...process import WorkerProcess
from ...store.connection import Link
from ...store.scripts import Command
from ..cancelling import cancel
from ..declared.periodic_entry import Definition, read
from . import keys
from .deciding import plan
from .pieces import pass_over
from .pushing import Refused, TickPusher
from .standing import Standing

logger = logging.getLogger("kiq.periodic")

_PAGE = 500  # entries that are looked at in one tick of the loop
_TAKES = 1.0  # seconds after which the loop renews its election before it goes on
_LONGEST = 30.0  # seconds between two looks
_AFTER_FAILURE = 5.0  # seconds until what failed is tried again
_WAITS = 5.0  # seconds between two looks at a run that another waits for
_ONCE_MORE = 0.1  # seconds until what changed meanwhile is looked at again
_A_DAY = 86_400


@functools.lru_cache(maxsize=4096)
def _read(name: str, text: bytes) -> Definition:
    return read(name, text)


class Ticker:
    """Decides about ticks that are due, by Redis's clock. Threads: that of its duty."""

    def __init__(self, process: WorkerProcess, host: Host) -> None:
        self._process = process
        self._link: Link = process.connector.open()
        self._pusher = TickPusher(process, host)
        self._standing = Standing(self._link.call)
        self._later: dict[str, float] = {}  # name -> when it is looked at again (steady clock)
        self._told: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    def tick(self, *, woken: bool = True) -> float:
        """Decide what is due; return the seconds until something is. Two round trips, one for each job."""
        if woken:
            self._later.clear()
        replies = self._exchange(
            ("TIME",), ("ZRANGE", keys.DUE, 0, _PAGE + len(self._later) - 1, "WITHSCORES")
        )
        (seconds, micros), flat = replies
        now = int(seconds) + int(micros) / 1_000_000
        cursors = {
            raw.decode(errors="replace"): int(float(score))
            for raw, score in zip(flat[::2], flat[1::2], strict=True)
        }
        due = [name for name, at in cursors.items() if at <= now and self._is_on(name)]
        began = steady()
        if due:
            facts = self._exchange(("HMGET", keys.ENTRIES, *due), ("HMGET", keys.LATEST, *due))
            for name, text, latest in zip(due, *facts, strict=True):
                if steady() - began > _TAKES:
                    return 0.0
                self._one(name, cursors[name], text, latest, now)
            return 0.0
        self._look_at_clock(cursors, now)
        return self._sleep(cursors, now)

    def _is_on(self, name: str) -> bool:
        at = self._later.get(name)
        if at is None:
            return True
        if steady() < at:
            return False
        del self._later[name]
        return True

    def _sleep(self, cursors: dict[str, int], now: float) -> float:
        waits = [at - now for name, at in cursors.items() if name not in self._later]
        waits += [at - steady() for at in self._later.values()]
        return max(0.0, min([_LONGEST, *waits]))

    def _one(
        self, name: str, cursor: int, text: bytes | None, latest: bytes | None, now: float
    ) -> None:
        """Decide about one entry; what goes wrong with it stops no other."""
        try:
            if text is None:  # deleted by others
                self._exchange(("ZREM", keys.DUE, name))
                return
            self._decide(_read(name, text), cursor, text, latest, now)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (an entry that is broken, or its middleware)
            self._later[name] = steady() + _AFTER_FAILURE
            self._tell(name, error)

    def _decide(
        self, entry: Definition, cursor: int, text: bytes, latest: bytes | None, now: float
    ) -> None:
        name = entry.name
        decided = plan(entry, cursor, now)
        first = decided.runs[0] if decided.runs else decided.following
        if cursor != first:
            what = ("missed", decided.missed) if decided.missed else ("", "")
            self._exchange(pass_over(name, cursor, text, first, *what))
            if decided.missed:
                logger.warning("periodic job %s: ticks that were missed: %d", name, decided.missed)
        for tick in decided.runs:
            following = entry.after(tick)
            if not self._run(entry, tick, text, following, latest):
                return

    def _run(
        self, entry: Definition, tick: int, text: bytes, following: int | None, latest: bytes | None
    ) -> bool:
        """Push the job of one tick; False if the entry has to be looked at again."""
        if entry.overlap == "cancel" and latest:
            cancel(latest.split(b" ")[0].decode(errors="replace"), self._pusher.client)
        why = self._pusher.push(entry, tick, text, following, _jitter(entry, tick))
        if why is None:
            self._standing.over(entry.name)
            return True
        if why.what == "runs":
            return self._stands_in_the_way(entry, tick, text, following, why)
        if why.what in ("paused", "vetoed", "declined"):
            told = ("", "") if why.what == "paused" else (why.what, why.detail)
            self._exchange(pass_over(entry.name, tick, text, following, *told))
            return True
        self._later[entry.name] = steady() + _ONCE_MORE  # decided by another, or changed meanwhile
        return False

    def _stands_in_the_way(
        self, entry: Definition, tick: int, text: bytes, following: int | None, why: Refused
    ) -> bool:
        """Let the tick wait, or pass it over; but not for a run that is nowhere any more."""
        if self._standing.is_gone(entry, why.detail):
            logger.warning("periodic job %s: its last run is gone without a word", entry.name)
            return False
        if entry.overlap == "queue":
            self._later[entry.name] = steady() + _WAITS
            return False
        jid = why.detail.partition(" ")[0]
        self._exchange(pass_over(entry.name, tick, text, following, "skipped", jid))
        self._standing.skipped(entry.name, jid)
        return True

    def _look_at_clock(self, cursors: dict[str, int], now: float) -> None:
        """Repair what was decided by a clock that was more than a day ahead."""
        for name, cursor in cursors.items():
            if cursor - now < _A_DAY:
                continue
            text = self._link.call(("HGET", keys.ENTRIES, name))
            following = None if text is None else _read(name, text).after(now)
            if following is not None and cursor - following > _A_DAY:
                logger.warning("periodic job %s: Redis's clock was ahead; it is due again", name)
                self._exchange(pass_over(name, cursor, text, following, "clock", "-"))

    def _tell(self, name: str, error: Exception) -> None:
        known = (name, f"{type(error).__name__}: {error}")
        if known not in self._told:
            self._told = {one for one in self._told if one[0] != name} | {known}
            self._process.report(error, {"context": f"periodic job {name}"})

    def _exchange(self, *commands: Command) -> list[Any]:
        replies = self._link.exchange(commands)
        for reply in replies:
            if isinstance(reply, StoreError):
                raise reply
        return list(replies)


def _jitter(entry: Definition, tick: int) -> float:
    """Return the seconds that the job of *tick* comes later: the same for whoever asks."""
    if not entry.jitter:
        return 0.0
    digest = hashlib.sha1(f"{entry.name} {tick}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:6]) / 2**48 * entry.jitter

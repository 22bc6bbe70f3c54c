"""The ticker: pushes the jobs of ticks, in the one process of the fleet that has the duty."""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...clock import steady
from ...errors import StoreError, StoreUnavailable
from ...plugin import Host
from ...process import Unfit, WorkerProcess
from ...store.connection import Link
from ...store.scripts import Command
from ..cancelling import cancel
from ..declared.periodic_entry import Definition, read
from . import keys
from .deciding import plan
from .failing import Failures
from .overlooking import Overlook
from .pieces import forget, pass_over
from .pushing import Refused, TickPusher
from .standing import Standing

logger = logging.getLogger("kiq.periodic")

_PAGE = 500  # entries that are looked at in one tick of the loop
_TAKES = 1.0  # seconds after which the loop renews its election before it goes on
_LONGEST = 30.0  # seconds between two looks
_WAITS = 5.0  # seconds between two looks at a run that another waits for
_ONCE_MORE = 0.1  # seconds until what changed meanwhile is looked at again
_BIT = 0.02  # seconds of what is done a piece at a time, between two ticks


@functools.lru_cache(maxsize=4096)
def _read(name: str, text: bytes) -> Definition:
    return read(name, text)


class Facts(NamedTuple):
    """What is known of an entry that is due: its next tick, Redis's clock, its last run that is not over.

    *waited*: its tick was due already, and waited for that run.
    """

    cursor: int
    now: float
    latest: bytes | None
    waited: bool


class Ticker:
    """Decides about ticks that are due, by Redis's clock. Threads: that of its duty."""

    def __init__(self, process: WorkerProcess, host: Host) -> None:
        self._process = process
        self._link: Link = process.connector.open()
        self._pusher = TickPusher(process, host)
        self._standing = Standing(self._link.call)
        self._overlook = Overlook(self._exchange, _read)
        self._later: dict[str, float] = {}  # name -> when it is looked at again (steady clock)
        self._failures = Failures()
        self._told: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Close the connections; what was half done with them is begun anew."""
        self._link.close()
        self._standing.forget()
        self._overlook.forget()

    def tick(self, *, woken: bool = True) -> float:
        """Decide what is due; return the seconds until something is. Two round trips, one for each job.

        Raises Unfit now and then while there is something that can't be done here.
        """
        if woken:
            self._hear()
        page = _PAGE + len(self._later) + len(self._failures.names())
        replies = self._exchange(("TIME",), ("ZRANGE", keys.DUE, 0, page - 1, "WITHSCORES"))
        (seconds, micros), flat = replies
        now = int(seconds) + int(micros) / 1_000_000
        cursors = {
            raw.decode(errors="replace"): int(float(score))
            for raw, score in zip(flat[::2], flat[1::2], strict=True)
        }
        due = [name for name, at in cursors.items() if at <= now and self._is_on(name)]
        if due:
            self._do(due, cursors, now)
            return 0.0
        self._failures.keep({name for name, at in cursors.items() if at <= now})
        self._overlook.go_on(now, _BIT)
        for name in self._standing.go_on(_BIT):
            self._later.pop(name, None)
        if self._failures.unfit():
            raise Unfit(f"periodic jobs that fail here: {', '.join(self._failures.names()[:5])}")
        return self._sleep(cursors, now)

    def _do(self, due: Sequence[str], cursors: Mapping[str, int], now: float) -> None:
        """Decide about the entries *due*, for a second at most: then the election is renewed."""
        began = steady()
        facts = self._exchange(
            *(("HMGET", place, *due) for place in (keys.ENTRIES, keys.LATEST, keys.WAITING))
        )
        for name, text, latest, waited in zip(due, *facts, strict=True):
            if steady() - began > _TAKES:
                return
            if self._one(name, text, Facts(cursors[name], now, latest, waited is not None)):
                self._failures.done(name)
            else:
                self._failures.failed(name, text)

    def _hear(self) -> None:
        """Look again at what waits; and at what has failed, where it is another entry now."""
        self._later.clear()
        if self._failures:
            names = self._failures.names()
            (texts,) = self._exchange(("HMGET", keys.ENTRIES, *names))
            for name, text in zip(names, texts, strict=True):
                self._failures.rung(name, text)

    def _is_on(self, name: str) -> bool:
        if self._failures.waits(name):
            return False
        at = self._later.get(name)
        if at is None:
            return True
        if steady() < at:
            return False
        del self._later[name]
        return True

    def _sleep(self, cursors: Mapping[str, int], now: float) -> float:
        if self._overlook.looking or self._standing.looking:
            return 0.001  # the election is renewed, and whoever rings is heard
        waits = [_LONGEST]
        for name, at in cursors.items():
            later = self._later.get(name)
            waits.append(
                max(
                    at - now,
                    self._failures.waits(name),
                    0.0 if later is None else later - steady(),
                )
            )
        return max(0.0, min(waits))

    def _one(self, name: str, text: bytes | None, facts: Facts) -> bool:
        """Decide about one entry; what goes wrong with it stops no other. False: it did."""
        try:
            if text is None:  # deleted by others
                self._exchange(forget(name))
            else:
                self._decide(_read(name, text), text, facts)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (an entry that is broken, or its middleware)
            self._tell(name, error)
            return False
        return True

    def _decide(self, entry: Definition, text: bytes, facts: Facts) -> None:
        name, cursor, latest = entry.name, facts.cursor, facts.latest
        if facts.waited and latest and entry.overlap == "queue":
            self._wait(entry, latest.decode(errors="replace"))
            return
        decided = plan(entry, cursor, facts.now, waited=facts.waited)
        first = decided.runs[0] if decided.runs else decided.following
        if cursor != first:
            word = "merged" if facts.waited else "missed"
            what = (word, decided.missed) if decided.missed else ("", "")
            self._exchange(pass_over(name, cursor, text, first, *what, waits=facts.waited))
            if decided.missed and not facts.waited:
                logger.warning("periodic job %s: ticks that were missed: %d", name, decided.missed)
        for tick in decided.runs:
            ran = self._run(entry, tick, text, latest)
            if ran is None:
                return
            latest = ran

    def _run(self, entry: Definition, tick: int, text: bytes, latest: bytes | None) -> bytes | None:
        """Push the job of one tick; return the run that is the last now (b"": none), None: look again."""
        following = entry.after(tick)
        pushed = self._pusher.push(entry, tick, text, following, _jitter(entry, tick))
        if isinstance(pushed, str):
            if entry.overlap == "cancel" and latest:
                # It is marked since the step that took the tick; what waits in a set goes now.
                cancel(latest.split(b" ")[0].decode(errors="replace"), self._pusher.client)
            self._standing.over(entry.name)
            return pushed.encode()
        if pushed.what == "runs":
            return self._stands_in_the_way(entry, tick, text, following, pushed)
        if pushed.what in ("paused", "vetoed", "declined"):
            told = ("", "") if pushed.what == "paused" else (pushed.what, pushed.detail)
            self._exchange(pass_over(entry.name, tick, text, following, *told))
            return latest or b""
        self._later[entry.name] = steady() + _ONCE_MORE  # decided by another, or changed meanwhile
        return None

    def _stands_in_the_way(
        self, entry: Definition, tick: int, text: bytes, following: int | None, why: Refused
    ) -> bytes | None:
        """Let the tick wait, or pass it over; and see whether that run is anywhere."""
        if entry.overlap == "queue":
            self._exchange(("HSET", keys.WAITING, entry.name, tick))
            self._wait(entry, why.detail)
            return None
        self._standing.look_for(entry, why.detail)
        jid = why.detail.partition(" ")[0]
        self._exchange(pass_over(entry.name, tick, text, following, "skipped", jid))
        self._standing.skipped(entry.name, jid)
        return why.detail.encode()

    def _wait(self, entry: Definition, run: str) -> None:
        self._later[entry.name] = steady() + _WAITS
        self._standing.look_for(entry, run)

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

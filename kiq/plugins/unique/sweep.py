"""The sweep: finds locks whose job is nowhere, as another program has deleted it, and frees them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import NamedTuple

from ...api.home import Connection
from ...clock import steady
from ...process import WorkerProcess
from ...store.link_pool import LinkPool
from ..census import Census
from . import keys as own
from .locks import freeing, held
from .terms import FIELD

logger = logging.getLogger("kiq.unique")

_REST = 8.0  # seconds between two looks
_STEP = 0.05  # seconds between two steps of one
_PAGES = 5  # of a step
_AGE = 5.0  # seconds that a lock is let alone
_MOST = 20_000  # locks of one look
_LIFE = 7 * 86_400  # seconds that a jid is kept whose job was replaced


class Seen(NamedTuple):
    """A lock as it was: whose, and how often it had been touched."""

    jid: str
    moved: str


class Sweep:
    """Looks in turns, as long as there are locks; a lock that misses its job at two looks is freed.

    Threads: its loop's; the duty's, which begins when there is a lock.
    """

    def __init__(self, process: WorkerProcess) -> None:
        self.home = Connection(LinkPool(process.connector))
        self._missed: dict[str, Seen] = {}
        self._after = "-inf"  # since when the last lock was held that has been looked at
        self._look: Iterator[None] | None = None
        self._mutex = threading.Lock()  # so that nothing begins when the end was said
        self._begun = self._over = False
        self._duty = process.duty("unique", self.step, lost=self._lost, leave=self._nothing)
        self._loop = process.loop(
            "unique-watch", self._watch, lost=self._nothing, leave=self._nothing
        )

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
        """Begin the duty when there is something to do: before that nobody need be elected for it."""
        if self.home.call(("ZCARD", own.LOCKS)):
            with self._mutex:
                if not self._over and not self._begun:
                    self._duty.start()
                    self._begun = True
        return 3600.0 if self._begun else _REST

    def step(self) -> float:
        """Look at some jobs; return the seconds until the next step. Raises StoreError."""
        until = steady() + 1.0
        look = self._look = self._look or self._looking()
        for _ in range(_PAGES):
            try:
                next(look)
            except StopIteration:
                self._look = None
                return _REST
            if steady() > until:
                break
        return _STEP

    def _looking(self) -> Iterator[None]:
        seconds, _ = self.home.call(("TIME",))
        self.home.call(("ZREMRANGEBYSCORE", own.REPLACED, "-inf", int(seconds) - _LIFE))
        locks = self._locks(int(seconds) - _AGE)
        census = Census(self.home, {one.jid for one in locks.values()}, FIELD)
        yield from census.pages()
        missed = {name: one for name, one in locks.items() if one.jid in census.missing}
        for name, one in missed.items():
            if self._missed.get(name) == one and self.home.call(freeing(name, one.jid, one.moved)):
                logger.warning(
                    "lock %s is free: its job %s is nowhere; did another program delete it?",
                    name,
                    one.jid,
                )
        self._missed = missed

    def _locks(self, until: float) -> dict[str, Seen]:
        """Return locks that are to be looked at, those first that were not; forget those that are over."""
        command = ("ZRANGEBYSCORE", own.LOCKS, self._after, until, "WITHSCORES", "LIMIT", 0, _MOST)
        found = self.home.call(command)
        full = len(found) == 2 * _MOST
        self._after = found[-1].decode() if full else "-inf"
        names = [name.decode() for name in found[::2]]
        locks = {}
        for name, lock in zip(names, held(self.home, names), strict=True):
            if lock is None:
                self.home.call(freeing(name, "", ""))
            elif lock.kind != "until_expiry":
                locks[name] = Seen(lock.jid, lock.moved)
        return locks

    def _lost(self) -> None:
        """Begin anew: what was half seen is old."""
        self._look = None
        self._missed = {}

    def _nothing(self) -> None:
        """Connections are lent by the pool, which sees to them."""

"""The sweep: finds what batches were not told: lost jobs, events that failed, producers that died."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import NamedTuple

from ... import keys as house
from ...api.home import Connection
from ...clock import steady
from ...process import WorkerProcess
from ...store.link_pool import LinkPool
from ..cancelling import mark
from ..census import Census
from . import keys
from .calling_off import call_off, enforce
from .leaving import FIELD, LOST
from .reader import BatchStatus, statuses
from .steps import judged, left

logger = logging.getLogger("kiq.batches")

_REST = 12.0  # seconds between two looks
_STEP = 0.05  # seconds between two steps of one
_PAGES = 5  # of a step
_MOST = 20_000  # jobs of one look
_ABANDONED = 3600.0  # seconds after which a block that pushes in slices is given up


class Missed(NamedTuple):
    """A job that was nowhere, and its batch."""

    bid: str
    jid: str


class Sweep:
    """Looks in turns, as long as there are batches that are not over.

    Those in which nothing has moved since the last look are looked at closely; a job of theirs that is
    nowhere at two looks is taken for lost. Threads: its loop's; the duty's, which begins with a batch.
    """

    def __init__(self, process: WorkerProcess) -> None:
        self.home = Connection(LinkPool(process.connector))
        self._was: dict[str, BatchStatus] = {}
        self._missed: set[Missed] = set()
        self._cursors: dict[str, bytes] = {}
        self._look: Iterator[None] | None = None
        self._mutex = threading.Lock()  # so that nothing begins when the end was said
        self._begun = self._over = False
        self._duty = process.duty("batches", self.step, lost=self._lost, leave=self._nothing)
        self._loop = process.loop(
            "batches-watch", self._watch, lost=self._nothing, leave=self._nothing
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
        if self.home.call(("SCARD", keys.OPEN)):
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
        now = float(self.home.call(("TIME",))[0])
        bids = [bid.decode() for bid in self.home.call(("SMEMBERS", keys.OPEN))]
        there: dict[str, BatchStatus] = {}
        for bid, status in zip(bids, statuses(self.home, bids), strict=True):
            if status is None:
                self.home.call(("SREM", keys.OPEN, bid))
            else:
                there[bid] = status
        still = [bid for bid, status in there.items() if self._was.get(bid) == status]
        self._was = there
        yield
        for bid in still:
            self._attend(there[bid], now)
            yield
        jobs = list(self._jobs(still))
        census = Census(self.home, {jid for _, jid in jobs}, FIELD)
        yield from census.pages()
        missed = {one for one in jobs if one.jid in census.missing}
        for bid, jid in missed & self._missed:
            if self.home.call(left(bid, jid, LOST)):
                logger.warning(
                    "batch %s has lost its job %s, which is nowhere; did another program delete it?",
                    bid,
                    jid,
                )
        self._missed = missed

    def _attend(self, status: BatchStatus, now: float) -> None:
        """See to a batch in which nothing moves."""
        bid = status.bid
        if status.state == "open":
            touched = float(self.home.call(("HGET", keys.record(bid), "touched_at")) or now)
            if now - touched > _ABANDONED:
                logger.warning("batch %s is cancelled: its block has pushed nothing for long", bid)
                call_off(self.home, bid, "its block neither ended nor pushed anything for an hour")
            return
        if status.state == "cancelled":
            if self.home.call(("ZSCORE", house.CANCELLED, bid)) is None:
                self.home.call(mark(bid))  # marks are kept for a week
            enforce(self.home, bid)
        self.home.call(judged(bid))

    def _jobs(self, bids: list[str]) -> Iterator[Missed]:
        """Yield jobs that are to be somewhere: first those that were missed at the last look."""
        yield from (one for one in self._missed if one.bid in bids)
        room = _MOST
        for bid in bids:
            within = f"{bid}."
            cursor = self._cursors.pop(bid, b"0")
            while room > 0:
                cursor, found = self.home.call(("SSCAN", keys.jobs(bid), cursor, "COUNT", 1000))
                yield from (Missed(bid, jid.decode()) for jid in found)
                room -= len(found)
                if cursor == b"0":
                    break
            if cursor != b"0":
                self._cursors[bid] = cursor
            others = self.home.call(
                ("ZRANGEBYSCORE", keys.others(bid), 0, 2, "LIMIT", 0, max(room, 1000))
            )
            names = [name.decode() for name in others]
            yield from (Missed(bid, name) for name in names if not name.startswith(within))
            inner = [name for name in names if name.startswith(within)]
            for name, status in zip(inner, statuses(self.home, inner), strict=True):
                if status is None:
                    self.home.call(left(bid, name, LOST))

    def _lost(self) -> None:
        """Begin anew: what was half seen is old."""
        self._look = None
        self._missed, self._was = set(), {}

    def _nothing(self) -> None:
        """Connections are lent by the pool, which sees to them."""

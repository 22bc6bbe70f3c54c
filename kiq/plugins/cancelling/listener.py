"""The listener: hears of new marks at once, and reads them now and then in case it missed one."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ...clock import steady
from ...errors import StoreError
from ...process import WorkerProcess
from .keys import CANCEL_BELL
from .marks import Ledger

logger = logging.getLogger("kiq.cancelling")

_BEAT = 5.0  # seconds between two looks, when nothing is heard
_ALL = 300.0  # seconds between two looks at everything: what counts no more is forgotten


class Listener:
    """Keeps ``cancelled``, of the worker's state, as Redis has it; *tell* gets the jids that are new.

    Threads: its loop's, once that was started.
    """

    def __init__(self, process: WorkerProcess, tell: Callable[[set[str]], None]) -> None:
        self._tell = tell
        self._link = process.connector.open()
        self._ledger = Ledger()
        self._cancelled = process.state.cancelled
        self._all_at = 0.0  # when to read everything again (steady clock)
        self.loop = process.loop("cancelling", self._turn, lost=self._lost, leave=self._leave)
        try:
            self._look()
        except StoreError as error:
            logger.debug("can't read yet what was cancelled: %s", error)

    def _turn(self) -> float:
        self.loop.listen(CANCEL_BELL)
        fresh = self._look()
        if fresh:
            self._tell(fresh)
        return _BEAT

    def _look(self) -> set[str]:
        """Read the marks; return the jids that are new. One round trip."""
        everything = steady() >= self._all_at
        replies = self._link.exchange(self._ledger.commands(everything))
        for reply in replies:
            if isinstance(reply, StoreError):
                raise reply
        fresh = self._ledger.read(replies, everything)
        # In this order: what is in the set before we look at what runs, starts no more.
        self._cancelled.update({jid: self._ledger.known[jid] for jid in fresh})
        if everything:
            for jid in self._cancelled.keys() - self._ledger.known.keys():
                del self._cancelled[jid]
            self._all_at = steady() + _ALL
        return fresh

    def _lost(self) -> None:
        """Close the connection; when Redis is back, it may be another one, or its clock another."""
        self._link.close()
        self._all_at = 0.0

    def _leave(self) -> None:
        self._link.close()
        self._cancelled.clear()

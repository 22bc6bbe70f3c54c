"""The listener: hears of new marks at once, and reads them now and then in case it missed one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from ... import interruption, keys
from ...clock import steady
from ...errors import StoreError
from ...kept import Kept
from ...work.ear import Ear, wait_for
from ...work.outage import Outage
from ...work.worker import Worker
from .marks import Ledger

logger = logging.getLogger("kiq.cancelling")

_BEAT = 5.0  # seconds between two looks, when nothing is heard
_ALL = 300.0  # seconds between two looks at everything: what counts no more is forgotten


class Listener:
    """Keeps ``interruption.cancelled`` as Redis has it; *tell* gets the jids that are new.

    Threads: its own, from :meth:`start` on.
    """

    def __init__(self, worker: Worker, tell: Callable[[set[str]], None]) -> None:
        self._report = worker.report
        self._tell = tell
        self._link = worker.connector.open()
        self._ear = Ear(worker.connector)
        self._ledger = Ledger()
        self._outage = Outage("cancelling", refusals=worker.refusals)
        self._all_at = 0.0  # when to read everything again (steady clock)
        self._stopping = False
        self._alarm_end, self._alarm = os.pipe()
        self._thread = Kept(self._run, "kiq-cancelling")
        interruption.cancelled.clear()
        try:
            self._look()
        except StoreError as error:
            logger.debug("can't read yet what was cancelled: %s", error)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End; harmless when repeated."""
        if not self._stopping:
            self._stopping = True
            os.write(self._alarm, b"!")
            if self._thread.join(2.0):
                os.close(self._alarm)
                os.close(self._alarm_end)

    def _run(self) -> None:
        while not self._stopping:
            pause = _BEAT
            try:
                self._ear.listen(keys.CANCEL_BELL)
                fresh = self._look()
                self._outage.over()
                if fresh:
                    self._tell(fresh)
            except StoreError as error:
                self._forget()
                pause = self._outage.failed(error)
            except Exception as error:  # noqa: BLE001 (must outlive whatever happens)
                self._forget()
                self._report(error, {"context": "cancelling"})
            wait_for(pause, self._ear.fileno(), self._alarm_end)
            self._ear.heard()
        self._ear.close()
        self._link.close()
        interruption.cancelled.clear()

    def _look(self) -> set[str]:
        """Read the marks; return the jids that are new. One round trip."""
        everything = steady() >= self._all_at
        replies = self._link.exchange(self._ledger.commands(everything))
        for reply in replies:
            if isinstance(reply, StoreError):
                raise reply
        fresh = self._ledger.read(replies, everything)
        # In this order: what is in the set before we look at what runs, starts no more.
        interruption.cancelled.update({jid: self._ledger.known[jid] for jid in fresh})
        if everything:
            for jid in interruption.cancelled.keys() - self._ledger.known.keys():
                del interruption.cancelled[jid]
            self._all_at = steady() + _ALL
        return fresh

    def _forget(self) -> None:
        """Close the connection; when Redis is back, it may be another one, or its clock another."""
        self._link.close()
        self._all_at = 0.0

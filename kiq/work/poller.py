"""The poller: one of the fleet's processes promotes due jobs, as long as it is the elected one."""

from __future__ import annotations

import logging
import os
import threading

from .. import keys
from ..clock import steady
from ..errors import StoreError, StoreUnavailable
from ..kept import Kept
from .duty import Duty
from .ear import Ear, wait_for
from .outage import Outage
from .promoter import SOURCES, Promoter
from .worker import Worker

logger = logging.getLogger("kiq.poller")

_TERM = 1.5  # seconds that an election holds without being renewed
_LONGEST_TERM = 3.0  # seconds: no election holds for longer than this
_RENEW = 0.5
_STANDBY = 0.5  # seconds between two candidacies of a process that is not elected
_STANDBY_CALLS = 200  # a second, of the whole fleet


class Poller:
    """Promotes, while this process is the elected one.

    Threads: its own; the launcher stops it.
    """

    def __init__(self, worker: Worker) -> None:
        self.thread = Kept(self._run, "kiq-poller")
        self._worker = worker
        self._link = worker.connector.open()
        self._promoter = Promoter(worker, self._link)
        self._duty = Duty(
            worker, keys.POLLER, "promotes due jobs", term=_TERM, longest=_LONGEST_TERM
        )
        self._ear = Ear(worker.connector)
        self._outage = Outage("poller", refusals=worker.refusals)
        self.left = False  # its claims are given back
        self._stopping = threading.Event()
        self._alarm_end, self._alarm = os.pipe()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopping.set()
        os.write(self._alarm, b"!")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                seconds = self._turn()
                self._outage.over()
            except StoreUnavailable as error:
                seconds = self._broke(error)
            except StoreError as error:
                self._outage.failed(error)
                seconds = _RENEW
            except BaseException as error:  # noqa: BLE001 (the poller must outlive whatever happens)
                self._worker.report(error, {"context": "poller"})
                seconds = self._broke(error)
            self._wait(seconds)
        self._leave()

    def _broke(self, error: BaseException) -> float:
        self._link.close()
        self._promoter.abandon()
        return self._outage.failed(error)

    def _turn(self) -> float:
        """Promote what is due, if elected; return how many seconds may pass until the next turn."""
        if not self._duty.take(self._link):
            self._promoter.rest()
            return max(_STANDBY, self._worker.fleet / _STANDBY_CALLS)
        self._promoter.secure()
        self._ear.listen(keys.POLLER_BELL)
        renew_at = steady() + _RENEW
        pause = _RENEW
        refused: StoreError | None = None
        for source in SOURCES:
            try:
                pause = min(pause, self._promote_all(source, renew_at))
            except StoreUnavailable:
                raise
            except StoreError as error:
                # A key of the wrong type, say: the other set must not wait for its mending.
                refused = StoreError(f"jobs that are due in {source} can't be promoted: {error}")
                refused.__cause__ = error
        problem = refused or self._promoter.refused()
        if problem is not None:
            self._duty.fail(self._link, problem)
        if refused is not None:
            raise refused
        return pause

    def _promote_all(self, source: str, renew_at: float) -> float:
        """Promote what is due in *source*; return the seconds until the next turn."""
        while not self._stopping.is_set():
            due_in = self._promoter.promote(source)
            if due_in > 0:
                return due_in
            if steady() > renew_at:
                break  # renew the election before going on; the other set has had its batch too
        return 0.0

    def _wait(self, seconds: float) -> None:
        """Sleep until the next due time; the bell of a push that is due earlier cuts it short."""
        if seconds <= 0 or self._stopping.is_set():
            return
        ear = self._ear.fileno()
        if ear in wait_for(seconds, self._alarm_end, ear):
            self._ear.heard()

    def _leave(self) -> None:
        self._ear.close()
        try:
            self._duty.resign(self._link)
            self.left = self._promoter.leave()
        except StoreError as error:
            logger.warning("the poller could not sign off: %s; its lease will run out", error)
        finally:
            self._link.close()

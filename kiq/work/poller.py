"""The poller: one of the fleet's processes promotes due jobs, as long as it is the elected one."""

from __future__ import annotations

import logging

from .. import keys
from ..clock import steady
from ..errors import StoreError, StoreUnavailable
from .duty import Duty
from .loop import Loop
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

    Threads: its loop's.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._link = worker.connector.open()
        self._promoter = Promoter(worker, self._link)
        self._duty = Duty(
            worker, keys.POLLER, "promotes due jobs", term=_TERM, longest=_LONGEST_TERM
        )
        self.left = False  # its claims are given back
        self.loop = Loop(
            worker,
            "poller",
            self._turn,
            lost=self._lost,
            leave=self._leave,
            rest=_RENEW,
            most=_RENEW,
        )

    def _lost(self) -> None:
        self._link.close()
        self._promoter.abandon()

    def _turn(self) -> float:
        """Promote what is due, if elected; return how many seconds may pass until the next turn."""
        if not self._duty.take(self._link):
            self._promoter.rest()
            return max(_STANDBY, self._worker.fleet / _STANDBY_CALLS)
        self._promoter.secure()
        self.loop.listen(keys.POLLER_BELL)
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
        while not self.loop.stopping:
            due_in = self._promoter.promote(source)
            if due_in > 0:
                return due_in
            if steady() > renew_at:
                break  # renew the election before going on; the other set has had its batch too
        return 0.0

    def _leave(self) -> None:
        try:
            self._duty.resign(self._link)
            self.left = self._promoter.leave()
        except StoreError as error:
            logger.warning("the poller could not sign off: %s; its lease will run out", error)
        finally:
            self._link.close()

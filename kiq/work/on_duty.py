"""A loop of which only one process of the fleet has the ticks: a feature's duty."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .. import keys
from ..clock import steady
from ..errors import StoreError, StoreUnavailable
from ..process import Unfit
from .duty import Duty
from .loop import Loop
from .worker import Worker

logger = logging.getLogger("kiq.duty")

_TERM, _LONGEST_TERM = 6.0, 30.0  # seconds that an election holds, and that any may hold
_RENEW = 2.0  # seconds between two renewals
_OLD = 1.5  # seconds: an answer that comes later, or to a process that stood still, is old news
_STANDBY = 2.0  # seconds between two candidacies of a process that is not elected


class OnDuty:
    """Stands for election to the duty *name*, and calls *tick* while this process has it.

    Threads: its loop's.
    """

    def __init__(
        self,
        worker: Worker,
        name: str,
        tick: Callable[[], float],
        *,
        lost: Callable[[], object],
        leave: Callable[[], object],
    ) -> None:
        self._link = worker.connector.open()
        self._duty = Duty(
            worker, keys.duty(name), f"does {name}", term=_TERM, longest=_LONGEST_TERM
        )
        self._name = name
        self._tick, self._lost, self._at_end = tick, lost, leave
        self._due = 0.0  # steady clock
        self._listed = False
        self.loop = Loop(worker, name, self._turn, lost=self._broke, leave=self._leave, rest=_RENEW)

    def _turn(self) -> float:
        if not self._listed:
            self._link.call(("SADD", keys.DUTIES, self._name))
            self._listed = True
        asked_at = steady()
        if not self._duty.take(self._link):
            self._due = 0.0  # whoever had it may have done less than was due
            return _STANDBY
        if steady() - asked_at > _OLD:
            return 0.0
        if self.loop.woken or steady() >= self._due:
            try:
                self._due = steady() + self._tick()
            except StoreUnavailable:
                raise
            except Unfit as error:
                self._duty.fail(self._link, error)
                return _RENEW
            except StoreError as error:
                self._duty.fail(self._link, error)
                raise
        return min(_RENEW, max(0.0, self._due - steady()))

    def _broke(self) -> None:
        self._link.close()
        self._lost()

    def _leave(self) -> None:
        try:
            self._duty.resign(self._link)
        except StoreError as error:
            logger.debug("%s could not sign off: %s", self._name, error)
        finally:
            self._link.close()
            self._at_end()

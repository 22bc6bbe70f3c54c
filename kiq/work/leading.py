"""Who leads: does the exchanges of a capsule. One thread at a time, and not always the same.

This is the leader/follower pattern: while jobs are short, the processor that runs them leads, and its
courier sleeps. A hand-over of the interpreter between two threads costs as much as ten short jobs, and an
exchange took five (docs/performance.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..clock import steady
from ..errors import StoreDenied, StoreUnavailable
from .exchange import Exchange
from .handover import MOST_WAITING, Handover
from .inbox import Inbox

#: Seconds since a processor led, in which the courier keeps out: its next job may be a long one.
LEAVE_TO_LEADER = 0.005
_LOOK_AGAIN_AFTER = 50  # jobs
_LONG_AGO = float("-inf")


class Lead:
    """Does exchanges on a processor's thread, or wakes the courier where one thing is not simple.

    Who holds *lock* leads, and alone may use the exchange. Threads: processors call :meth:`take`, the
    courier the rest.
    """

    def __init__(
        self,
        exchange: Exchange,
        inbox: Inbox,
        handover: Handover,
        report: Callable[[BaseException, dict[str, Any]], None],
    ) -> None:
        self.lock = threading.Lock()
        self._exchange = exchange
        self._inbox = inbox
        self._handover = handover
        self._report = report
        self._taken_at = _LONG_AGO

    def take(self) -> None:
        """Lead: say what there is to say now; it waits for Redis only where nothing else is left to do.

        Called by a processor between two jobs. Lets nothing out but what is no Exception.
        """
        if not self._exchange.short:
            self._give_up()
            return
        self._taken_at = steady()
        if not self.lock.acquire(blocking=False):
            # Whoever is at it leaves the next exchange to this thread, unless there will be none.
            if not len(self._inbox):
                self._give_up()
            return
        try:
            if self._exchange.simple:  # asked with the lock: while the courier is at it, nothing is
                self._exchange_now()
            else:
                self._give_up()
        except BaseException as error:
            self._exchange.lost()
            self._give_up()  # the courier says what is wrong, and tries again
            if not isinstance(error, Exception):
                raise
            if not isinstance(error, StoreUnavailable | StoreDenied):
                self._report(error, {"context": "leading"})
        finally:
            self.lock.release()

    def taken(self) -> bool:
        """Tell whether a processor leads at present."""
        return steady() - self._taken_at < LEAVE_TO_LEADER and self._exchange.simple

    def _exchange_now(self) -> None:
        exchange, inbox, handover = self._exchange, self._inbox, self._handover
        nothing_left = not len(inbox) or len(handover.outbox) >= MOST_WAITING
        if exchange.open and not self._answered(wait=nothing_left):
            self._look_again()
            if nothing_left:
                self._give_up()
            return
        if not exchange.simple:  # the replies said so
            if exchange.session.owner.fenced:
                # What waits here may not start until the courier drains it. Only by who leads: else
                # this might be the next owner's permit already.
                exchange.session.owner.permit.fence()
            self._give_up()
            return
        exchange.begin()
        handover.patience = MOST_WAITING
        handover.low_water = 0 if exchange.pace.dry else exchange.pace.low_water()
        if not len(inbox) and not (self._answered(wait=True) and len(inbox)):
            self._give_up()  # this thread will sleep

    def _answered(self, *, wait: bool) -> bool:
        """End the exchange under way if its replies are there; tell whether none is under way now."""
        if self._exchange.open and self._exchange.link.readable(LEAVE_TO_LEADER if wait else 0.0):
            self._exchange.end()
        return not self._exchange.open

    def _give_up(self) -> None:
        """Leave it to the courier, at once: it need not wait and see whether a processor leads."""
        self._taken_at = _LONG_AGO
        self._handover.wake()

    def _look_again(self) -> None:
        self._handover.patience = min(MOST_WAITING, len(self._handover.outbox) + _LOOK_AGAIN_AFTER)
        self._handover.low_water = max(0, len(self._inbox) - _LOOK_AGAIN_AFTER)

"""Driving: while jobs are short, the processor that runs them does its courier's rounds.

A hand-over of the interpreter between two threads costs as much as ten short jobs, and a round took
five (docs/performance.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..clock import steady
from ..errors import StoreDenied, StoreUnavailable
from .buffer import Buffer
from .desk import MOST_WAITING, Desk
from .rounds import Rounds

#: Seconds since a processor drove, in which the courier keeps out: its next job may be a long one.
LEAVE_TO_DRIVER = 0.005
_LOOK_AGAIN_AFTER = 50  # jobs
_LONG_AGO = float("-inf")


class Driver:
    """Does rounds on a processor's thread, or wakes the courier where one thing is not simple.

    *turn* is the lock of the rounds: whoever has it may call them. Threads: processors call
    :meth:`drive`, the courier the rest.
    """

    def __init__(
        self,
        rounds: Rounds,
        buffer: Buffer,
        desk: Desk,
        report: Callable[[BaseException, dict[str, Any]], None],
    ) -> None:
        self.turn = threading.Lock()
        self._rounds = rounds
        self._buffer = buffer
        self._desk = desk
        self._report = report
        self._drove_at = _LONG_AGO

    def drive(self) -> None:
        """Do what a round needs now; it waits for Redis only where nothing else is left to do.

        Called by a processor between two jobs. Lets nothing out but what is no Exception.
        """
        if not self._rounds.short:
            self._give_up()
            return
        self._drove_at = steady()
        if not self.turn.acquire(blocking=False):
            # Whoever is at it leaves the next round to this thread, unless there will be none.
            if not len(self._buffer):
                self._give_up()
            return
        try:
            if self._rounds.simple:  # asked with the turn: in a round of the courier nothing is
                self._drive()
            else:
                self._give_up()
        except BaseException as error:
            self._rounds.lost()
            self._give_up()  # the courier says what is wrong, and tries again
            if not isinstance(error, Exception):
                raise
            if not isinstance(error, StoreUnavailable | StoreDenied):
                self._report(error, {"context": "driving"})
        finally:
            self.turn.release()

    def at_it(self) -> bool:
        """Tell whether rounds are left to a processor at present."""
        return steady() - self._drove_at < LEAVE_TO_DRIVER and self._rounds.simple

    def _drive(self) -> None:
        rounds, buffer, desk = self._rounds, self._buffer, self._desk
        nothing_left = not len(buffer) or len(desk.outbox) >= MOST_WAITING
        if rounds.open and not self._answered(wait=nothing_left):
            self._look_again()
            if nothing_left:
                self._give_up()
            return
        if not rounds.simple:  # the replies said so
            if rounds.session.owner.fenced:
                # What waits here may not start until the courier drains it. Only with the turn: without
                # it this might be the next owner's permit already.
                rounds.session.owner.permit.fence()
            self._give_up()
            return
        rounds.begin()
        desk.patience = MOST_WAITING
        desk.low_water = 0 if rounds.fetcher.dry else rounds.fetcher.size.low_water()
        if not len(buffer) and not (self._answered(wait=True) and len(buffer)):
            self._give_up()  # this thread will sleep

    def _answered(self, *, wait: bool) -> bool:
        """End the round under way if its replies are there; tell whether none is under way now."""
        if self._rounds.open and self._rounds.link.readable(LEAVE_TO_DRIVER if wait else 0.0):
            self._rounds.end()
        return not self._rounds.open

    def _give_up(self) -> None:
        """Leave it to the courier, at once: it need not wait and see whether a processor drives."""
        self._drove_at = _LONG_AGO
        self._desk.wake()

    def _look_again(self) -> None:
        self._desk.patience = min(MOST_WAITING, len(self._desk.outbox) + _LOOK_AGAIN_AFTER)
        self._desk.low_water = max(0, len(self._buffer) - _LOOK_AGAIN_AFTER)

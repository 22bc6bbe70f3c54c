"""Slots: how many jobs the event loop may have at a time, and what waits for room."""

from __future__ import annotations

import threading
from collections.abc import Callable

_LOOK_AGAIN = 0.05  # seconds between two looks whether to give up


class Slots:
    """So many places. Threads: processors take and wait, the event loop gives back."""

    def __init__(self, number: int, give_up: Callable[[], bool]) -> None:
        """*give_up* tells waiting threads that they are wanted elsewhere: the process leaves."""
        self._free = number
        self._give_up = give_up
        self._changed = threading.Condition(threading.Lock())

    def take(self, seconds: float) -> bool:
        """Take a place; wait up to *seconds* for one. False when there is none."""
        with self._changed:
            if not self._free:
                self._wait(seconds)
            if not self._free:
                return False
            self._free -= 1
            return True

    def give_back(self) -> None:
        """Give a place back."""
        with self._changed:
            self._free += 1
            self._changed.notify()

    def wait_for_room(self) -> None:
        """Return when a place is free, which another thread may take all the same."""
        if not self._free:
            with self._changed:
                self._wait(float("inf"))
                if self._free:
                    self._changed.notify()  # who waits with a job in hand shall hear of it, too

    def _wait(self, seconds: float) -> None:
        while not self._free and seconds > 0 and not self._give_up():
            self._changed.wait(min(seconds, _LOOK_AGAIN))
            seconds -= _LOOK_AGAIN

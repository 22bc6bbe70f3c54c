"""The deadline of a stop: until when running jobs have time."""

from __future__ import annotations

import threading

from ..clock import steady


class Deadline:
    """Set once, by the first order to stop; made now by the second, whichever comes first here.

    Threads: any.
    """

    def __init__(self) -> None:
        self.hurried = threading.Event()
        self.ordered_at: float | None = None  # steady clock, as all times here
        self.at: float | None = None
        self._lock = threading.Lock()

    def set(self, seconds: float) -> None:
        """Make it *seconds* from now, unless there is one."""
        with self._lock:
            if self.at is None:
                self.ordered_at = steady()
                self.at = self.ordered_at + (0.0 if self.hurried.is_set() else seconds)

    def hurry(self) -> None:
        """Make it now."""
        with self._lock:
            # Under the lock: set() has either not looked yet, or has made one.
            self.hurried.set()
            if self.at is not None:
                self.at = min(self.at, steady())

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        at = self.at
        return at is not None and steady() >= at

    @property
    def given(self) -> float:
        """How many seconds have passed since the order."""
        return steady() - self.ordered_at if self.ordered_at is not None else 0.0

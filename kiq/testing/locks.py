"""A lock that a forked child may take, though another thread held it at the fork."""

from __future__ import annotations

import os
import threading
from weakref import WeakSet


class Lock:
    """A ``with`` block for one thread at a time; open in a child, which has no such other thread."""

    def __init__(self) -> None:
        self.begin()
        _made.add(self)

    def begin(self) -> None:
        """Be open."""
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        if self._lock.locked():  # not so in a child that was forked in this very block
            self._lock.release()


_made: WeakSet[Lock] = WeakSet()


def _begin_anew() -> None:
    for lock in _made:
        lock.begin()


os.register_at_fork(after_in_child=_begin_anew)

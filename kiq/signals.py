"""POSIX signals to launcher calls."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from types import FrameType

logger = logging.getLogger("kiq.signals")

STOP = ("TERM", "INT", "HUP")
QUIET = ("TSTP",)
DUMP = ("TTIN",)
_HANDLED = (*STOP, *QUIET, *DUMP)


class Signals:
    """The signals that this process got, from the system or through Redis, in order.

    Threads: the main thread installs and waits; the heartbeat may :meth:`put`.
    """

    def __init__(self) -> None:
        # SimpleQueue.put is safe in a handler that interrupts it.
        self._queue: SimpleQueue[str] = SimpleQueue()

    def install(self) -> None:
        """Take over the signals; a forked child gets their default actions back."""
        for name in _HANDLED:
            signal.signal(getattr(signal, f"SIG{name}"), self._received)
        os.register_at_fork(before=_hold, after_in_child=_defaults, after_in_parent=_release)

    def put(self, name: str) -> None:
        """Add a signal by name ("TERM"); unknown names are logged and dropped."""
        if name in _HANDLED:
            self._queue.put(name)
        else:
            logger.warning("an unknown signal was sent through Redis: %r", name[:50])

    def wait(self, seconds: float) -> str | None:
        """Return the next signal, or None after *seconds*."""
        try:
            return self._queue.get(timeout=seconds)
        except Empty:
            return None

    def _received(self, number: int, _frame: FrameType | None) -> None:
        self._queue.put(signal.Signals(number).name.removeprefix("SIG"))


class _Mask(threading.local):
    """The signal mask that a thread had before it began to fork."""

    before: Iterable[int] = ()


_mask = _Mask()


def _hold() -> None:
    # A signal that reached the child before its handlers are reset would be lost: it waits instead.
    numbers = [getattr(signal, f"SIG{name}") for name in _HANDLED]
    _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _mask.before)


def _defaults() -> None:
    # A child that a job forked must die of TERM by itself, and not stop its parent.
    for name in _HANDLED:
        signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_DFL)
    _release()


def log_stacks() -> None:
    """Log where each thread is."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        stack = "".join(traceback.format_stack(frame))
        logger.warning("thread %s (%s):\n%s", names.get(ident, "?"), ident, stack)

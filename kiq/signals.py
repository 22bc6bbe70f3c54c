"""POSIX signals to launcher calls."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from types import FrameType

from .clock import steady

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
        self._bell_end, self._bell = os.pipe()
        os.set_blocking(self._bell_end, False)
        os.set_blocking(self._bell, False)

    def install(self) -> None:
        """Take over the signals; a forked child gets their default actions back."""
        for name in _HANDLED:
            signal.signal(getattr(signal, f"SIG{name}"), self._received)
        # The kernel may hand a signal to any thread, or to this one just before it falls asleep: a wait
        # that counts on being interrupted misses it (one in twenty, for two at once). The byte that
        # Python's C handler writes here is never missed.
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        os.register_at_fork(before=_hold, after_in_child=_defaults, after_in_parent=_release)

    def put(self, name: str) -> None:
        """Add a signal by name ("TERM"); unknown names are logged and dropped."""
        if name in _HANDLED:
            self._queue.put(name)
            self._ring()
        else:
            logger.warning("an unknown signal was sent through Redis: %r", name[:50])

    def wait(self, seconds: float) -> str | None:
        """Return the next signal, or None after *seconds*."""
        until = steady() + seconds
        while True:
            try:
                return self._queue.get_nowait()
            except Empty:
                left = until - steady()
            if left <= 0:
                return None
            select.select([self._bell_end], [], [], left)
            self._silence()

    def _ring(self) -> None:
        try:
            os.write(self._bell, b"!")
        except BlockingIOError:
            pass  # full of earlier rings

    def _silence(self) -> None:
        try:
            os.read(self._bell_end, 4096)
        except BlockingIOError:
            pass  # the time was up

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
    signal.set_wakeup_fd(-1)
    for name in _HANDLED:
        signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_DFL)
    _release()


def log_stacks() -> None:
    """Log where each thread is."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        stack = "".join(traceback.format_stack(frame))
        logger.warning("thread %s (%s):\n%s", names.get(ident, "?"), ident, stack)

"""Signals to this process, from the system and through Redis, in order."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from types import FrameType

from .clock import steady
from .kept import stack_of

logger = logging.getLogger("kiq.signals")

STOP = ("TERM", "INT", "HUP")
QUIET = ("TSTP",)
DUMP = ("TTIN",)
_HANDLED = {name: getattr(signal, f"SIG{name}") for name in (*STOP, *QUIET, *DUMP)}
_NAMES = {int(number): name for name, number in _HANDLED.items()}
_WOKEN = 0  # in the pipe, where the numbers of signals stand: something else is to be looked at
_ONE_ORDER = 1.0  # seconds in which several orders to stop are one: a process group got it, say


class Signals:
    """The signals that this process got, in order; orders to stop that come within a second are one.

    Threads: the main thread installs, one thread waits, any may :meth:`put`.
    """

    def __init__(self) -> None:
        self.ignored: list[str] = []  # when the process was started: by nohup, or a shell's &
        self._ours: list[int] = []
        self._sent: SimpleQueue[tuple[str, float]] = SimpleQueue()
        self._stopped_at = float("-inf")  # when the last order to stop counted
        # Python's C handler writes the number of a signal here at once, in whatever thread it came, and
        # also while the main thread is stuck in code that is no Python: who waits need not be that one.
        self._bell_end, self._bell = os.pipe()
        os.set_blocking(self._bell_end, False)
        os.set_blocking(self._bell, False)

    def install(self) -> None:
        """Take over the signals that are not ignored; a forked child gets their default actions back."""
        for name, number in _HANDLED.items():
            if signal.getsignal(number) is signal.SIG_IGN:
                self.ignored.append(name)
            else:
                signal.signal(number, self._received)
                self._ours.append(number)
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        os.register_at_fork(
            before=self._hold, after_in_child=self._defaults, after_in_parent=_release
        )

    def renew(self) -> list[str]:
        """Take back the signals that the application has taken over meanwhile; return their names."""
        taken = [number for number in self._ours if signal.getsignal(number) != self._received]
        for number in taken:
            signal.signal(number, self._received)
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        return [_NAMES[number] for number in taken]

    def put(self, name: str, since: float | None = None) -> None:
        """Add a signal by name ("TERM"); unknown names are logged and dropped.

        *since*: it was sent at that time or later (steady clock), now by default.
        """
        if name in _HANDLED:
            self._sent.put((name, steady() if since is None else since))
            self.wake()
        else:
            logger.warning("an unknown signal was sent through Redis: %r", name[:50])

    def wake(self) -> None:
        """Let who waits return with None."""
        self._ring(_WOKEN)

    def wait(self, seconds: float) -> str | None:
        """Return the next signal; None after *seconds*, or when somebody called :meth:`wake`."""
        until = steady() + seconds
        while True:
            ready, _, _ = select.select([self._bell_end], [], [], max(0.0, until - steady()))
            if not ready:
                return None
            number = os.read(self._bell_end, 1)[0]
            if number != _WOKEN:
                name, since = _NAMES.get(number, ""), steady()
            else:
                try:
                    name, since = self._sent.get_nowait()
                except Empty:
                    return None
            if name and self._is_new(name, since):
                return name

    def _is_new(self, name: str, since: float) -> bool:
        if name not in STOP:
            return True
        if since < self._stopped_at + _ONE_ORDER:
            return False
        self._stopped_at = steady()
        return True

    def _ring(self, number: int) -> None:
        try:
            os.write(self._bell, bytes((number,)))
        except BlockingIOError:
            pass  # thousands wait to be looked at

    def _received(self, number: int, _frame: FrameType | None) -> None:
        """Pass on what Python's C handler wrote to somebody else: an event loop in the main thread."""
        written_to = signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        if written_to != self._bell:
            self._ring(number)
            if written_to >= 0:
                signal.set_wakeup_fd(written_to, warn_on_full_buffer=False)

    def _hold(self) -> None:
        # A signal that reached the child before its handlers are reset would be lost: it waits instead.
        _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, self._ours)

    def _defaults(self) -> None:
        # A child that a job forked must die of TERM by itself, and not stop its parent.
        signal.set_wakeup_fd(-1)
        for number in self._ours:
            signal.signal(number, signal.SIG_DFL)
        _release()


class _Mask(threading.local):
    """The signal mask that a thread had before it began to fork."""

    before: Iterable[int] = ()


_mask = _Mask()


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _mask.before)


def log_stacks() -> None:
    """Log where each thread is."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident in sys._current_frames():
        logger.warning("thread %s (%s):\n%s", names.get(ident, "?"), ident, stack_of(ident))

"""The ears of the parent: signals and deaths of children, heard without a thread."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from typing import Any

from ..clock import steady
from ..signals import DUMP, QUIET, STOP

RESTART = "USR2"
_NAMES = {int(getattr(signal, f"SIG{name}")): name for name in (*STOP, *QUIET, *DUMP, RESTART)}
_ONE_ORDER = 1.0  # seconds in which several orders to stop are one, as for a worker


def nothing(*_: Any) -> None:
    """Be a handler: Python's C code writes the number of the signal into the pipe, which is all."""


def _leave(*_: Any) -> None:
    """Be the handler of orders to stop until there is something to put in order."""
    os._exit(0)


def _sleep(seconds: float, bell: int) -> None:
    select.select([bell], [], [], max(0.0, seconds))


class Ears:
    """Signals to this process, in order. As the first of a container it has no default actions either.

    Threads: the main one.
    """

    def __init__(self) -> None:
        self.ignored: list[str] = []  # when the process was started: by nohup, say
        self._installed = False
        self._stopped_at = float("-inf")
        self._end, self._bell = os.pipe()
        for descriptor in (self._end, self._bell):
            os.set_blocking(descriptor, False)
        self.descriptors = (self._end, self._bell)

    def install(self, *, booted: bool) -> list[str]:
        """Take over the signals that are not ignored; return those that the application had taken over.

        Before it has *booted* an order to stop ends the process at once.
        """
        taken = []
        for number, name in _NAMES.items():
            before = signal.getsignal(number)
            if before is signal.SIG_IGN and not self._installed:
                self.ignored.append(name)
            if name in self.ignored:
                continue
            if self._installed and before not in (nothing, _leave):
                taken.append(name)
            signal.signal(number, _leave if name in STOP and not booted else nothing)
        self._installed = True
        signal.signal(signal.SIGCHLD, nothing)
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        return taken

    def wait(
        self, seconds: float, sleep: Callable[[float, int], object] | None = None
    ) -> list[str]:
        """Wait until something is heard, so many seconds at most; return the signals, without CHLD.

        *sleep* does something else meanwhile: it gets the seconds, and the descriptor that wakes.
        """
        (sleep or _sleep)(seconds, self._end)
        try:
            heard = os.read(self._end, 4096)
        except BlockingIOError:
            return []
        names = [_NAMES[number] for number in heard if number in _NAMES]
        return [name for name in names if self._is_new(name)]

    def _is_new(self, name: str) -> bool:
        if name not in STOP:
            return True
        now = steady()
        if now < self._stopped_at + _ONE_ORDER:
            return False
        self._stopped_at = now
        return True

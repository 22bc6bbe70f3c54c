"""A rolling restart: the application is tried out, the parent begins anew with it, all are replaced."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from ..clock import steady
from . import heritage
from .heritage import Heritage
from .saying import say

_MOST = 300.0  # seconds that a trial may take


def home() -> str:
    """Return the folder in which this process was started, by the name that it had then.

    A deploy may point a link elsewhere: what is behind it then is what is to be started.
    """
    here = os.getcwd()
    named = os.environ.get("PWD", here)
    with suppress(OSError):
        return named if os.path.samefile(named, here) else here
    return here


class Renewal:
    """Threads: the parent's one.

    *leave* returns what the new parent is to know. *listen* acts on signals that came, and tells whether
    any did.
    """

    def __init__(self, leave: Callable[[], Heritage], listen: Callable[[], bool]) -> None:
        self._leave = leave
        self._listen = listen
        self._home = home()
        self._trial: int | None = None
        self._until = 0.0
        self._tried = False

    @property
    def pending(self) -> bool:
        """Whether the application is tried out, or was, and this parent is to begin anew."""
        return self._trial is not None or self._tried

    def begin(self) -> bool:
        """Try the application out as it is now; False where that can't be: forks of the old one must do."""
        if not heritage.may_be_left(self._leave()):
            return False
        if self._trial is not None:
            return True
        try:
            os.chdir(self._home)
            self._trial = heritage.try_out()
        except OSError as error:
            say(logging.ERROR, "the rolling restart can't begin: %s", error)
            return True
        self._until = steady() + _MOST
        say(logging.INFO, "rolling restart: the application is tried out (pid %d)", self._trial)
        return True

    def look(self) -> None:
        """Begin anew where that was tried; end a trial that takes too long."""
        if self._tried:
            self._begin_anew()
        elif self._trial is not None and steady() > self._until:
            with suppress(ProcessLookupError):
                os.kill(self._trial, signal.SIGKILL)

    def ended(self, pid: int, code: int) -> None:
        """Note the end of a process, which may be the trial."""
        if pid != self._trial:
            return
        self._trial, self._tried = None, code == 0
        if code:
            say(
                logging.ERROR,
                "the rolling restart is given up: the application can't be started as it is now (exit code "
                "%d), see above. All stay as they are",
                code,
            )

    def _begin_anew(self) -> None:
        with heritage.signals_held():
            if self._listen():
                return  # an order to stop, perhaps
            self._tried = False
            say(logging.INFO, "rolling restart: the parent begins anew")
            try:
                heritage.begin_anew(self._leave())
            except OSError as error:
                say(logging.ERROR, "the parent can't begin anew: %s", error)


def fail(left: Heritage) -> None:
    """Stop the children of before in order: the application can't be started though it was tried out."""
    pids = [heir.pid for heir in left.heirs]
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    for pid in pids:
        os.waitpid(pid, 0)

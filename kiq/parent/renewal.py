"""A rolling restart: the application is tried out, the parent begins anew with it, all are replaced."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from ..clock import steady
from . import heritage
from .ends import how
from .heritage import Heritage
from .saying import say

_MOST = 300.0  # seconds that a trial may take
_BEYOND = 8.0  # seconds beyond the deadline of a stop: a child cuts off itself after five
_LOOK = 0.05  # seconds between two looks which child has ended


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
    any did. *failed* hears why a restart came to nothing.
    """

    def __init__(
        self,
        leave: Callable[[], Heritage],
        listen: Callable[[], bool],
        failed: Callable[[str], None],
    ) -> None:
        self._leave = leave
        self._listen = listen
        self._failed = failed
        self._home = home()
        self._trial: int | None = None
        self._until = 0.0
        self._tried = False
        self._again = False  # another order came, for what is there since
        self._answer = -1

    @property
    def pending(self) -> bool:
        """Whether the application is tried out, or was, and this parent is to begin anew."""
        return self._trial is not None or self._tried

    def begin(self) -> bool:
        """Try the application out as it is now; False where that can't be: forks of the old one must do."""
        if not heritage.may_be_left(self._leave()):
            return False
        if self._trial is not None:
            self._again = True
            return True
        self._tried = self._again = False
        try:
            os.chdir(self._home)
            self._answer = os.memfd_create("kiq-answer")
            self._trial = heritage.try_out(self._answer)
        except OSError as error:
            self._close_answer()
            self._give_up(f"the rolling restart can't begin: {error}")
            return True
        self._until = steady() + _MOST
        say(logging.INFO, "rolling restart: the application is tried out (pid %d)", self._trial)
        return True

    def _give_up(self, text: str) -> None:
        say(logging.ERROR, "%s", text)
        self._failed(text)

    def _close_answer(self) -> str:
        descriptor, self._answer = self._answer, -1
        if descriptor < 0:
            return ""
        try:
            return os.pread(descriptor, 4096, 0).decode(errors="replace").strip()
        finally:
            os.close(descriptor)

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
        self._trial, why = None, self._close_answer()
        if self._again:
            self.begin()
        elif code:
            how_ = f"{how(code)}: {why}" if why else f"{how(code)}, see the log of the parent"
            self._give_up(
                "the rolling restart is given up: the application can't be started as it is now "
                f"({how_}). All stay as they are"
            )
        else:
            self._tried = True

    def _begin_anew(self) -> None:
        with heritage.signals_held():
            if self._listen():
                return  # an order to stop, perhaps
            self._tried = False
            say(logging.INFO, "rolling restart: the parent begins anew")
            try:
                heritage.begin_anew(self._leave())
            except OSError as error:
                self._give_up(f"the parent can't begin anew: {error}")


def fail(left: Heritage) -> None:
    """Stop the children of before: the application can't be started though it was tried out.

    In order; what has not ended 8 seconds after their time is killed, with what it has started.
    """
    living = {heir.pid for heir in left.heirs}
    for pid in living:
        os.kill(pid, signal.SIGTERM)
    deadline = steady() + left.patience + _BEYOND
    while living := {pid for pid in living if os.waitpid(pid, os.WNOHANG)[0] == 0}:
        if steady() >= deadline:
            break
        time.sleep(_LOOK)
    for pid in living:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

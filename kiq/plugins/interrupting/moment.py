"""Whether this is a good moment to raise an exception in a thread: not while kiq or the log is at it.

Nothing depends on it, as the thread goes on while we look. But an exception in the middle of a push, or
of a log handler that holds its lock, would harm more than the job that it is for.
"""

from __future__ import annotations

import itertools
import sys
import traceback
from types import FrameType

from ...clock import steady

#: Seconds to wait for a good moment: longer than the time-outs of a push while Redis is away.
PATIENCE = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05

#: What calls the user's code: functions of kiq that may stand right outside of it.
_CALLERS = {"kiq.work.executor": "_perform", "kiq.inline": "perform_job", "kiq.middleware": "call"}


class Moment:
    """Waits for a good moment to raise something in the thread *ident*."""

    def __init__(self, ident: int) -> None:
        self._ident = ident
        self._pause = _FIRST_PAUSE
        self._until: float | None = None

    def wait(self) -> float | None:
        """Return when to ask again (steady clock), or None: now, or it can't be waited for any more."""
        now = steady()
        if self._until is None:
            self._until = now + PATIENCE
        if now >= self._until or in_user_code(self._ident):
            return None
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return now + pause


def in_user_code(ident: int) -> bool:
    """Tell whether the thread *ident* runs code that a job brought, as it seems from here."""
    frame = sys._current_frames().get(ident)
    for depth in itertools.count():
        if frame is None:
            return False
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == "logging":
            return False
        if module.partition(".")[0] == "kiq":
            return depth > 0 and _calls_user_code(module, frame)
        frame = frame.f_back
    return False


def _calls_user_code(module: str, frame: FrameType) -> bool:
    # A plugin may run parts of a job (its iterations, say); what it does itself is innermost.
    return _CALLERS.get(module) == frame.f_code.co_name or module.startswith("kiq.plugins.")


def stack_of(ident: int) -> str:
    """Return where the thread *ident* is, as a traceback shows it."""
    frame = sys._current_frames().get(ident)
    return "".join(traceback.format_stack(frame)) if frame is not None else "(it has ended)\n"

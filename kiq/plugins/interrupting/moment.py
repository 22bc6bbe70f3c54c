"""Whether this is a good moment to raise an exception in a thread, and how long to wait for one.

No promise depends on it, as the thread goes on while we look. But an exception in the middle of a push,
or between the taking of a lock and the block that gives it back, would harm more than the job that it
is for.
"""

from __future__ import annotations

import itertools
import sys
import traceback
from types import FrameType

from ...clock import steady

#: Seconds to wait while a job pushes (longer than the time-outs, while Redis is away), or logs.
FOR_KIQ = 10.0
#: Seconds to wait while it is in the Python code of a lock, an event or a queue. It may wait there.
FOR_LOCKS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05

#: What calls the user's code: functions of kiq that may stand right outside of it.
_CALLERS = {"kiq.work.executor": "_perform", "kiq.inline": "begin_job", "kiq.middleware": "call"}


class Moment:
    """Waits for a good moment to raise something in the thread *ident*."""

    def __init__(self, ident: int) -> None:
        self._ident = ident
        self._pause = _FIRST_PAUSE
        self._began: float | None = None

    def wait(self) -> float | None:
        """Return when to ask again (steady clock), or None: now, or it can't be waited for any more."""
        now = steady()
        if self._began is None:
            self._began = now
        if now - self._began >= patience_with(self._ident):
            return None
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return now + pause


def patience_with(ident: int) -> float:
    """Return how many seconds to wait for a better moment, seen from where the thread *ident* is now.

    0 where it runs code that a job brought.
    """
    frame = sys._current_frames().get(ident)
    in_a_lock = False
    for depth in itertools.count():
        if frame is None:
            return FOR_KIQ  # no job runs there
        module = str(frame.f_globals.get("__name__", ""))
        root = module.partition(".")[0]
        if root == "logging":
            return FOR_KIQ
        if depth == 0:
            in_a_lock = root in ("threading", "queue")
        if root == "kiq":
            if not depth or not _calls_user_code(module, frame):
                return FOR_KIQ
            return FOR_LOCKS if in_a_lock else 0.0
        frame = frame.f_back
    return FOR_KIQ


def _calls_user_code(module: str, frame: FrameType) -> bool:
    # A plugin may run parts of a job (its iterations, say); what it does itself is innermost.
    return _CALLERS.get(module) == frame.f_code.co_name or module.startswith("kiq.plugins.")


def stack_of(ident: int) -> str:
    """Return where the thread *ident* is, as a traceback shows it."""
    frame = sys._current_frames().get(ident)
    return "".join(traceback.format_stack(frame)) if frame is not None else "(it has ended)\n"

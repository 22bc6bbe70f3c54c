"""Whether this is a good moment to raise an exception in a thread, and how to have it come there.

No promise depends on it, as the thread goes on while we look. But an exception in the middle of a push,
or between the taking of a lock and the block that gives it back, would harm more than the job that it
is for.
"""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Callable, Hashable
from types import FrameType
from typing import Any

from . import interruption

#: Seconds to wait while a job pushes (longer than the time-outs, while Redis is away), or logs.
FOR_KIQ = 10.0
#: Seconds to wait while it is in the Python code of a lock, an event or a queue. It may wait there.
FOR_LOCKS = 1.0

#: What calls the user's code: functions of kiq that may stand right outside of it.
_CALLERS = {"kiq.work.executor": "_perform", "kiq.inline": "begin_job", "kiq.middleware": "call"}


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
    # A plugin or a layer may run parts of a job (its iterations, say); what it does itself is innermost.
    return _CALLERS.get(module) == frame.f_code.co_name or module.startswith(
        ("kiq.plugins.", "kiq.contrib.")
    )


def on_its_way(key: Hashable, ident: int, interrupt: Callable[[], object]) -> None:
    """Have *interrupt* called in the thread *ident* when it is through with its push, or its log line.

    Unless *key* is taken out of ``interruption.due`` before: who does that may raise in its stead.
    """
    interruption.due[key] = ident, interrupt
    if not hasattr(logging.getLogRecordFactory(), "looks_at_due"):
        _look_before_log_lines()


def _look_before_log_lines() -> None:
    made = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        if not interruption.due:
            if logging.getLogRecordFactory() is factory:
                logging.setLogRecordFactory(made)
        elif not _logs_for_kiq():
            interruption.arrive()  # no lock of the log is taken yet
        return made(*args, **kwargs)

    vars(factory)["looks_at_due"] = True
    logging.setLogRecordFactory(factory)


def _logs_for_kiq() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") == "logging":
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__")).startswith("kiq.")

"""The end of a worker process: what Python does at the end of a program, and then no waiting."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from ..clock import steady
from ..loggers import lines

logger = logging.getLogger("kiq")

_FOR_THREADS = 5.0  # seconds for threads that are no daemons
_LEAST = 0.5  # seconds that a step has in any case


class _TooLong(BaseException):
    """Raised in the main thread: the step under way has had its time."""


def run_exit_handlers(until: float) -> None:
    """Wait for threads that are no daemons, and call what was registered to run at exit.

    As at the end of any program, in the same order, and by the main thread, which this is to be: error
    trackers, tracers and executors send here what they still have. What hangs leaves time to the rest:
    all are to be done at *until* (steady clock), the threads within five seconds.
    """
    _run(threading._shutdown, min(_FOR_THREADS, (until - steady()) / 2))  # type: ignore[attr-defined]
    # Not by is_alive: a wait that was broken off leaves threads that look as if they had ended.
    alive, main = sys._current_frames(), threading.main_thread()
    others = [one for one in threading.enumerate() if one is not main and not one.daemon]
    left = [one.name for one in others if one.ident in alive]
    if left:
        logger.warning("the process ends without threads that did not end: %s", ", ".join(left))
    _run(atexit._run_exitfuncs, (until - steady()) / 2)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads it any more


def end_now(code: int, seconds: float = 0.3) -> NoReturn:
    """End the process; what the log still holds has *seconds*."""
    lines.drain(seconds)
    os._exit(code)


def _run(step: Callable[[], object], seconds: float) -> None:
    """Call *step*; raise in it what ends a wait after *seconds*, and again as often as it goes on."""
    try:
        signal.signal(signal.SIGALRM, _too_long)
        signal.setitimer(signal.ITIMER_REAL, max(seconds, _LEAST), max(seconds, _LEAST))
        try:
            step()
        finally:
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
    except _TooLong:
        return  # said by who knows what was waited for
    except BaseException as error:
        logger.error("what runs at exit failed: %r", error, exc_info=error)


def _too_long(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _TooLong("it has had its time: the process ends")

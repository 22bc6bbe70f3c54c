"""The end of a worker process: what Python does at the end of a program, and then no waiting."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from typing import NoReturn

from ..loggers import lines

logger = logging.getLogger("kiq")

_TO_WRITE = 1.0  # seconds for the lines that wait


def run_exit_handlers() -> None:
    """Wait for threads that are no daemons, and call what was registered to run at exit.

    As at the end of any program, in the same order, and by the main thread: error trackers, tracers
    and executors send here what they still have. It takes as long as they take.
    """
    lines.drain(_TO_WRITE)
    for step in (threading._shutdown, atexit._run_exitfuncs):  # type: ignore[attr-defined]
        try:
            step()
        except BaseException as error:
            logger.error("what runs at exit failed: %r", error, exc_info=error)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads it any more


def end_now(code: int, seconds: float = 0.3) -> NoReturn:
    """End the process; what the log still holds has *seconds*."""
    lines.drain(seconds)
    os._exit(code)

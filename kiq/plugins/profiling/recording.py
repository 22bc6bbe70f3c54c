"""Recording: the profiler around one run, on the thread of that run alone."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from types import FrameType
from typing import Any

from .stacks import Stacks

INTERVAL = 0.001  # seconds between two samples, at least


class Recording:
    """One run under pyinstrument's sampler. :meth:`stop` on the thread on which it was made.

    Raises ImportError where pyinstrument is not installed, and RuntimeError where this thread is
    being profiled already. Other threads are not recorded, nor slowed down (by a little, from Python
    3.12 on).
    """

    def __init__(self) -> None:
        # By name, and only now: it is an extra, and nobody else pays for it.
        sampler = importlib.import_module("pyinstrument.low_level.stat_profile")
        walker = importlib.import_module("pyinstrument.stack_sampler")
        if sys.getprofile() is not None:
            raise RuntimeError("another profiler is at work on this thread")
        self.stacks = Stacks(INTERVAL)
        self.thread = threading.current_thread()
        self.pid = os.getpid()
        self.broken: BaseException | None = None
        self._outer = _depth()
        self._walk: Any = walker.build_call_stack
        self._sample: Any = sampler.setstatprofile
        self.started_at = time.time()
        self._began = self._seen = time.perf_counter()
        self.elapsed = 0.0  # seconds, known when it has stopped
        self._sample(self._saw, INTERVAL)

    def stop(self) -> None:
        """Record no more. Never raises: what went wrong is in *broken*."""
        self.elapsed = time.perf_counter() - self._began
        try:
            self._sample(None)
        except Exception as error:  # noqa: BLE001 (the job has run; nothing may become of it)
            self.broken = self.broken or error

    def _saw(self, frame: FrameType, event: str, argument: Any) -> None:
        # Called in the middle of the job's own code: nothing may get out.
        try:
            now = time.perf_counter()
            stack = self._walk(frame, event, argument)
            self.stacks.add(stack[self._outer :], now - self._seen)
            self._seen = now
        except Exception as error:  # noqa: BLE001
            self.broken = error


def _depth() -> int:
    """Return how deep the layer stands that makes a recording, as the profiler counts."""
    depth = 1  # the thread's own name comes first
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return depth

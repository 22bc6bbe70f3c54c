"""The watchdog: says which job blocks the event loop, and so all the others."""

from __future__ import annotations

import asyncio
import logging
import threading

from ...clock import steady
from ...kept import Kept, stack_of

logger = logging.getLogger("kiq.asyncio")


class Watchdog:
    """Asks the loop for an answer, again and again; logs the stack of what keeps it from answering.

    Threads: its own.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, thread: threading.Thread, seconds: float
    ) -> None:
        """*seconds* without an answer of the loop, which runs on *thread*, are too many."""
        self._loop = loop
        self._thread = thread
        self._seconds = seconds
        self._stopping = threading.Event()
        self._answered = threading.Event()
        Kept(self._run, "kiq-loop-watchdog").start()

    def stop(self) -> None:
        """End, soon."""
        self._stopping.set()
        self._answered.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds / 2):
            self._answered.clear()
            asked_at = steady()
            try:
                self._loop.call_soon_threadsafe(self._answered.set)
            except RuntimeError:
                return  # closed
            if self._answered.wait(self._seconds) or self._stopping.is_set():
                continue
            self._tell(steady() - asked_at)
            self._answered.wait()
            if not self._stopping.is_set():
                logger.warning("the event loop goes on, after %.1f s", steady() - asked_at)

    def _tell(self, seconds: float) -> None:
        task = asyncio.current_task(self._loop)
        logger.error(
            "the event loop has been blocked for %.1f s by %s: no async job goes on meanwhile. Use "
            "await, or asyncio.to_thread for what can only wait. It is here:\n%s",
            seconds,
            task.get_name() if task else "a callback",
            stack_of(self._thread.ident),
        )

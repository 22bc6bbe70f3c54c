"""The plugin that works off: it looks whether anything is left, and ends the worker when nothing is."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ...errors import UndecodablePayload
from ...plugin import Host
from ...process import WorkerProcess
from ...verdict import Done, Dropped, ToDead, ToRetry
from ..job_events import Finished, observe
from .looking import Left, Look

logger = logging.getLogger("kiq")

_PAUSE = 0.1  # seconds between two looks
_FOR_THE_DEAD = 0.5  # ... while jobs of dead processes are to come back
#: The exit code for jobs that failed, or are left: that of commands that did not do all.
_NOT_DONE = 1


class Drain:
    """Ends the worker when its queues are empty, nothing is due, and it has nothing in hand.

    *wait*: what is due within so many seconds is waited for; by default what is due now counts alone.
    Threads: those of jobs count, that of its loop looks.
    """

    name = "drain"

    def __init__(self, wait: float = 0.0) -> None:
        self._wait = wait
        self._lock = threading.Lock()
        self._done = 0
        self._failed: set[str] = set()  # jids: a job that runs well in the end has not failed
        self._broken = 0
        self.code = _NOT_DONE  # for the process; as long as it is not done, something may be left

    def install(self, host: Host) -> None:
        """Hear how jobs end, and look after each worker that starts."""
        observe(host, finished=self._finished)
        host.on_error(self._erred)
        host.services.append(lambda process: _Watch(process, self, self._wait))

    def _finished(self, attempt: Finished) -> None:
        verdict, jid = attempt.verdict, str(attempt.payload.get("jid"))
        failed = isinstance(verdict, ToRetry | ToDead) or (
            isinstance(verdict, Dropped) and verdict.failed
        )
        with self._lock:
            if failed:
                self._failed.add(jid)
            elif isinstance(verdict, Done):
                self._done += 1
                self._failed.discard(jid)

    def _erred(self, error: BaseException, _context: dict[str, Any]) -> None:
        if isinstance(error, UndecodablePayload):
            with self._lock:
                self._broken += 1

    def over(self, left: Left) -> int:
        """Say what was done and what is left, and return the exit code."""
        with self._lock:
            done, failed = self._done, len(self._failed) + self._broken
        self.code = _NOT_DONE if failed or left.paused else 0
        parts = [f"{done} jobs done", f"{failed} failed"]
        if left.paused:
            parts.append(f"{left.paused} left in paused queues")
        if left.later:
            parts.append(f"{left.later} retries or scheduled jobs are due later")
        logger.info("worked off: %s", ", ".join(parts))
        return self.code


class _Watch:
    """Looks after one worker."""

    def __init__(self, process: WorkerProcess, drain: Drain, wait: float) -> None:
        self._process = process
        self._drain = drain
        self._look = Look(process, wait)
        self._told = False
        self._link = process.connector.open()
        self._loop = process.loop(
            "drain", self._tick, lost=self._link.close, leave=self._link.close
        )

    def start(self) -> None:
        """Begin to look."""
        self._loop.start()

    def stop(self) -> None:
        """Look no more."""
        self._loop.stop()

    def _tick(self) -> float:
        left = self._look.at(self._link)
        if left is None or not left.nothing_to_do:
            return _PAUSE
        # In this order: what comes back behind the look at the dead is seen by the one that follows.
        orphaned = self._look.orphaned()
        if orphaned:
            if not self._told:
                self._told = True
                logger.info("%d jobs of dead processes are waited for", orphaned)
            return _FOR_THE_DEAD
        left = self._look.at(self._link)
        if left is not None and left.nothing_to_do:
            self._loop.stop()
            self._process.end(self._drain.over(left))
        return _PAUSE

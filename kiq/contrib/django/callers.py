"""Async code under a synchronous caller: its transaction is on the caller's thread, which waits.

``async_to_sync`` runs a coroutine on another thread, and lets it call code on the thread from which it was
called: where the caller's connections, and its atomic blocks, are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor

from asgiref.sync import AsyncToSync

from ...inline import a_loop_runs_here
from ...plugins.after_commit import Deferred, Transaction, push_all

logger = logging.getLogger("kiq.client")

#: Seconds in which a thread that waits must have answered; it may be at something else just then.
_PATIENCE = 1.0


def thread_of_caller() -> Executor | None:
    """Return what runs code on the thread of the synchronous caller of this code; None for none."""
    if not a_loop_runs_here():
        return None
    thread: Executor | None = getattr(AsyncToSync.executors, "current", None)
    return thread or AsyncToSync.loop_thread_executors.get(asyncio.get_running_loop())


class OfCaller:
    """The transaction of the caller."""

    def __init__(self, thread: Executor, here: Callable[[], Transaction | None]) -> None:
        self._thread, self._here = thread, here

    @classmethod
    def found(cls, thread: Executor, here: Callable[[], Transaction | None]) -> OfCaller | None:
        """Return it, if there is one. Blocks the loop for that long."""
        return cls(thread, here) if _asked(thread, lambda: here() is not None) else None

    def defer(self, job: Deferred) -> None:
        """Push *job* when it is committed."""

        def defer() -> bool:
            transaction = self._here()
            if transaction is not None:
                transaction.defer(job)
            return transaction is not None

        if not _asked(self._thread, defer):
            push_all([job])


def _asked(thread: Executor, act: Callable[[], bool]) -> bool:
    """Return what *act* returns on *thread*; False where that does not answer."""
    try:
        answer = thread.submit(act)
    except RuntimeError:
        return False  # the caller waits no more
    try:
        return answer.result(_PATIENCE)
    except TimeoutError:
        if not answer.cancel():
            return answer.result()
    logger.warning(
        "a job is pushed in async code, by a thread that can't see whether its synchronous caller is in "
        "a transaction: that is busy. Write await HardWorker.aio.perform_async(...), which waits for it"
    )
    return False

"""Threads beside the event loop, for what users' handlers and hooks do about its jobs: they may block."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any

from ... import children
from ...kept import Kept
from ...raised import traceback_of

_MOST = 32  # threads


class Aside:
    """Calls functions on threads of its own, as many at a time as there are threads.

    Threads: the loop's calls :meth:`call`, the launcher's :meth:`close`.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = 0
        self._idle = threading.Semaphore(0)  # threads that wait for a call that is not theirs yet

    def call(self, function: Callable[[], Any]) -> Future[Any]:
        """Call *function*, in a copy of this context and under the exception that is handled here.

        At once where no thread can be had.
        """
        future: Future[Any] = Future()
        error, context = sys.exception(), copy_context()

        def run() -> None:
            try:
                result = context.run(_under, error, function)
                children.end_here()
                future.set_result(result)
            except BaseException as problem:  # noqa: BLE001 (for who waits)
                children.end_here(problem)
                future.set_exception(problem)

        if children.present:  # it has none of these threads
            run()
            return future
        if not self._idle.acquire(blocking=False) and self._threads < _MOST:
            self._hire()
        if self._threads:
            self._calls.put(run)
        else:
            run()
        return future

    def close(self) -> None:
        """End the threads, each after what it has in hand; nothing is called any more."""
        for _ in range(self._threads):
            self._calls.put(None)

    def _hire(self) -> None:
        try:
            Kept(self._run, f"kiq-async-handlers-{self._threads + 1}").start()
            self._threads += 1
        except RuntimeError:
            return  # the others will come to it

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            self._idle.release()


def _under(error: BaseException | None, function: Callable[[], Any]) -> Any:
    """Call *function* where ``sys.exception()`` is *error*, as it was where the job ran."""
    if error is None:
        return function()
    trace = traceback_of(error)
    try:
        raise error
    except BaseException as raised:  # noqa: BLE001 (only to be handled here)
        BaseException.with_traceback(raised, trace)  # without this frame
        return function()

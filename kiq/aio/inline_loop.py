"""The event loop of async jobs that run here and now: one for the process, as in a worker.

What a job makes at its first use and keeps, a client say, belongs to the loop on which it was made; the
next job must find that loop again.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Collection, Coroutine
from contextvars import copy_context
from typing import Any

from ..inline import waiter

_LOOK_AGAIN = 0.005  # seconds between two looks whether another thread has run this one's job
_LAST_WORDS = 0.5  # seconds at the end of the process for what is left on the loop

Job = Coroutine[Any, Any, Any]


class _Call:
    """One coroutine on *loop*, in the context in which this is made."""

    def __init__(self, loop: asyncio.AbstractEventLoop, job: Job) -> None:
        self._loop = loop
        self.task: asyncio.Task[Any] | None = None
        loop.call_soon_threadsafe(self._begin, job)

    @property
    def over(self) -> bool:
        """Whether the coroutine has ended."""
        return self.task is not None and self.task.done()

    def _begin(self, job: Job) -> None:
        self.task = self._loop.create_task(job)
        self.task.add_done_callback(lambda _: self._loop.stop())

    def drive(self, others: Collection[_Call]) -> None:
        """Run the loop on this thread until the coroutine has ended, and *others* meanwhile."""
        while not self.over:
            try:
                self._loop.run_forever()
            except BaseException as error:
                if self.over or any(each.ended_by(error) for each in list(others)):
                    continue  # who asked for that one is told
                self._cancel()  # it was raised in this thread: Ctrl-C
                raise

    def ended_by(self, error: BaseException) -> bool:
        """Tell whether the coroutine has called ``sys.exit``, and *error* is that."""
        if self.task is None or not self.task.done() or self.task.cancelled():
            return False
        return isinstance(error, SystemExit) and self.task.exception() is error

    def _cancel(self) -> None:
        while not self.over:
            self._loop.call_soon(self._cancel_task)  # not at once: it may not have begun
            self._loop.run_forever()

    def _cancel_task(self) -> None:
        if self.task is not None:
            self.task.cancel()


class InlineLoop:
    """Runs coroutines, each on the thread that asks for it, unless another is at it: then on that one.

    Threads: any. What a job leaves on the loop goes on while another one runs.
    """

    def __init__(self) -> None:
        self._left: list[asyncio.AbstractEventLoop] = []
        self._inner: InlineLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begin()

    def _begin(self) -> None:
        self._making, self._turn = threading.Lock(), threading.Lock()
        self._calls: set[_Call] = set()

    def run(self, job: Job) -> Any:
        """Run *job* to its end, in a copy of this context; return or raise what it does.

        Not on a thread where an event loop runs.
        """
        loop, inner = self._get()
        turn, calls = self._turn, self._calls
        inside = copy_context()
        inside.run(waiter.set, inner.run)  # the job blocks this loop, should it run another one
        call = inside.run(_Call, loop, job)
        calls.add(call)
        try:
            while not call.over:
                if turn.acquire(timeout=_LOOK_AGAIN):
                    try:
                        call.drive(calls)
                    finally:
                        turn.release()
        finally:
            calls.discard(call)
        assert call.task is not None
        return call.task.result()

    def _get(self) -> tuple[asyncio.AbstractEventLoop, InlineLoop]:
        with self._making:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                atexit.register(self._close, self._loop)
            if self._inner is None:
                self._inner = InlineLoop()
            return self._loop, self._inner

    def forked(self) -> None:
        """Begin anew in a child: the loop is its parent's, and must not even be closed here."""
        if self._loop is not None:
            atexit.unregister(self._close)
            self._left.append(self._loop)
            self._loop = None
        self._begin()
        if self._inner is not None:
            self._inner.forked()

    def _close(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_running() and not loop.is_closed():
            loop.run_until_complete(_clear_up())
            loop.close()


async def _clear_up() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_LAST_WORDS)
    await asyncio.get_running_loop().shutdown_asyncgens()


_inline = InlineLoop()
os.register_at_fork(after_in_child=_inline.forked)

#: Runs a coroutine to its end, where no other loop is meant; see :meth:`InlineLoop.run`.
run_here = _inline.run

"""One job on the event loop, from its thread's hand-over to its verdict."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context
from typing import Any

from ... import interruption
from ...clock import steady
from ...errors import Shutdown
from ...good_moment import on_its_way
from ...logcontext import on_loop
from ...middleware import Next, ServerContext
from ...process import Handover
from ...raised import is_a
from ...verdict import Taken, ToQueue, Verdict
from ...worker_state import cancelled_as
from ..interrupting.elsewhere import elsewhere_in, here
from .aside import Aside
from .bridge import in_greenlet, wait

_LOOK_AGAIN = 0.05  # seconds between two looks whether it may start


class AsyncRun:
    """A job that left its thread. It is the ``task`` of its :class:`kiq.ServerContext`.

    Threads: made by a processor, then the event loop's; the heartbeat reads what it shows, and
    :meth:`throw` and :meth:`interrupt` may be called on any.
    """

    __slots__ = (
        "_aside",
        "_attempt",
        "_cancels",
        "_context",
        "_early",
        "_ended",
        "_handover",
        "_ident",
        "_leaving",
        "_loop",
        "_performing",
        "_reason",
        "_task",
        "_verdict",
        "current",
        "started_at",
        "tid",
    )

    def __init__(
        self,
        taken: Taken,
        context: Any,
        attempt: Callable[[], Verdict],
        handover: Handover,
        loop: asyncio.AbstractEventLoop,
        tid: str,
        ended: Callable[[BaseException | None], None],
        aside: Aside,
    ) -> None:
        """*ended* is told when all is over, and the error if one of kiq's own was the cause."""
        self._aside = aside
        self.current: Taken | None = taken
        self.started_at = steady()
        self.tid = tid
        self._context = context
        self._attempt = attempt
        self._handover = handover
        self._loop = loop
        self._ended = ended
        self._task: asyncio.Task[None] | None = None
        self._verdict: Verdict | None = ToQueue()  # while it has not started
        self._performing = False
        self._early: BaseException | None = None  # thrown while a layer waited, before it began
        self._reason: BaseException | None = None  # why its task was last cancelled
        self._cancels = 0
        self._leaving = False
        self._ident = 0  # the loop's thread

    # On any thread

    def throw(self, error: BaseException | type[BaseException]) -> None:
        """End the job's coroutine: it gets CancelledError where it waits, middleware gets *error*.

        *error* may be a class, as in ``raise``. A coroutine that has not begun does not begin: *error*
        is raised in its stead. Nothing happens when it has ended. One that catches the CancelledError
        and goes on is left alone.
        """
        reason, key = error() if isinstance(error, type) else error, object()
        # A coroutine that pushes again and again without an await blocks its loop: it meets it there.
        on_its_way(key, self._ident, lambda: self._raise(reason))
        try:
            self._loop.call_soon_threadsafe(self._cancel, reason, key)
        except RuntimeError:  # the loop is closed: nothing runs there any more
            interruption.due.pop(key, None)

    def interrupt(self, patience: float = 0.0) -> None:  # noqa: ARG002 (a thread's needs some)
        """End the job because the process leaves; it goes back to its queue, uncounted. Once."""
        if not self._leaving:
            self._leaving = True
            self.throw(Shutdown())

    # On the event loop

    def begin(self) -> None:
        """Start the task."""
        self._ident = threading.get_ident()
        payload = self._context.payload
        name = f"{payload['class'][:200]} jid={self._context.jid[:100]}"
        self._task = self._loop.create_task(self._run(), name=name, context=Context())
        self._task.add_done_callback(self._done)

    def perform(self, perform: Next[ServerContext]) -> Any:
        """Call *perform* for the coroutine of the job, and wait for it: the innermost layer."""
        if self._early is not None:
            early, self._early = self._early, None
            raise early
        self._performing = True
        try:
            return wait(perform(self._context))
        finally:
            self._performing = False
            self._forget_cancels()

    def wait(self, awaitable: Awaitable[Any]) -> Any:
        """Wait for *awaitable*; to be called in a layer."""
        return wait(awaitable)

    def beside(self, function: Callable[[], Any]) -> Any:
        """Return what *function* returns, which may block: it is called beside the loop.

        To be waited for as in a layer. Nothing cancels it.
        """
        return wait(_outcome(self._aside.call(function)))

    async def within(self, call_next: Next[ServerContext], context: ServerContext) -> Any:
        """Call the plain layers from *call_next* on, in a coroutine for which :meth:`wait` waits."""
        return await in_greenlet(call_next, context, meant=self._meant)

    async def _run(self) -> None:
        on_loop.set(self.tid)
        if not await self._may_start():
            self._verdict = None
            return
        self.started_at = steady()
        also = cancelled_as(self._context.payload)
        with elsewhere_in(self._context.worker).running(self._context.jid, self.throw, also):
            self._verdict = await in_greenlet(self._attempt, meant=self._meant)
        self._handover.end_child()  # at once: the loop of a child would go on with everybody's jobs

    async def _may_start(self) -> bool:
        """Wait for the leave to start, as a thread does.

        It had that leave when it was handed over, but the loop may have been blocked since.
        """
        assert self.current is not None
        while (may := self._handover.may_start(self.current)) is None:
            self._handover.wake()
            await asyncio.sleep(_LOOK_AGAIN)
        return may

    def _raise(self, error: BaseException) -> None:
        if here.get() == self.throw:  # not another job that shares the loop
            raise error

    def _cancel(self, error: BaseException, key: object) -> None:
        task, waiting = self._task, interruption.due.pop(key, None)
        if task is None or task.done() or waiting is None:
            return
        if self._performing or isinstance(error, Shutdown):
            self._reason = error
            self._cancels += 1
            task.cancel()
        elif not self._context.performed:
            self._early = error

    def _meant(self, error: BaseException) -> BaseException:
        """Return why the coroutine was cancelled, if it was :meth:`throw` that did it."""
        reason = self._reason
        if reason is None or not is_a(error, asyncio.CancelledError):
            return error
        self._forget_cancels()
        if reason.__cause__ is None:
            reason.__cause__ = error  # where it was
        return reason

    def _forget_cancels(self) -> None:
        # Not the reason: where a layer has a task of its own for what is inside of it, the same cancel
        # arrives there first, and again in the layer.
        while self._cancels and self._task is not None:
            self._cancels -= 1
            self._task.uncancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._verdict = ToQueue(last=True)
        self.finish(error)

    def finish(self, error: BaseException | None = None) -> None:
        """Deliver the verdict; *error* is one of kiq's own."""
        self._context.task = None  # it refers to this, which refers to it
        self._handover.deliver(self, self._verdict)
        self._ended(error)


async def _outcome(future: Future[Any]) -> Any:
    called = asyncio.wrap_future(future)
    while not called.done():
        with suppress(asyncio.CancelledError):  # what becomes of the job is being decided
            await asyncio.shield(called)
    return called.result()

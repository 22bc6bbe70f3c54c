"""The bridge: plain code that waits for coroutines, on the thread of their event loop.

Middleware is plain: it calls the next layer, and goes on when that returns. So that it can stand around
a coroutine, it runs in a greenlet, a stack of its own: where its innermost call has to wait, it
switches to the task, which awaits, and switches back with the outcome.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from greenlet import getcurrent, greenlet

from ...raised import traceback_of


async def in_greenlet(
    function: Callable[..., Any],
    *arguments: Any,
    meant: Callable[[BaseException], BaseException],
) -> Any:
    """Call *function*, in which :func:`wait` waits for this task; return what it returns.

    *meant* is asked which error stands for one that an awaitable raised.
    """
    inner = greenlet(function)
    # The task's own context: what a layer sets is seen by the coroutine.
    inner.gr_context = getcurrent().gr_context
    outcome = inner.switch(*arguments)
    while not inner.dead:
        try:
            value = await outcome
        except BaseException as error:  # noqa: BLE001 (for the plain code to deal with)
            trace = traceback_of(error)
            trimmed = trace.tb_next if trace is not None else None  # without this frame
            known = meant(BaseException.with_traceback(error, trimmed))
            outcome = inner.throw(type(known), known, traceback_of(known))
        else:
            outcome = inner.switch(value)
    return outcome


def wait(awaitable: Awaitable[Any]) -> Any:
    """Wait for *awaitable*, in plain code that :func:`in_greenlet` called; other tasks go on meanwhile."""
    parent = getcurrent().parent
    if parent is None:
        raise RuntimeError(
            "a layer called call_next of an async job on another thread: its coroutine can only be "
            "awaited on the event loop's; call it where the layer was called"
        )
    return parent.switch(awaitable)

"""Calling plain code from asyncio code, on a thread of its own."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from ..inline import waiter


async def in_thread(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call *function* on a thread of its own; async jobs that it runs inline run on this loop."""
    loop, context, outer = asyncio.get_running_loop(), copy_context(), waiter.get()
    begun: list[Future[Any]] = []

    def wait(coroutine: Any) -> Any:
        # On the loop nothing may wait for the loop: what runs inline there gets another.
        inside = copy_context()
        inside.run(waiter.set, outer)
        begun.append(inside.run(asyncio.run_coroutine_threadsafe, coroutine, loop))
        return begun[-1].result()

    context.run(waiter.set, wait)
    # A pool that is shared could be full of callers that wait for one another.
    thread = ThreadPoolExecutor(1, "kiq-inline")
    try:
        call = functools.partial(context.run, function, *args, **kwargs)
        return await loop.run_in_executor(thread, call)
    finally:
        for each in begun:
            each.cancel()
        thread.shutdown(wait=False)

"""Middleware that is ``async def`` itself."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ...aio import in_thread
from ...inline import waiter
from ...middleware import Next, ServerContext

AsyncNext = Callable[[ServerContext], Awaitable[Any]]


class _AsyncLayer:
    """A layer for :meth:`kiq.Host.around_perform`; it stands around async jobs only."""

    def __init__(
        self, layer: Callable[[ServerContext, AsyncNext], Coroutine[Any, Any, Any]]
    ) -> None:
        functools.update_wrapper(self, layer)
        self._layer = layer

    def applies_to(self, job_class: Any) -> bool:
        """Tell whether this job is async."""
        return inspect.iscoroutinefunction(getattr(job_class, "perform", job_class))

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the layer, and wait for it."""
        task = getattr(context, "task", None)

        async def following(inner: ServerContext) -> Any:
            if task is None:
                # Inline: on a thread that waits, for a coroutine on this very loop.
                return await in_thread(call_next, inner)
            return await task.within(call_next, inner)

        coroutine = self._layer(context, following)
        return task.wait(coroutine) if task is not None else waiter.get()(coroutine)


def async_layer(
    layer: Callable[[ServerContext, AsyncNext], Coroutine[Any, Any, Any]],
) -> _AsyncLayer:
    """Make an ``async def`` function middleware for async jobs: it may wait without blocking the loop.

    ::

        @kiq.host.around_perform
        @async_layer
        async def limited(context, call_next):
            async with gate:
                return await call_next(context)
    """
    return _AsyncLayer(layer)

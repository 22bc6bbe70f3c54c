"""What the jobs of an event loop share: async context managers, entered at its start, left at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from ...errors import BootError

_START = 60.0  # seconds for all of them to be entered
_END = 5.0  # seconds for all of them to be left


class Parts:
    """The parts of one loop. Threads: called by others than the loop's; parts run in one task on it."""

    def __init__(self) -> None:
        self._entered: asyncio.Future[None] | None = None
        self._over = asyncio.Event()
        self._task: Any = None

    def enter(self, loop: asyncio.AbstractEventLoop, parts: Sequence[Callable[[], Any]]) -> None:
        """Enter them, in their order. Raises what one raises, and BootError for one that takes too long."""
        if not parts:
            return
        started = asyncio.run_coroutine_threadsafe(self._begin(list(parts)), loop)
        try:
            started.result(_START)
        except TimeoutError:
            if started.done():
                raise  # its own
            names = ", ".join(getattr(each, "__qualname__", repr(each)) for each in parts)
            raise BootError(
                f"what the jobs of the event loop share was not there within {_START:g} s: {names}"
            ) from None

    def leave(self, loop: asyncio.AbstractEventLoop, report: Callable[..., None]) -> None:
        """Leave them, the last first; what one raises, or that it takes too long, is reported."""
        if self._task is None:
            return
        ended = asyncio.run_coroutine_threadsafe(self._end(), loop)
        try:
            ended.result(_END)
        except Exception as error:  # noqa: BLE001 (the jobs are done, whatever becomes of this)
            report(error, "leaving what the jobs of the event loop share")

    async def _begin(self, parts: list[Callable[[], Any]]) -> None:
        self._entered = asyncio.get_running_loop().create_future()
        # One task enters and leaves: cancel scopes want that.
        self._task = asyncio.create_task(self._live(parts, self._entered))
        await self._entered

    async def _live(self, parts: list[Callable[[], Any]], entered: asyncio.Future[None]) -> None:
        try:
            async with AsyncExitStack() as stack:
                for part in parts:
                    await stack.enter_async_context(part())
                entered.set_result(None)
                await self._over.wait()
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    async def _end(self) -> None:
        self._over.set()
        await self._task

"""A batch by its id: how it is, to wait for it, and to cancel it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from ...aio import in_thread
from ...api.home import Connection, connection
from ...client import Client
from ...context import running
from ...errors import BatchClosed, ConfigError
from . import keys
from .calling_off import call_off
from .leaving import FIELD
from .memory import memory
from .reader import BatchStatus, statuses
from .trial import cancelled as cancelled_in_tests

_FIRST, _LONGEST = 0.02, 1.0  # seconds between two looks


class Handle:
    """A batch by its id.

    Threads: any.
    """

    def __init__(self, bid: str, client: Any = None) -> None:
        self.bid = bid
        self._client = client
        self._block: Any = None
        #: The jobs that guards declined when they were pushed, and why: they do not belong to it.
        self.declined: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.bid}>"

    @property
    def _home(self) -> Connection:
        return connection(self._client if isinstance(self._client, Client) else None)

    def status(self) -> BatchStatus | None:
        """Return how it is; None where there is no such batch, or not yet. One round trip."""
        if self.bid in memory.batches:
            return memory.status(self.bid)
        return statuses(self._home, [self.bid])[0]

    def cancel(self, why: str = "") -> bool:
        """Cancel it, and what is within it; False if it was over, or cancelled.

        Jobs that wait are dropped when they would start, or at once where they wait for their time; those
        that run get :class:`kiq.Cancelled`. It never succeeds, and ends when nothing of it runs any more.
        Walks through the scheduled set and the retries. Raises BatchClosed where there is none, StoreError.
        """
        if self.bid in memory.batches:
            return cancelled_in_tests(self.bid, why)
        return call_off(self._home, self.bid, why)

    def wait(self, timeout: float | None = None) -> BatchStatus:
        """Wait until nothing of it can run any more; return how it is then.

        Looks 20 ms later, and less and less often, at last once a second; its callbacks may still run.
        Raises TimeoutError after *timeout* seconds, BatchClosed where there is no such batch. In a job it
        holds a thread that its jobs may need: there it takes a timeout, and never the job's own batch; else
        it raises ConfigError.
        """
        for pause in self._pauses(timeout):
            status = self._over()
            if status is not None:
                return status
            time.sleep(pause)
        raise TimeoutError(f"batch {self.bid} is not over after {timeout} s")

    @property
    def aio(self) -> AioHandle:
        """The same for asyncio code: ``await batch.aio.wait()``."""
        return AioHandle(self)

    def _over(self) -> BatchStatus | None:
        status = self.status()
        if status is None:
            raise BatchClosed(f"there is no batch {self.bid}: is its block still open?")
        if not status.over and self.bid in memory.batches:
            raise TimeoutError(
                f"nobody runs the jobs of batch {self.bid} in a test: drain them first"
            )
        return status if status.over else None

    def _pauses(self, timeout: float | None) -> Iterator[float]:
        """Yield how long to wait after each look. Raises ConfigError where nobody may wait."""
        self._check_wait(timeout)
        until = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            yield pause if left is None else min(pause, left)
            if left == 0.0:
                return
            pause = min(pause * 1.5, _LONGEST)

    def _check_wait(self, timeout: float | None) -> None:
        job = running.get()
        if job is None or job.worker is None:
            return
        own = job.payload.get(FIELD)
        if isinstance(own, str) and self.bid in keys.lineage(own):
            raise ConfigError(
                f"batch {self.bid} waits for this very job, so this job can't wait for it: "
                "use on_success, on_complete or on_end"
            )
        if timeout is None:
            raise ConfigError(
                "a job that waits for a batch holds a thread that the batch's jobs may need, so that all "
                "could wait for ever: use on_success, or give wait a timeout"
            )


class AioHandle:
    """What a batch can do, to be awaited. Threads: any with an event loop."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def status(self) -> BatchStatus | None:
        """See :meth:`Handle.status`."""
        found: BatchStatus | None = await in_thread(self._handle.status)
        return found

    async def cancel(self, why: str = "") -> bool:
        """See :meth:`Handle.cancel`."""
        return bool(await in_thread(self._handle.cancel, why))

    async def wait(self, timeout: float | None = None) -> BatchStatus:
        """See :meth:`Handle.wait`; the event loop goes on meanwhile."""
        for pause in self._handle._pauses(timeout):
            status: BatchStatus | None = await in_thread(self._handle._over)
            if status is not None:
                return status
            await asyncio.sleep(pause)
        raise TimeoutError(f"batch {self._handle.bid} is not over after {timeout} s")

"""Results in asyncio code: no thread waits, and the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from ...aio import in_thread
from ...clock import steady
from .patience import PATIENCE, checked
from .progress import Progress
from .reader import Seen
from .record import Outcome
from .sources import Source
from .status import Status, is_ready, progress_of, status_of
from .waiting import Wait, ended, now, refuse_in_a_job


class AioResult:
    """What ``kiq.result(jid)`` does, to be awaited."""

    def __init__(self, jid: str, source: Source) -> None:
        self.jid = jid
        self._source = source

    async def get(self, timeout: float | None = PATIENCE, *, inside_job: bool = False) -> Any:
        """Return what ``perform`` returned; see :meth:`kiq.Result.get`. Other tasks go on meanwhile."""
        return (await self.wait(timeout, inside_job=inside_job)).value

    async def wait(self, timeout: float | None = PATIENCE, *, inside_job: bool = False) -> Outcome:
        """Return how the job ended, also where it failed; see :meth:`kiq.Result.wait`."""
        if timeout == 0:
            found: Outcome = await in_thread(now, self._source, self.jid)
            return found
        refuse_in_a_job(self.jid, inside_job)
        async with aclosing(ends(self._source, [self.jid], checked(timeout))) as ended_:
            return await anext(ended_)

    async def status(self) -> str:
        """Return what is known of the job, in a word; see :meth:`kiq.Result.look`."""
        return (await self.look()).status

    async def look(self) -> Status:
        """Return what is known of the job; see :meth:`kiq.Result.look`."""
        found: Status = await in_thread(status_of, self._source, self.jid)
        return found

    async def ready(self) -> bool:
        """Tell whether the job has ended; see :meth:`kiq.Result.ready`."""
        return bool(await in_thread(is_ready, self._source, self.jid))

    async def progress(self) -> Progress | None:
        """Return how far the job has come; see :attr:`kiq.Result.progress`."""
        far: Progress | None = await in_thread(progress_of, self._source, self.jid)
        return far


async def ends(
    source: Source, jids: Sequence[str], timeout: float | None
) -> AsyncGenerator[Outcome, None]:
    """Yield what each of *jids* came to, as they end; see :func:`kiq.plugins.results.waiting.ends`."""
    until = None if timeout is None else steady() + timeout
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[Seen] = asyncio.Queue()

    def put(what: Seen) -> None:
        try:
            loop.call_soon_threadsafe(arrived.put_nowait, what)
        except RuntimeError:
            pass  # the loop is closed: nobody waits there any more

    wait = Wait(source, jids, put)
    open_ = dict.fromkeys(jids)
    try:
        comes = wait.begin()
        while open_:
            left = None if until is None else max(0.0, until - steady())
            try:
                async with asyncio.timeout(left if comes else 0.05):
                    what = await arrived.get()
            except TimeoutError:
                raise wait.late(next(iter(open_)), timeout) from None
            last: Seen | None = what
            if wait.asks(what):
                last = await in_thread(wait.latest, what)
            if last is not None and what.jid in open_:
                del open_[what.jid]
                yield ended(last)
    finally:
        wait.end()

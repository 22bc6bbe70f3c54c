"""Async job classes that worker processes of the tests run; tests push them by name.

Nothing but a worker imports this.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import kiq
from kiq.plugins.asyncio_jobs import async_layer
from tests.helpers.jobs import note, store

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")
logger = logging.getLogger("app")
starting = asyncio.Semaphore(1000)


@kiq.host.around_perform
def around(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
    """Note what a plain layer sees, of jobs that ask for it."""
    if not context.payload.get("watched"):
        return call_next(context)
    note(f"before {context.jid}")
    colour.set("red")
    try:
        outcome = call_next(context)
    except BaseException as error:
        note(f"failed {context.jid} {type(error).__name__} {colour.get()}")
        raise
    note(f"after {context.jid} {outcome} {colour.get()}")
    return outcome


@kiq.host.around_perform
@async_layer
async def gathered(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
    """Wait in a layer of its own, around jobs that ask for it."""
    if not context.payload.get("waits"):
        return await call_next(context)
    await asyncio.sleep(0.01)
    note(f"waited {context.jid}")
    try:
        return await call_next(context)
    finally:
        await asyncio.sleep(0.01)
        note(f"let go {context.jid}")


class Note(kiq.Job):
    """Notes its argument, and where it runs."""

    async def perform(self, text: str) -> str:
        await asyncio.sleep(0)
        job = kiq.current_job()
        assert job is not None
        assert job.jid == self.jid
        note(f"{text} on {threading.current_thread().name}")
        logger.info("noted %s", text)
        colour.set("blue")
        return text


class Sleep(kiq.Job):
    """Sleeps, and notes when it is through."""

    async def perform(self, label: str, seconds: float) -> None:
        note(f"begun {label}")
        await asyncio.sleep(seconds)
        note(f"slept {label}")


class Fails(kiq.Job):
    """Raises."""

    async def perform(self, what: str) -> None:
        await asyncio.sleep(0.001)
        raise {"value": ValueError, "exit": SystemExit, "cancel": asyncio.CancelledError}[what](
            what
        )


class Meeting(kiq.Job, retry=False):
    """Ends when so many of its kind run at the same time."""

    here = 0
    all_here = asyncio.Event()

    async def perform(self, number: int) -> None:
        Meeting.here += 1
        if Meeting.here == number:
            Meeting.all_here.set()
        await Meeting.all_here.wait()
        store().incr("met")


class Counts(kiq.Job):
    """Keeps the largest number of its kind that ran at a time."""

    now = most = 0

    async def perform(self) -> None:
        Counts.now += 1
        Counts.most = max(Counts.most, Counts.now)
        await asyncio.sleep(0.02)
        Counts.now -= 1
        store().set("most", Counts.most)


class Blocks(kiq.Job):
    """Blocks the event loop, as nobody should."""

    async def perform(self, seconds: float) -> None:
        time.sleep(seconds)
        note("blocked")


class Swallows(kiq.Job):
    """Does not let itself be cancelled."""

    async def perform(self) -> None:
        note("begun")
        while True:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                note("swallowed")


class Leaves(kiq.Job):
    """Leaves a task behind that fails."""

    async def perform(self) -> None:
        async def broken() -> None:
            raise ValueError("nobody waits for this")

        task = asyncio.create_task(broken())
        await asyncio.sleep(0.01)
        del task


class Plain(kiq.Job):
    """Is not async."""

    def perform(self, text: str) -> None:
        note(f"{text} on {threading.current_thread().name}")


@kiq.job(name="shout")
async def shout(text: str, *, loud: bool = False) -> str:
    """Notes in capitals where that is wished."""
    await asyncio.sleep(0)
    note(text.upper() if loud else text)
    return text

"""Async jobs, and layers around them, that make it hard to stop, cancel and limit them.

Nothing but a worker imports this; its jobs are pushed by name.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kiq
from kiq.plugins.asyncio_jobs import async_layer
from tests.helpers.jobs import note


@async_layer
async def gated(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
    """Let jobs that have a ``gate`` wait so many seconds before they begin."""
    gate = context.payload.get("gate")
    if gate:
        note(f"at the gate {context.jid}")
        await asyncio.sleep(gate)
        note(f"through the gate {context.jid}")
    return await call_next(context)


@kiq.host.on("startup")
def add_the_gate() -> None:
    """Add it last: inside the layer of time limits, as that of a plugin is."""
    kiq.host.around_perform(gated)


@kiq.host.around_perform
@async_layer
async def bounded(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
    """Run jobs that are ``bounded`` in a task of their own, as ``asyncio.wait_for`` does."""
    if not context.payload.get("bounded"):
        return await call_next(context)
    return await asyncio.wait_for(call_next(context), 60)


@kiq.host.around_perform
def elsewhere(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
    """Run jobs that ask for it on a thread, which only plain ones can."""
    if not context.payload.get("elsewhere"):
        return call_next(context)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call_next, context).result()


@kiq.host.on_death
def died(payload: dict[str, Any], error: BaseException) -> None:
    """Note who died of what."""
    note(f"died {payload['jid']} {type(error).__name__}")


class Sleeps(kiq.Job):
    """Notes that it begins, and sleeps."""

    async def perform(self, label: str, seconds: float) -> None:
        note(f"begun {label}")
        await asyncio.sleep(seconds)
        note(f"slept {label}")


class Blocks(kiq.Job):
    """Blocks the event loop, as nobody should."""

    async def perform(self, seconds: float) -> None:
        note("blocks")
        time.sleep(seconds)


class Steps(kiq.Job):
    """Notes each of its steps with the process that makes it."""

    async def perform(self, label: str, number: int) -> None:
        for step in range(number):
            note(f"step {label} {step} in {os.getpid()}")
            await asyncio.sleep(0)


class Forks(kiq.Job):
    """Forks, and leaves the child to itself: it returns from the job as its parent does."""

    async def perform(self) -> None:
        pid = os.fork()
        if pid:
            note(f"child {pid}")
            await asyncio.to_thread(os.waitpid, pid, 0)
            note("child ended")

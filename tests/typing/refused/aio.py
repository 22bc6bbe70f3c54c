"""Awaited pushes that would fail."""

from __future__ import annotations

import kiq
import kiq.aio


class HardWorker(kiq.Job):
    def perform(self, name: str, count: int, *, loud: bool = False) -> None: ...


class Fetch(kiq.Job):
    async def perform(self, url: str) -> None: ...


class Bare(kiq.Job):
    """No perform yet."""


@kiq.job
async def greet(name: str) -> str:
    return name


async def pushes() -> None:
    # refused: arg-type | reportArgumentType | wrong type
    await HardWorker.aio.perform_async("Bob", "5")
    # refused: call-arg | reportCallIssue | missing argument
    await HardWorker.aio.perform_async("Bob")
    # refused: call-arg | reportCallIssue | unknown keyword
    await HardWorker.aio.perform_async("Bob", 5, lout=True)
    # refused: arg-type | reportArgumentType | a delay is a number or timedelta
    await HardWorker.aio.perform_in("60", "Bob", 5)
    # refused: arg-type | reportArgumentType | wrong type through set
    await HardWorker.set(queue="low").aio.perform_async("Bob", "5")
    # refused: call-arg | reportCallIssue | unknown option
    await HardWorker.aio.set(quee="low").perform_async("Bob", 5)
    # refused: list-item | reportArgumentType | a job's arguments are a list or tuple
    await HardWorker.aio.perform_bulk([1])
    # refused: arg-type | reportArgumentType | wrong type
    await Fetch.aio.perform_async(1)
    # refused: arg-type | reportArgumentType | wrong type
    await greet.aio.perform_async(1)
    # refused: arg-type | reportAttributeAccessIssue | has no perform
    await Bare.aio.perform_async()
    # refused: arg-type | reportArgumentType | a job is a dict
    await kiq.aio.push("HardWorker")

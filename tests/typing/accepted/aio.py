"""Async jobs, and pushes that are awaited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

import kiq
import kiq.aio
from kiq.plugins.asyncio_jobs import async_layer


class HardWorker(kiq.Job, queue="critical"):
    def perform(self, name: str, count: int = 1, *, loud: bool = False) -> int:
        return count


class Fetch(kiq.Job):
    async def perform(self, url: str) -> bytes:
        assert_type(self.jid, str)
        return url.encode()


@kiq.job
async def greet(name: str) -> str:
    return name


@kiq.job(queue="mailers")
def welcome(user_id: int) -> None: ...


@kiq.host.around_perform
@async_layer
async def gate(context: kiq.ServerContext, call_next: Any) -> Any:
    return await call_next(context)


async def pushes() -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert_type(await HardWorker.aio.perform_async("Bob", 5), str | None)
    assert_type(await HardWorker.aio.perform_async("Bob", count=5, loud=True), str | None)
    assert_type(await HardWorker.aio.perform_in(timedelta(minutes=1), "Bob"), str | None)
    assert_type(await HardWorker.aio.perform_at(soon, "Bob"), str | None)
    assert_type(
        await HardWorker.aio.perform_bulk([("a", 1), HardWorker.args("b")], batch_size=10),
        list[str | None],
    )
    assert_type(await HardWorker.set(queue="low").aio.perform_async("Bob"), str | None)
    assert_type(await HardWorker.aio.set(queue="low", retry=3).perform_in(5, "Bob"), str | None)
    assert_type(await Fetch.aio.perform_async("x"), str | None)
    await Fetch.aio.perform_inline("x")
    assert_type(await greet.aio.perform_async("Bob"), str | None)
    assert_type(await greet("Bob"), str)
    assert_type(await welcome.set(queue="low").aio.perform_at(4e9, 1), str | None)
    assert_type(await kiq.aio.push({"class": "Ruby::Job", "args": [1]}), str | None)
    assert_type(await kiq.aio.push_bulk({"class": "Ruby::Job"}, [[1], (2,)]), list[str | None])


assert_type(Fetch.perform_async("x"), str | None)
assert_type(greet.perform_async("x"), str | None)

"""``kiq.testing`` with async jobs, and with pushes that are awaited."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import kiq
import kiq.testing
from kiq.registry import Registry

who: ContextVar[str] = ContextVar("who", default="nobody")


def soft(ran: list[Any]) -> Any:
    @kiq.job(name="async.tested")
    async def tested(name: str) -> str:
        await asyncio.sleep(0)
        ran.append((name, who.get(), asyncio.get_running_loop()))
        return name

    return tested


def test_fake_mode_takes_awaited_pushes(
    unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host
) -> None:
    tested = soft([])

    async def main() -> None:
        with kiq.testing.scoped("fake"):
            assert isinstance(await tested.aio.perform_async("a"), str)
            await asyncio.gather(*(tested.aio.perform_async(n) for n in "bc"))
            await tested.aio.perform_bulk([("d",), ("e",)])
            await tested.aio.perform_in(60, "f")
            assert sorted(job.args[0] for job in kiq.testing.jobs()) == list("abcdef")

    asyncio.run(main())


def test_inline_mode_runs_an_awaited_push_on_the_loop_of_the_test(
    unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host
) -> None:
    ran: list[Any] = []
    tested = soft(ran)

    async def main() -> None:
        who.set("ann")
        with kiq.testing.scoped("inline"):
            await tested.aio.perform_async("a")
            tested.perform_async("b")  # this waits, so on a loop of its own
        assert [name for name, *_ in ran] == ["a", "b"]
        assert [loop is asyncio.get_running_loop() for *_, loop in ran] == [True, False]
        assert [name for _, name, _ in ran] == ["ann", "ann"]

    asyncio.run(main())


def test_jobs_that_were_pushed_can_be_drained(
    unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host
) -> None:
    ran: list[Any] = []
    tested = soft(ran)
    with kiq.testing.scoped("fake"):
        tested.perform_async("a")
        asyncio.run(tested.aio.perform_async("b"))
        kiq.testing.drain()
    assert [name for name, *_ in ran] == ["a", "b"]

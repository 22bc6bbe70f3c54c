"""Async jobs that run here and now share one event loop, and so a client that was made at its first use."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

import kiq
from kiq import testing
from kiq.aio.inline_loop import InlineLoop
from kiq.plugins.asyncio_jobs import async_layer
from kiq.registry import Registry

pytestmark = pytest.mark.needs("greenlet")

who: ContextVar[str] = ContextVar("who", default="nobody")


class Client:
    """As an HTTP session or a pool: it works on the loop on which it was made, and has a task there."""

    def __init__(self) -> None:
        self.questions: asyncio.Queue[asyncio.Future[str]] = asyncio.Queue()
        self.at_work = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            (await self.questions.get()).set_result("answer")

    async def ask(self) -> str:
        question: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        await self.questions.put(question)
        return await asyncio.wait_for(question, 5)


@pytest.fixture
def asks(unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host) -> Iterator[Any]:
    """A job that asks a client, which the first of them makes; returns its loop."""

    @functools.cache
    def client() -> Client:
        return Client()

    @kiq.job(name="inline.asks")
    async def asks(label: str = "") -> asyncio.AbstractEventLoop:
        assert await client().ask() == "answer"
        loops.append(asyncio.get_running_loop())
        return loops[-1]

    loops: list[asyncio.AbstractEventLoop] = []
    asks.loops = loops  # type: ignore[attr-defined]
    yield asks
    testing.disabled()
    testing.server_middleware.clear()


def test_by_perform_inline(asks: Any) -> None:
    assert asks.perform_inline() is asks.perform_inline()

    class Other(kiq.Job, name="inline.Other"):
        async def perform(self) -> asyncio.AbstractEventLoop:
            return asyncio.get_running_loop()

    assert Other.perform_inline() is asks.perform_inline()


def test_in_every_mode_of_testing_and_every_way_to_work_jobs_off(asks: Any) -> None:
    with testing.scoped("inline"):
        asks.perform_async()
        asks.perform_in(60)
        asks.perform_bulk([(), ()])
    with testing.scoped("fake"):
        for _ in range(4):
            asks.perform_async()
        testing.perform_one()
        testing.drain_due()
        asks.perform_in(60)
        testing.drain()
    testing.inline()
    asks.perform_async()
    asks.perform_inline()
    assert len(asks.loops) == 11
    assert len(set(asks.loops)) == 1


@pytest.mark.parametrize("mode", ["fake", "inline"])
def test_inside_of_a_running_loop_as_that_of_an_async_test(asks: Any, mode: Any) -> None:
    async def test() -> None:
        with testing.scoped(mode):
            for _ in range(2):
                asks.perform_async()
            if mode == "fake":
                testing.drain()
        assert asyncio.get_running_loop() not in asks.loops

    for _ in range(2):  # each test has a loop of its own
        asyncio.run(test())
    assert len(asks.loops) == 4
    assert len(set(asks.loops)) == 1


def test_what_is_awaited_runs_on_the_loop_of_the_caller(asks: Any) -> None:
    async def main() -> None:
        here = asyncio.get_running_loop()
        assert await asks.aio.perform_inline() is await asks.aio.perform_inline() is here
        with testing.scoped("inline"):
            await asks.aio.perform_async()
        assert set(asks.loops) == {here}
        with pytest.raises(kiq.ConfigError, match=r"write await asks.aio.perform_inline"):
            asks.perform_inline()

    asyncio.run(main())


def test_from_several_threads_at_once(asks: Any) -> None:
    at_once = threading.Barrier(4)

    @kiq.job(name="inline.meets")
    async def meets() -> int:
        return await asyncio.to_thread(at_once.wait, 20)  # for three others

    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(meets.perform_inline) for _ in range(4)]
        assert sorted(future.result(20) for future in futures) == [0, 1, 2, 3]
        list(threads.map(lambda _: asks.perform_inline(), range(20)))
    assert len(set(asks.loops)) == 1


def test_on_the_thread_that_asks_for_it(asks: Any) -> None:
    @kiq.job(name="inline.where")
    async def where() -> tuple[int, str]:
        await asyncio.sleep(0)
        return threading.get_ident(), who.get()

    who.set("ann")
    assert where.perform_inline() == (threading.get_ident(), "ann")
    who.set("nobody")


def test_a_job_that_another_one_runs_has_a_loop_which_the_next_such_finds_again(asks: Any) -> None:
    @kiq.job(name="inline.outer")
    async def outer() -> asyncio.AbstractEventLoop:
        with testing.scoped("inline"):
            asks.perform_async()  # this blocks the loop of the outer one
            asks.perform_async()
        return asyncio.get_running_loop()

    assert outer.perform_inline() is outer.perform_inline()
    assert len(asks.loops) == 4
    assert len(set(asks.loops)) == 1
    assert asks.loops[0] is not outer.perform_inline()


def test_a_job_that_another_one_awaits_is_on_the_same_loop(asks: Any) -> None:
    @kiq.job(name="inline.awaits")
    async def awaits() -> bool:
        return await asks.aio.perform_inline() is asyncio.get_running_loop()

    assert awaits.perform_inline()
    assert awaits.perform_inline()


def test_async_layers_and_their_job_are_on_one_loop(asks: Any) -> None:
    seen: list[asyncio.AbstractEventLoop] = []

    @async_layer
    async def layer(context: Any, call_next: Callable[[Any], Any]) -> Any:
        seen.append(asyncio.get_running_loop())
        return await call_next(context)

    without = asks.perform_inline()
    kiq.host.around_perform(layer)
    assert asks.perform_inline() is without
    testing.server_middleware.add(layer)
    with testing.scoped("inline"):
        asks.perform_async()
    assert set(seen) == set(asks.loops) == {without}


@pytest.mark.parametrize(
    "error", [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError]
)
def test_what_a_job_raises_is_raised_and_the_next_one_runs(
    asks: Any, error: type[BaseException]
) -> None:
    @kiq.job(name="inline.raises")
    async def raises() -> None:
        await asyncio.sleep(0)
        raise error("no")

    asks.perform_inline()
    for _ in range(2):
        with pytest.raises(error):
            raises.perform_inline()
        asks.perform_inline()


def test_a_job_of_another_thread_that_exits_ends_alone() -> None:
    loop = InlineLoop()
    exits, over = threading.Event(), threading.Event()

    async def waits() -> str:
        await asyncio.to_thread(exits.wait, 20)
        await asyncio.to_thread(over.wait, 20)
        return "done"

    async def leaves() -> None:
        exits.set()
        await asyncio.sleep(0.01)
        sys.exit(3)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(loop.run, waits())
        second = threads.submit(loop.run, leaves())
        with pytest.raises(SystemExit):
            second.result(20)
        over.set()
        assert first.result(20) == "done"
    loop._close(loop._get()[0])


def test_what_interrupts_the_thread_ends_the_job_by_cancelling_it() -> None:
    loop, said = InlineLoop(), []

    async def job() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(20)
        finally:
            await asyncio.sleep(0)
            said.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        loop.run(job())
    assert said == ["cleaned up"]
    loop._close(loop._get()[0])


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=30,
    )


JOB = """
    import asyncio, os
    import kiq

    @kiq.job(name="leaves")
    async def leaves() -> int:
        async def work():
            try:
                await asyncio.sleep(60)
            finally:
                print("ended", flush=True)
        leaves.task = asyncio.create_task(work())
        await asyncio.sleep(0)
        return id(asyncio.get_running_loop())
"""


def test_what_is_left_on_the_loop_is_ended_with_the_process_and_nothing_warns() -> None:
    done = run(JOB + "\n    leaves.perform_inline()\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


def test_a_forked_child_has_a_loop_of_its_own() -> None:
    script = """
    async def look(): return asyncio.get_running_loop()
    looks = kiq.job(name="looks")(look)
    first = looks.perform_inline()
    pid = os.fork()
    if not pid:
        own = looks.perform_inline()
        assert own is not first and own is looks.perform_inline()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert looks.perform_inline() is first
    """
    done = run(JOB + script)
    assert (done.returncode, done.stderr) == (0, "")

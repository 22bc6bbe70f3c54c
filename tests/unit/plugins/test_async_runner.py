"""The event loop of a worker: starts, verdicts, ends and what is thrown into a job, without Redis."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import kiq
from kiq.clock import steady
from kiq.codec import encode
from kiq.plugins.asyncio_jobs import AsyncJobs, async_layer
from kiq.plugins.asyncio_jobs.run import AsyncRun
from kiq.plugins.asyncio_jobs.slots import Slots
from kiq.registry import JobSpec, Registry
from kiq.verdict import DONE, Dropped, Flight, Permit, Taken, ToQueue, ToRetry, Verdict
from kiq.work.executor import Executor
from kiq.work.handover import Handover
from kiq.worker_state import WorkerState
from tests.helpers.featured import config_of
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.needs("greenlet")

Layer = Callable[[Any, Callable[[Any], Any]], Any]


class Bench:
    """An executor with its event loop, and the handover at which verdicts arrive."""

    def __init__(self) -> None:
        self.host, self.registry, self.handover = kiq.Host(), Registry(), Handover(10)
        self.reported: list[tuple[BaseException, dict[str, Any]]] = []
        self.host.error_handlers = [lambda error, where: self.reported.append((error, where))]
        self.host.install(AsyncJobs())
        self.permit = Permit(steady() + 3600)
        self.worker = WorkerState()
        self._execute: Executor | None = None
        self._settings: dict[str, Any] = {}

    def add(self, function: Callable[..., Any], **settings: Any) -> None:
        """Make *function* the job that runs, with these settings of the process."""
        self.registry.add(JobSpec("F", {}, (), function, None))
        self._settings = settings

    @property
    def execute(self) -> Executor:
        if self._execute is None:
            config = config_of(**self._settings)
            self._execute = Executor(config, self.host, self.registry, self.worker)
        return self._execute

    def begin(self, *args: Any, **fields: Any) -> Taken:
        """Hand a job over to the loop."""
        payload = {"class": "F", "args": list(args), "jid": "j1", "queue": "default", **fields}
        flight = Flight("o", "queue:default", self.permit)
        taken = Taken("1.1", flight, encode(payload, "msgpack"), 0.0)
        assert self.execute(taken, self.handover) is None
        return taken

    def verdict(self) -> Verdict:
        """Wait for the next verdict."""
        eventually(lambda: self.handover.outbox, 10)
        return self.handover.outbox.popleft()[1]

    def run(self, *args: Any, **fields: Any) -> Verdict:
        self.begin(*args, **fields)
        return self.verdict()

    def end(self) -> None:
        """End the loop, as at the end of a worker."""
        process: Any = SimpleNamespace(state=self.worker)
        for service in [make(process) for make in self.host.services]:
            ended: Any = service
            if ended is not None:
                ended.exit()

    def away(self) -> Any:
        """The one run that is on the loop."""
        (run,) = self.handover.away
        return run


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    others = set(threading.enumerate())
    yield made
    made.end()
    left = set(threading.enumerate()) - others
    assert not [each for each in left if each.name == "kiq-event-loop"]


def test_a_verdict_comes_when_the_coroutine_ends_and_nothing_is_left(bench: Bench) -> None:
    async def f(seconds: float) -> None:
        await asyncio.sleep(seconds)

    bench.add(f)
    taken = bench.begin(0.05)
    assert bench.away().current is taken
    assert bench.verdict() is DONE
    assert not bench.handover.away


def test_verdicts_wake_the_courier_when_it_waits_for_them(bench: Bench) -> None:
    async def f() -> None: ...

    bench.add(f)
    bench.handover.woken()
    assert bench.run() is DONE
    eventually(lambda: bench.handover._rung)


def test_a_job_that_a_layer_does_not_run_is_skipped(bench: Bench) -> None:
    async def f() -> None:
        raise AssertionError("it ran")

    bench.host.around_perform(lambda context, call_next: None)
    bench.add(f)
    verdict = bench.run()
    assert isinstance(verdict, Dropped)
    assert not verdict.failed


def test_a_layer_may_run_the_coroutine_again_or_make_good_its_error(bench: Bench) -> None:
    tries = []

    async def f() -> str:
        await asyncio.sleep(0)
        tries.append(len(tries))
        if len(tries) < 3:
            raise LookupError
        return "third"

    @bench.host.around_perform
    def again(context: Any, call_next: Any) -> Any:
        for _ in range(5):
            try:
                return call_next(context)
            except LookupError:
                continue
        return None

    bench.add(f)
    assert bench.run() is DONE
    assert tries == [0, 1, 2]


def test_each_job_has_a_context_of_its_own_which_layer_job_and_tasks_share(bench: Bench) -> None:
    var: contextvars.ContextVar[str] = contextvars.ContextVar("var", default="empty")
    seen: list[str] = []

    async def child() -> str:
        job = kiq.current_job()
        assert job is not None
        return f"{var.get()} {job.jid}"

    async def f(name: str) -> None:
        seen.append(var.get())
        await asyncio.sleep(0)
        seen.append(await asyncio.create_task(child()))
        var.set(f"job {name}")

    @bench.host.around_perform
    def layer(context: Any, call_next: Any) -> None:
        seen.append(var.get())
        token = var.set("layer")
        call_next(context)
        seen.append(var.get())
        var.reset(token)
        seen.append(var.get())

    bench.add(f)
    for jid in ("a", "b"):
        assert bench.run(jid, jid=jid) is DONE
        assert seen == ["empty", "layer", f"layer {jid}", f"job {jid}", "empty"]
        seen.clear()


def test_layers_of_many_jobs_wait_side_by_side(bench: Bench) -> None:
    order: list[str] = []

    async def f(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @bench.host.around_perform
    def layer(context: Any, call_next: Any) -> None:
        order.append(f"in {context.payload['args'][0]}")
        call_next(context)
        order.append(f"out {context.payload['args'][0]}")

    bench.add(f)
    bench.begin("slow", 0.2)
    bench.begin("quick", 0.05)
    assert bench.verdict() is DONE
    assert bench.verdict() is DONE
    assert order == ["in slow", "in quick", "out quick", "out slow"]


def test_what_is_thrown_ends_the_coroutine_and_is_what_layers_see(bench: Bench) -> None:
    felt: list[Any] = []

    async def f() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            felt.append("cancelled")
            task = asyncio.current_task()
            assert task is not None
            felt.append(task.cancelling())
            raise

    @bench.host.around_perform
    def layer(context: Any, call_next: Any) -> None:
        try:
            call_next(context)
        except LookupError as error:
            felt.append(type(error.__cause__))
            raise

    bench.add(f)
    bench.begin()
    run = bench.away()
    eventually(lambda: run._performing)
    run.throw(LookupError("too long"))
    verdict = bench.verdict()
    assert isinstance(verdict, ToRetry)
    assert b"too long" in verdict.raw
    assert b"LookupError" in verdict.raw
    assert felt == ["cancelled", 1, asyncio.CancelledError]


def test_a_class_may_be_thrown_and_a_layer_may_go_on_after_it(bench: Bench) -> None:
    calls = []

    async def f() -> None:
        calls.append(1)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0, "nothing is left of what ended the first call"
        async with asyncio.timeout(5):
            await asyncio.sleep(60 if len(calls) == 1 else 0.01)

    @bench.host.around_perform
    def layer(context: Any, call_next: Any) -> None:
        try:
            call_next(context)
        except LookupError:
            call_next(context)

    bench.add(f)
    bench.begin()
    run = bench.away()
    eventually(lambda: run._performing)
    run.throw(LookupError)
    assert bench.verdict() is DONE
    assert len(calls) == 2


def test_a_job_that_makes_good_its_cancellation_is_done(bench: Bench) -> None:
    async def f() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)

    bench.add(f)
    bench.begin()
    run = bench.away()
    eventually(lambda: run._performing)
    run.throw(LookupError())
    assert bench.verdict() is DONE


def test_what_is_thrown_at_the_very_end_hits_nobody_else(bench: Bench) -> None:
    async def f() -> None:
        await asyncio.sleep(0.002)

    bench.add(f, skip_default_job_logging=True)
    for _ in range(300):
        bench.begin()
        run = next(iter(bench.handover.away), None)
        while run is not None and run in bench.handover.away:
            run.throw(LookupError("late"))
        verdict = bench.verdict()
        assert verdict is DONE or isinstance(verdict, ToRetry)
    assert bench.run() is DONE
    assert {type(error) for error, _ in bench.reported} <= {LookupError}


def test_a_shutdown_puts_it_back_uncounted_also_before_it_began(bench: Bench) -> None:
    async def f() -> None:
        await asyncio.sleep(60)

    bench.add(f)
    bench.begin()
    run = bench.away()
    eventually(lambda: run._performing)
    run.interrupt()
    assert bench.verdict() == ToQueue()
    bench.begin()
    bench.away().interrupt()  # perhaps before its first step
    assert bench.verdict() == ToQueue()
    assert bench.reported == []


def test_it_does_not_start_while_the_lease_is_not_good_and_never_when_fenced(bench: Bench) -> None:
    ran = []

    async def f(name: str) -> None:
        ran.append(name)

    bench.add(f)
    bench.permit.until = 0.0
    bench.begin("late")
    bench.begin("later")
    eventually(lambda: bench.handover._rung)  # it asks the courier to see to it
    assert not ran
    bench.permit.extend(steady() + 60)
    assert (bench.verdict(), bench.verdict()) == (DONE, DONE)
    assert sorted(ran) == ["late", "later"]
    bench.permit.until = 0.0
    bench.begin("never")
    bench.permit.fence()
    eventually(lambda: not bench.handover.away)
    assert not bench.handover.outbox, "it is not ours any more: nothing is to be said of it"
    assert len(ran) == 2


def test_it_does_not_start_when_the_process_leaves(bench: Bench) -> None:
    ran = []

    async def f() -> None:
        ran.append(1)

    bench.add(f)
    bench.handover.leave()
    bench.begin()
    eventually(lambda: not bench.handover.away)
    assert not ran
    assert not bench.handover.outbox


def test_a_job_that_finds_no_room_goes_back_in_front(bench: Bench) -> None:
    async def f() -> None:
        await asyncio.sleep(60)

    bench.add(f, async_concurrency=1)
    bench.begin()
    began = time.monotonic()
    bench.begin()
    assert 0.05 < time.monotonic() - began < 5
    assert bench.verdict() == ToQueue()
    room = threading.Thread(target=bench.handover.hold_back)
    room.start()
    assert room.is_alive()
    bench.away().interrupt()
    room.join(5)
    assert not room.is_alive()


def test_who_waits_for_room_leaves_when_the_process_does(bench: Bench) -> None:
    async def f() -> None:
        await asyncio.sleep(60)

    bench.add(f, async_concurrency=1)
    bench.begin()
    room = threading.Thread(target=bench.handover.hold_back)
    room.start()
    bench.worker.stopping.set()
    room.join(5)
    assert not room.is_alive()


def test_slots_are_neither_lost_nor_made() -> None:
    slots = Slots(3, lambda: False)
    taken = [slots.take(0) for _ in range(5)]
    assert taken == [True, True, True, False, False]
    done = []

    def work() -> None:
        for _ in range(200):
            if slots.take(5):
                slots.give_back()
                done.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    slots.give_back()
    for thread in threads:
        thread.join(30)
    assert len(done) == 1600
    assert (slots.take(0), slots.take(0)) == (True, False)


def test_the_loop_survives_what_its_callbacks_do(bench: Bench) -> None:
    async def f(what: str) -> None:
        loop = asyncio.get_running_loop()
        if what == "exit":
            loop.call_soon(lambda: (_ for _ in ()).throw(SystemExit(3)))
        elif what == "stop":
            loop.stop()
        await asyncio.sleep(0.01)

    bench.add(f)
    for what in ("exit", "stop", "nothing"):
        assert bench.run(what) is DONE
    assert [type(error) for error, _ in bench.reported] == [SystemExit]


def test_an_async_layer_is_for_async_jobs_and_may_veto(bench: Bench) -> None:
    @async_layer
    async def never(context: Any, call_next: Any) -> None:
        await asyncio.sleep(0)

    async def f() -> None: ...

    bench.host.around_perform(never)
    bench.add(f)
    assert isinstance(bench.run(), Dropped)
    assert never.applies_to(f)
    assert not never.applies_to(lambda: None)
    assert bench.host.server_middleware.names()[-1].endswith("never")


def test_a_shutdown_reaches_a_job_through_an_async_layer(bench: Bench) -> None:
    seen: list[type] = []

    @async_layer
    async def layer(context: Any, call_next: Any) -> Any:
        try:
            return await call_next(context)
        except BaseException as error:
            seen.append(type(error))
            raise

    async def f() -> None:
        await asyncio.sleep(60)

    bench.host.around_perform(layer)
    bench.add(f)
    bench.begin()
    run = bench.away()
    eventually(lambda: run._performing)
    run.interrupt()
    assert bench.verdict() == ToQueue()
    assert seen == [kiq.Shutdown]


def test_a_shutdown_reaches_an_async_layer_that_waits_by_itself(bench: Bench) -> None:
    waiting = threading.Event()

    @async_layer
    async def layer(context: Any, call_next: Any) -> Any:
        waiting.set()
        await asyncio.sleep(60)

    async def f() -> None: ...

    bench.host.around_perform(layer)
    bench.add(f)
    bench.begin()
    assert waiting.wait(5)
    bench.away().interrupt()
    assert bench.verdict() == ToQueue()


def test_an_async_layer_stands_around_inline_runs_too(
    fresh_registry: Registry, fresh_host: kiq.Host
) -> None:
    heard: list[str] = []

    @fresh_host.around_perform
    @async_layer
    async def layer(context: Any, call_next: Any) -> Any:
        await asyncio.sleep(0)
        heard.append("in")
        outcome = await call_next(context)
        heard.append("out")
        return outcome

    @kiq.job(name="async.layered")
    async def layered(number: int) -> int:
        await asyncio.sleep(0)
        heard.append("job")
        return number + 1

    assert layered.perform_inline(1) == 2

    async def main() -> int:
        found: int = await layered.aio.perform_inline(2)
        return found

    assert asyncio.run(main()) == 3
    assert heard == ["in", "job", "out"] * 2


def test_its_lines_say_start_and_done_with_its_jid(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async def f() -> None: ...

    caplog.set_level(logging.INFO, logger="kiq.job")
    bench.add(f)
    assert bench.run() is DONE
    assert [record.message for record in caplog.records] == ["start", "done"]


def test_a_job_that_left_is_no_garbage(bench: Bench) -> None:
    async def f() -> None: ...

    bench.add(f, skip_default_job_logging=True)
    bench.run()
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            assert bench.run() is DONE
        eventually(lambda: not bench.handover.away)
        eventually(lambda: sum(type(each) is AsyncRun for each in gc.get_objects()) <= 1)
    finally:
        gc.enable()

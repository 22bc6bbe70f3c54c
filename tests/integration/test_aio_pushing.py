"""``HardWorker.aio``: pushes from asyncio code, which share round trips and tell each its own outcome."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
import redis

import kiq
import kiq.aio
from kiq.aio import gathering
from kiq.client import process_client
from kiq.config import Redis
from kiq.errors import BulkPushError, StoreError, StoreUnavailable
from kiq.plugins.after_commit.client import AfterCommit
from tests.helpers.counting_proxy import CountingProxy
from tests.helpers.proxy import FaultProxy
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue, scheduled
from tests.helpers.waiting import eventually

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")


@pytest.fixture(name="Hard")
def hard(kiq_client: kiq.Client) -> Any:
    class Hard(kiq.Job, queue="critical", name="aio.Hard"):
        def perform(self, name: str, count: int = 1) -> str:
            return f"{name} {count} {tenant.get()} {threading.current_thread().name}"

    return Hard


@pytest.fixture(name="Soft")
def soft(kiq_client: kiq.Client) -> Any:
    class Soft(kiq.Job, name="aio.Soft"):
        async def perform(self, name: str) -> Any:
            job = kiq.current_job()
            await asyncio.sleep(0)
            assert job is not None
            return name, tenant.get(), asyncio.get_running_loop(), job.jid == self.jid

    return Soft


def scripts_run(raw: redis.Redis) -> int:
    stats: Any = raw.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {}).get("calls", 0))


def test_a_job_is_pushed_with_its_options(Hard: Any, raw: redis.Redis) -> None:
    async def main() -> list[str | None]:
        return [
            await Hard.aio.perform_async("Bob", count=5),
            await Hard.set(queue="low").aio.perform_async("Eve"),
            await Hard.aio.set(queue="low", retry=3).perform_async("Joe"),
        ]

    jids = asyncio.run(main())
    first, second, third = in_queue(raw, "critical") + in_queue(raw, "low")
    assert [first["jid"], second["jid"], third["jid"]] == jids
    assert (first["args"], first["kwargs"], first["queue"]) == (["Bob"], {"count": 5}, "critical")
    assert (second["queue"], third["retry"]) == ("low", 3)


def test_jobs_are_scheduled(Hard: Any, raw: redis.Redis) -> None:
    async def main() -> None:
        await Hard.aio.perform_in(3600, "later")
        await Hard.aio.perform_at(4_000_000_000, "much later")
        await Hard.aio.perform_bulk([("a",), ("b",)], at=4_000_000_001)

    asyncio.run(main())
    assert sorted(job["args"][0] for _, job in scheduled(raw)) == ["a", "b", "later", "much later"]


def test_function_jobs_and_bare_dicts_are_pushed(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    @kiq.job(name="aio.welcome")
    async def welcome(user: int) -> int:
        return user

    async def main() -> None:
        assert await welcome(4) == 4
        await welcome.aio.perform_async(5)
        await kiq.aio.push({"class": "Ruby::Job", "args": [6]})
        await kiq.aio.push_bulk({"class": "Ruby::Job"}, [[7], (8,)])

    asyncio.run(main())
    assert [job["args"] for job in in_queue(raw, "default")] == [[5], [6], [7], [8]]


def test_pushes_at_the_same_time_share_a_script_call(Hard: Any, raw: redis.Redis) -> None:
    async def main() -> list[str | None]:
        await Hard.aio.perform_async("first")
        before = scripts_run(raw)
        jids = await asyncio.gather(*(Hard.aio.perform_async(str(n)) for n in range(1000)))
        assert scripts_run(raw) - before <= 3
        return jids

    jids = asyncio.run(main())
    assert len(set(jids)) == 1000
    assert [job["args"][0] for job in in_queue(raw, "critical")][1:] == [
        str(n) for n in range(1000)
    ]


def test_the_event_loop_goes_on_while_redis_is_slow(
    Hard: Any, private_server: Callable[..., TestServer]
) -> None:
    server = private_server()
    with FaultProxy(server.port) as between:
        kiq.configure(redis=Redis(url=between.url, socket_timeout=5))

        async def main() -> int:
            await Hard.aio.perform_async("warm")
            between.swallow(True)
            push = asyncio.create_task(Hard.aio.perform_async("Bob"))
            rounds = 0
            while rounds < 200:
                await asyncio.sleep(0.001)
                rounds += 1
            assert not push.done()
            between.swallow(False)
            assert await push is not None
            return rounds

        assert asyncio.run(main()) == 200


def test_each_push_hears_of_its_own_queue_alone(Hard: Any, raw: redis.Redis) -> None:
    raw.set("queue:broken", "no list")

    async def main() -> list[Any]:
        return await asyncio.gather(
            Hard.aio.set(queue="broken").perform_async("a"),
            Hard.aio.perform_async("b"),
            Hard.aio.set(queue="broken").perform_async("c"),
            Hard.aio.perform_in(60, "d"),
            return_exceptions=True,
        )

    a, b, c, d = asyncio.run(main())
    assert isinstance(b, str)
    assert isinstance(d, str)
    for error in (a, c):
        assert isinstance(error, StoreError)
        assert error.maybe_done is False
        assert len(error.jids) == 1
        assert error.jids[0] in str(error)
    assert a.jids != c.jids
    assert [job["jid"] for job in in_queue(raw, "critical")] == [b]


def test_a_push_whose_outcome_is_unknown_says_so(
    Hard: Any, private_server: Callable[..., TestServer]
) -> None:
    server = private_server()
    with FaultProxy(server.port) as between:
        kiq.configure(redis=between.url)

        async def main() -> list[Any]:
            await Hard.aio.perform_async("warm")
            between.cut_next("in the reply")
            pushes = [Hard.aio.perform_async("a"), Hard.aio.perform_bulk([("b",), ("c",)])]
            return await asyncio.gather(*pushes, return_exceptions=True)

        one, many = asyncio.run(main())
    assert isinstance(one, StoreUnavailable)
    assert isinstance(many, StoreUnavailable)
    assert one.maybe_done
    assert many.maybe_done
    assert (len(one.jids), len(many.jids)) == (1, 2)


@pytest.mark.bare_names
def test_without_redis_nothing_is_pushed_and_nothing_hangs(
    Hard: Any, private_server: Callable[..., TestServer]
) -> None:
    server = private_server()
    kiq.configure(redis=server.url)
    server.stop()

    async def main() -> list[Any]:
        pushes = (Hard.aio.perform_async(str(n)) for n in range(50))
        return await asyncio.gather(*pushes, return_exceptions=True)

    found = asyncio.run(main())
    assert {type(error) for error in found} == {StoreUnavailable}
    assert not any(error.maybe_done for error in found)


def test_a_bulk_is_pushed_in_slices_between_which_others_go_on(Hard: Any, raw: redis.Redis) -> None:
    async def main() -> list[str | None]:
        bulk = asyncio.create_task(
            Hard.aio.perform_bulk(((str(n),) for n in range(950)), batch_size=100)
        )
        seen = set()
        while not bulk.done():
            await asyncio.sleep(0)
            seen.add(raw.llen("queue:critical"))
        assert len(seen) > 3
        assert await Hard.aio.perform_bulk([]) == []
        return await bulk

    jids = asyncio.run(main())
    assert [job["jid"] for job in in_queue(raw, "critical")] == jids


def test_a_bulk_that_breaks_half_way_lists_what_was_pushed(Hard: Any, raw: redis.Redis) -> None:
    def jobs() -> Any:
        yield ("a",)
        yield ("b",)
        raise LookupError("no more")

    async def main() -> None:
        await Hard.aio.perform_bulk(jobs(), batch_size=1)

    with pytest.raises(BulkPushError) as raised:
        asyncio.run(main())
    assert raised.value.jids == [job["jid"] for job in in_queue(raw, "critical")]
    assert isinstance(raised.value.__cause__, LookupError)


def test_a_slice_that_one_of_its_queues_refuses_is_uncertain(Hard: Any, raw: redis.Redis) -> None:
    raw.set("queue:broken", "no list")

    @kiq.host.around_push
    def spread(context: kiq.ClientContext, call_next: Callable[[Any], Any]) -> Any:
        context.payload["queue"] = context.payload["args"][0]
        return call_next(context)

    with pytest.raises(BulkPushError) as raised:
        asyncio.run(Hard.aio.perform_bulk([("broken",), ("sound",)]))
    assert raised.value.jids == []
    assert len(raised.value.uncertain) == 2
    assert raw.llen("queue:sound") == 1


def test_client_middleware_runs_in_the_task_that_pushes(Hard: Any, raw: redis.Redis) -> None:
    threads = set()

    @kiq.host.around_push
    def stamp(context: kiq.ClientContext, call_next: Callable[[Any], Any]) -> Any:
        threads.add(threading.get_ident())
        context.payload["tenant"] = tenant.get()
        return None if context.payload["args"] == ["nobody"] else call_next(context)

    async def push(who: str) -> str | None:
        tenant.set(who)
        await asyncio.sleep(0)
        jid: str | None = await Hard.aio.perform_async(who)
        return jid

    async def main() -> list[str | None]:
        return await asyncio.gather(*(push(who) for who in ("ann", "bob", "nobody")))

    *_, vetoed = asyncio.run(main())
    assert vetoed is None
    assert {job["args"][0]: job["tenant"] for job in in_queue(raw, "critical")} == {
        "ann": "ann",
        "bob": "bob",
    }
    assert threads == {threading.get_ident()}


def test_mistakes_are_told_by_the_call_that_made_them(Hard: Any, raw: redis.Redis) -> None:
    async def main() -> list[Any]:
        return await asyncio.gather(
            Hard.aio.perform_async(),
            Hard.aio.perform_async("right"),
            Hard.aio.perform_async(object()),
            Hard.aio.perform_in("soon", "x"),
            Hard.aio.perform_bulk([1]),
            return_exceptions=True,
        )

    few, right, strange, soon, bulk = asyncio.run(main())
    assert isinstance(few, kiq.ArgumentError)
    assert isinstance(right, str)
    assert isinstance(strange, kiq.ArgumentError)
    assert isinstance(soon, kiq.PayloadError)
    assert isinstance(bulk, kiq.PayloadError)
    with pytest.raises(kiq.ConfigError, match="unknown option 'quee'"):
        Hard.aio.set(quee="x")


def test_a_class_without_perform_has_no_aio() -> None:
    class Bare(kiq.Job):
        pass

    assert not hasattr(Bare, "aio")
    with pytest.raises(AttributeError, match="Bare has no perform of its own to run"):
        _ = Bare.aio  # type: ignore[arg-type]


def test_a_task_that_is_cancelled_before_the_write_begins_has_not_pushed(
    Hard: Any, raw: redis.Redis
) -> None:
    async def main() -> None:
        tasks = [asyncio.create_task(Hard.aio.perform_async(str(n))) for n in range(3)]
        asyncio.get_running_loop().call_soon(tasks[1].cancel)
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(found[1], asyncio.CancelledError)

    asyncio.run(main())
    assert [job["args"] for job in in_queue(raw, "critical")] == [["0"], ["2"]]


def test_a_cancelled_task_does_not_disturb_those_that_share_its_write(
    Hard: Any, private_server: Callable[..., TestServer]
) -> None:
    server = private_server()
    with FaultProxy(server.port) as between:
        kiq.configure(redis=between.url)

        async def main() -> str | None:
            await Hard.aio.perform_async("warm")
            between.swallow(True)
            lost, kept = (asyncio.create_task(Hard.aio.perform_async(n)) for n in "ab")
            await asyncio.sleep(0.1)
            lost.cancel()
            await asyncio.sleep(0)
            assert lost.cancelled()
            between.swallow(False)
            jid: str | None = await kept
            return jid

        assert asyncio.run(main())
    raw = server.client()
    assert len(in_queue(raw, "critical")) == 3  # it was under way
    raw.close()


def test_several_event_loops_push_side_by_side(Hard: Any, raw: redis.Redis) -> None:
    found: list[list[str | None]] = []

    async def main() -> None:
        found.append(await asyncio.gather(*(Hard.aio.perform_async("x") for _ in range(200))))

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jids = [jid for each in found for jid in each]
    assert len(set(jids)) == 800
    assert {job["jid"] for job in in_queue(raw, "critical")} == set(jids)


def test_a_loop_that_is_closed_in_the_round_of_a_push_is_not_kept(
    Hard: Any, raw: redis.Redis
) -> None:
    async def begin() -> Any:
        return asyncio.ensure_future(Hard.aio.perform_async("nobody waits"))

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _found: None)  # of the task that is destroyed
    loop.run_until_complete(begin())
    loop.close()
    known = weakref.ref(loop)
    del loop
    asyncio.run(Hard.aio.perform_async("another"))
    gc.collect()
    assert known() is None
    assert [job["args"] for job in in_queue(raw, "critical")] == [["another"]]


def test_its_thread_ends_when_nothing_is_pushed_and_comes_back(
    Hard: Any, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "_IDLE", 0.02)
    mine = gathering.gathering_of(process_client())
    for pushed in (1, 2):
        asyncio.run(Hard.aio.perform_async("x"))
        assert raw.llen("queue:critical") == pushed
        eventually(lambda: not mine._running)


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_child_pushes_by_itself(Hard: Any, raw: redis.Redis) -> None:
    asyncio.run(Hard.aio.perform_async("parent"))
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(Hard.aio.perform_async("child"))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    asyncio.run(Hard.aio.perform_async("parent again"))
    names = {job["args"][0] for job in in_queue(raw, "critical")}
    assert names == {"parent", "child", "parent again"}


def test_several_event_loops_of_a_forked_child_push_at_once(Hard: Any, raw: redis.Redis) -> None:
    asyncio.run(Hard.aio.perform_async("parent"))

    def in_child() -> bool:
        sys.setswitchinterval(1e-6)
        together, pushed = threading.Barrier(6), []

        def push() -> None:
            loop = asyncio.new_event_loop()
            together.wait()
            waited = asyncio.wait_for(Hard.aio.perform_async("child"), 5)
            pushed.append(loop.run_until_complete(waited))

        threads = [threading.Thread(target=push, daemon=True) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        return len(pushed) == 6

    for _ in range(30):
        child = os.fork()
        if child == 0:
            os._exit(0 if in_child() else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert len(in_queue(raw, "critical")) == 1 + 30 * 6


def test_with_a_push_buffer_jobs_are_kept_while_redis_is_away(
    Hard: Any, private_server: Callable[..., TestServer]
) -> None:
    server = private_server()
    with FaultProxy(server.port) as between:
        kiq.configure(redis=between.url, push_buffer=3)

        async def main() -> list[Any]:
            await Hard.aio.perform_async("warm")
            between.refuse(True)
            few = [await Hard.aio.perform_async(str(n)) for n in range(2)]
            many = Hard.aio.perform_bulk([("x",), ("y",)])
            return [*few, *await asyncio.gather(many, return_exceptions=True)]

        one, two, too_many = asyncio.run(main())
        assert isinstance(one, str)
        assert isinstance(two, str)
        assert isinstance(too_many, StoreUnavailable)
        between.refuse(False)
        raw = server.client()
        eventually(lambda: raw.llen("queue:critical") == 3, 10)
        raw.close()


def test_with_a_push_buffer_what_is_gathered_is_one_write_and_each_is_told_of_its_own(
    Hard: Any, raw: redis.Redis, server: TestServer
) -> None:
    raw.set("queue:low", "no list")
    with CountingProxy(server.port) as between:
        kiq.configure(redis=between.url, push_buffer=10)

        async def main() -> list[Any]:
            await Hard.aio.perform_async("warm")
            before = between.round_trips
            pushes = [
                Hard.aio.perform_async("a"),
                Hard.set(queue="low").aio.perform_async("b"),
                Hard.aio.perform_in(60, "c"),
            ]
            told = await asyncio.gather(*pushes, return_exceptions=True)
            return [between.round_trips - before, *told]

        trips, one, refused, later = asyncio.run(main())
    assert trips == 1
    assert isinstance(refused, StoreError)
    assert "nothing was pushed" in str(refused)
    assert one in {job["jid"] for job in in_queue(raw, "critical")}
    assert [job["jid"] for _, job in scheduled(raw)] == [later]


def test_inline_an_async_job_runs_on_the_loop_and_a_plain_one_on_a_thread(
    Hard: Any, Soft: Any
) -> None:
    async def main() -> None:
        tenant.set("ann")
        assert await Soft.aio.perform_inline("x") == ("x", "ann", asyncio.get_running_loop(), True)
        assert str(await Hard.aio.perform_inline("Bob")).startswith("Bob 1 ann kiq-inline")
        both = asyncio.gather(*(Soft.aio.perform_inline(str(n)) for n in range(40)))
        assert [name for name, *_ in await both] == [str(n) for n in range(40)]
        with pytest.raises(kiq.ConfigError, match=r"write await (aio\.)?Soft\.aio\.perform_inline"):
            Soft.perform_inline("x")

    asyncio.run(main())
    name, who, _, known = Soft.perform_inline("y")
    assert (name, who, known) == ("y", "nobody", True)


def test_inline_middleware_stands_around_the_whole_coroutine(Soft: Any) -> None:
    heard = []

    @kiq.host.around_perform
    def layer(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
        tenant.set("layer")
        outcome = call_next(context)
        heard.append(outcome[:2])
        return outcome

    asyncio.run(Soft.aio.perform_inline("a"))
    Soft.perform_inline("b")
    assert heard == [("a", "layer"), ("b", "layer")]


def test_inline_an_error_and_a_cancellation_reach_who_they_are_for(
    kiq_client: kiq.Client,
) -> None:
    ended = []

    @kiq.job(name="aio.breaks")
    async def breaks(seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            ended.append(seconds)
        raise LookupError("broken")

    async def main() -> None:
        with pytest.raises(LookupError, match="broken"):
            await breaks.aio.perform_inline(0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(breaks.aio.perform_inline(60), 0.1)
        await asyncio.sleep(0.05)

    asyncio.run(main())
    assert ended == [0, 60]


def test_a_thread_that_an_inline_job_waits_for_does_not_wait_for_its_loop(
    Soft: Any, kiq_client: kiq.Client
) -> None:
    found: list[Any] = []

    @kiq.job(name="aio.waits")
    async def waits() -> None:
        run = copy_context().run
        thread = threading.Thread(target=lambda: found.append(run(Soft.perform_inline, "inner")))
        thread.start()
        thread.join(5)  # the loop stands still meanwhile
        assert not thread.is_alive()

    asyncio.run(waits.aio.perform_inline())
    assert [name for name, *_ in found] == ["inner"]


def test_pushes_that_wait_for_a_commit_wait(Hard: Any, raw: redis.Redis) -> None:
    kept: list[Any] = []

    class Transaction:
        def defer(self, deferred: Any) -> None:
            kept.append(deferred)

    client = AfterCommit(lambda: Transaction())  # type: ignore[arg-type, return-value]

    async def main() -> None:
        assert isinstance(await Hard.via(client).aio.perform_async("a"), str)
        assert len(await Hard.via(client).aio.perform_bulk([("b",), ("c",)])) == 2

    asyncio.run(main())
    assert len(kept) == 2
    assert raw.llen("queue:critical") == 0


def test_who_does_not_use_it_does_not_load_it() -> None:
    script = "import sys, kiq; print([m for m in sys.modules if m.startswith('kiq.aio')])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr

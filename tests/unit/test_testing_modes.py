"""kiq.testing: which mode holds where, and what a push does in each."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import fakeredis
import pytest
import redis

import kiq
from kiq import api, testing
from kiq.client import default_client
from kiq.registry import Registry
from tests.helpers.stored import in_queue
from tests.house.source import ROOT


class HardWorker(kiq.Job, name="testing.HardWorker", queue="critical"):
    def perform(self, name: str, count: int = 1) -> str:
        return f"{name} {count}"


@kiq.job(name="testing.welcome", queue="mailers")
def welcome(user_id: int) -> None:
    HardWorker.perform_async(f"user {user_id}")


seen: list[Any] = []


class Noting(kiq.Job, name="testing.Noting"):
    def perform(self, what: Any) -> None:
        running = kiq.current_job()
        seen.append((what, self.jid, running and running.jid))
        if what == "again":
            Noting.perform_async("pushed by the job")
        if what == "fail":
            raise ZeroDivisionError("out of luck")
        if what == "store":
            raise kiq.StoreUnavailable("its own")


@pytest.fixture(autouse=True)
def untouched(unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host) -> Iterator[None]:
    """Every test begins and ends without a mode; a push that went to Redis would fail."""
    seen.clear()
    kiq.configure(redis="redis://localhost:1/0")
    yield
    testing.fake()
    testing.clear()
    testing.disabled()
    testing.server_middleware.clear()


def test_without_a_mode_pushes_go_to_redis() -> None:
    assert testing.mode() == "disabled"
    with pytest.raises(kiq.StoreUnavailable):
        HardWorker.perform_async("Bob")


def test_fake_keeps_pushes_of_every_kind_in_memory() -> None:
    testing.fake()
    jid = HardWorker.perform_async("Bob", 5)
    HardWorker.set(queue="low").perform_async("Ann", count=2)
    HardWorker.perform_in(60, "Joe")
    HardWorker.perform_at(1_000_000_001, "past")
    HardWorker.perform_bulk([("a",), ("b",)])
    HardWorker.perform_bulk([("c",)], at=4_000_000_000)
    welcome.perform_async(42)
    kiq.push({"class": "Ruby", "args": [1]})
    kiq.push_bulk({"class": "Ruby"}, [[2], [3]])
    jobs = testing.jobs()
    assert [job.args[0] for job in jobs] == ["Bob", "Ann", "Joe", "past", *"abc", 42, 1, 2, 3]
    assert (jobs[0].jid, jobs[0].class_name, jobs[0].queue) == (
        jid,
        "testing.HardWorker",
        "critical",
    )
    assert (jobs[1].kwargs, jobs[1].queue) == ({"count": 2}, "low")
    assert [job.at is None for job in jobs[2:7]] == [False, True, True, True, False]
    assert jobs[2].delay == pytest.approx(60, abs=1)
    assert "enqueued_at" in jobs[0].payload
    assert "enqueued_at" not in jobs[2].payload


def test_an_iterable_that_pushes_while_it_is_read_is_no_trouble() -> None:
    def each() -> Iterator[tuple[str]]:
        welcome.perform_async(1)
        yield ("a",)

    with testing.scoped("fake"):
        HardWorker.perform_bulk(each())
        assert len(testing.jobs()) == 2


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_arguments_make_the_round_trip_of_the_codec_that_is_configured(codec: str) -> None:
    kiq.configure(codec=codec)
    given = {"a": [1, 2.5]}
    with testing.scoped("fake"):
        Noting.perform_async(given)
        given["a"].append(3)
        (job,) = testing.jobs()
        assert job.args == [{"a": [1, 2.5]}]
        with pytest.raises(kiq.ArgumentError):
            Noting.perform_async(object())
        if codec == "json":
            with pytest.raises(kiq.ArgumentError):
                Noting.perform_async(b"bytes")


def test_the_limit_of_a_payload_and_the_arguments_are_checked() -> None:
    kiq.configure(max_payload=1000)
    with testing.scoped("fake"):
        with pytest.raises(kiq.PayloadError, match="limit 1000"):
            Noting.perform_async("x" * 1000)
        with pytest.raises(kiq.ArgumentError):
            HardWorker.perform_async()  # type: ignore[call-arg]
        assert testing.jobs() == []


def test_client_middleware_changes_and_vetoes() -> None:
    @kiq.host.around_push
    def layer(context: kiq.ClientContext, call_next: Any) -> Any:
        context.payload["locale"] = "de"
        return None if context.payload["args"] == ["nobody"] else call_next(context)

    with testing.scoped("fake"):
        assert HardWorker.perform_async("nobody") is None
        assert HardWorker.perform_async("Bob")
        assert [job.payload["locale"] for job in testing.jobs()] == ["de"]


def test_configure_does_not_undo_a_mode() -> None:
    with testing.scoped("fake"):
        kiq.configure(redis="redis://localhost:2/0")
        HardWorker.perform_async("Bob")
        assert len(testing.jobs()) == 1


def test_inline_runs_at_the_push_after_the_round_trip_and_sets_the_jid() -> None:
    testing.inline()
    jid = Noting.perform_async({"a": 1})
    later = Noting.perform_in(60, "later")
    assert seen == [({"a": 1}, jid, jid), ("later", later, later)]
    assert kiq.current_job() is None


def test_inline_raises_what_the_job_raises_as_it_is() -> None:
    with testing.scoped("inline"):
        for what, error in (("fail", ZeroDivisionError), ("store", kiq.StoreUnavailable)):
            with pytest.raises(error) as raised:
                Noting.perform_async(what)
            with pytest.raises(error):
                Noting.perform_bulk([("first",), (what,)])
    assert str(raised.value) == "its own"


def test_inline_runs_what_a_job_pushes_too() -> None:
    with testing.scoped("inline"):
        Noting.perform_async("again")
    assert [what for what, *_ in seen] == ["again", "pushed by the job"]


def test_inline_goes_through_the_middleware_of_tests() -> None:
    @testing.server_middleware.add
    def layer(context: kiq.ServerContext, call_next: Any) -> Any:
        seen.append(type(context.job).__name__)
        return call_next(context)

    kiq.host.around_perform(lambda context, call_next: seen.append("the application's"))
    with testing.scoped("inline"):
        HardWorker.perform_async("Bob")
    assert seen == ["HardWorker"]


def test_scopes_nest_and_each_begins_empty() -> None:
    testing.fake()
    HardWorker.perform_async("outside")
    with testing.scoped("fake"):
        assert testing.jobs() == []
        with testing.scoped("inline"):
            Noting.perform_async("inner")
            with testing.scoped("disabled"), pytest.raises(kiq.StoreUnavailable):
                HardWorker.perform_async("to Redis")
        HardWorker.perform_async("inside")
        assert [job.args for job in testing.jobs()] == [["inside"]]
    assert [job.args for job in testing.jobs()] == [["outside"]]
    assert [what for what, *_ in seen] == ["inner"]


def test_a_scope_ends_with_an_error_too() -> None:
    for process_wide in (False, True):
        with pytest.raises(ZeroDivisionError), testing.scoped("fake", process_wide=process_wide):
            raise ZeroDivisionError
        assert testing.mode() == "disabled"


def test_a_scope_is_of_its_thread_alone() -> None:
    modes: list[str] = []

    def look() -> None:
        modes.append(testing.mode())

    def in_thread(target: Any) -> None:
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()

    with testing.scoped("fake"):
        in_thread(look)
        in_thread(partial(contextvars.copy_context().run, look))
    with testing.scoped("fake", process_wide=True):
        in_thread(look)
    assert modes == ["disabled", "fake", "fake"]


def test_scopes_of_the_process_that_overlap_leave_nothing_behind() -> None:
    first = testing.scoped("fake", process_wide=True)
    second = testing.scoped("inline", process_wide=True)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert testing.mode() == "inline"
    second.__exit__(None, None, None)
    assert testing.mode() == "disabled"


def test_a_mode_for_the_process_does_not_end_the_scopes_that_are_open() -> None:
    with testing.scoped("fake"):
        testing.inline()
        assert testing.mode() == "fake"
    assert testing.mode() == "inline"


def test_a_scope_in_a_generator_may_be_closed_from_elsewhere() -> None:
    def steps() -> Iterator[str]:
        with testing.scoped("fake"):
            yield testing.mode()

    generator = steps()
    assert contextvars.copy_context().run(next, generator) == "fake"
    contextvars.copy_context().run(generator.close)  # type: ignore[attr-defined]
    assert testing.mode() == "disabled"


def test_two_asyncio_tasks_have_scopes_of_their_own() -> None:
    async def push(label: str, own: asyncio.Event, other: asyncio.Event) -> list[Any]:
        with testing.scoped("fake"):
            HardWorker.perform_async(label)
            own.set()
            await other.wait()
            await asyncio.create_task(push_more(label))
            return [job.args[0] for job in testing.jobs()]

    async def push_more(label: str) -> None:
        HardWorker.perform_async(f"more {label}")

    async def both() -> list[list[Any]]:
        a, b = asyncio.Event(), asyncio.Event()
        return list(await asyncio.gather(push("a", a, b), push("b", b, a)))

    assert asyncio.run(both()) == [["a", "more a"], ["b", "more b"]]
    assert testing.mode() == "disabled"


@kiq.job(name="testing.looping")
def looping(what: str) -> str:
    async def inner() -> None:
        await asyncio.sleep(0)
        Noting.perform_async(what)

    asyncio.run(inner())
    if what == "fail":
        raise ZeroDivisionError("out of luck")
    return what


def test_a_job_with_a_loop_of_its_own_runs_in_an_asyncio_test_too() -> None:
    async def inline() -> None:
        with testing.scoped("inline"):
            looping.perform_async("inline")

    async def drained() -> None:
        with testing.scoped("fake"):
            looping.perform_async("drained")
            assert testing.perform_one() == "drained"
            testing.assert_enqueued(Noting, args=["drained"])
            looping.perform_async("fail")
            with pytest.raises(ZeroDivisionError):
                testing.drain(looping)

    asyncio.run(inline())
    asyncio.run(drained())
    assert [what for what, *_ in seen] == ["inline"]


def test_pushes_of_many_threads_are_all_kept() -> None:
    with testing.scoped("fake", process_wide=True):
        threads = [
            threading.Thread(target=lambda: [HardWorker.perform_async("x") for _ in range(100)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({job.jid for job in testing.jobs()}) == 400


def test_asking_for_jobs_in_another_mode_says_what_to_do() -> None:
    with pytest.raises(testing.NotFaking, match=r"the mode is disabled here.*kiq.testing.fake"):
        testing.jobs()
    with testing.scoped("inline"), pytest.raises(testing.NotFaking, match="inline"):
        testing.drain()


def test_an_unknown_mode_is_refused_and_changes_nothing() -> None:
    with pytest.raises(kiq.ConfigError, match="not 'fakes'"), testing.scoped("fakes"):  # type: ignore[arg-type]
        pass
    assert testing.mode() == "disabled"


def test_kiq_api_looks_at_redis_in_every_mode(fake: redis.Redis) -> None:
    HardWorker.perform_async("in Redis")
    with testing.scoped("fake"):
        HardWorker.perform_async("in memory")
        assert [job.args for job in api.Queue("critical")] == [["in Redis"]]
        assert len(testing.jobs()) == 1
        api.Queue("critical").clear()
        assert len(testing.jobs()) == 1
    assert fake.llen("queue:critical") == 0


def test_a_client_of_one_s_own_pushes_to_its_store_in_every_mode(unconfigured: None) -> None:
    store = fakeredis.FakeRedis()
    own = kiq.Client(store)
    for mode in ("fake", "inline"):
        with testing.scoped(mode):
            own.push({"class": "Ruby", "args": [], "queue": "critical", "jid": mode})
    assert [job["jid"] for job in in_queue(store, "critical")] == ["fake", "inline"]
    store.close()


def test_pushes_by_name_run_inline_too_with_their_options() -> None:
    with testing.scoped("inline"):
        kiq.push({"class": "testing.Noting", "args": ["dict"], "jid": "a"})
        kiq.push_bulk({"class": "testing.Noting"}, [["first"], ["second"]])
        with pytest.raises(kiq.UnknownJobClass):
            kiq.push({"class": "Ruby", "args": []})
        with pytest.raises(kiq.ArgumentError):
            kiq.push({"class": "testing.Noting", "args": []})
    assert [what for what, *_ in seen] == ["dict", "first", "second"]


def test_an_error_in_the_middle_of_a_bulk_ends_an_inline_push() -> None:
    with testing.scoped("inline"), pytest.raises(ZeroDivisionError):
        Noting.perform_bulk([("first",), ("fail",), ("never",)])
    assert [what for what, *_ in seen] == ["first", "fail"]


def outside(code: str, **variables: str) -> str:
    """Return what a process without a test runner writes to stderr."""
    environment = {k: v for k, v in os.environ.items() if k not in ("KIQ_ENV", "APP_ENV")}
    done = subprocess.run(
        [sys.executable, "-c", f"from kiq import testing\n{code}"],
        env={**environment, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("code", ["testing.fake()", "with testing.scoped('fake'): pass"])
def test_faking_outside_tests_is_warned_of_once(code: str) -> None:
    said = outside(f"{code}\n{code}")
    assert said.count("never reach Redis") == 1
    assert "set KIQ_ENV=test" in said


@pytest.mark.parametrize(
    ("code", "variables"),
    [
        ("testing.fake()", {"KIQ_ENV": "test"}),
        ("testing.fake()", {"APP_ENV": "testing"}),
        ("import unittest; testing.fake()", {}),
        ("testing.inline(); testing.disabled()", {}),
    ],
)
def test_tests_and_other_modes_are_not_warned_of(code: str, variables: dict[str, str]) -> None:
    assert outside(code, **variables) == ""


def test_disabled_is_the_real_client_and_works_on_fakeredis(fake: redis.Redis) -> None:
    real = default_client()
    testing.fake()
    assert default_client() is not real
    testing.disabled()
    assert default_client() is real
    HardWorker.perform_async("Bob")
    assert in_queue(fake, "critical")[0]["args"] == ["Bob"]

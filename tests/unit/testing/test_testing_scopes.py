"""kiq.testing: which mode holds where, in threads and asyncio tasks."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

import kiq
from kiq import testing
from tests.helpers.testing_jobs import HardWorker, Noting, seen

pytestmark = pytest.mark.usefixtures("no_mode")


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


def test_two_threads_that_drain_together_run_each_job_once() -> None:
    with testing.scoped("fake", process_wide=True):
        Noting.perform_bulk([(number,) for number in range(400)])
        counts: list[int] = []
        threads = [threading.Thread(target=lambda: counts.append(testing.drain())) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(counts) == 400
    assert sorted(what for what, *_ in seen) == list(range(400))


def test_a_scope_may_decorate_a_function() -> None:
    @testing.scoped("fake")
    def push() -> int:
        HardWorker.perform_async("Bob")
        return len(testing.jobs())

    assert [push(), push(), testing.mode()] == [1, 1, "disabled"]


def test_asking_for_jobs_in_another_mode_says_what_to_do() -> None:
    with pytest.raises(testing.NotFaking, match=r"the mode is disabled here.*kiq.testing.fake"):
        testing.jobs()
    with testing.scoped("inline"), pytest.raises(testing.NotFaking, match="inline"):
        testing.drain()


def test_an_unknown_mode_is_refused_and_changes_nothing() -> None:
    with pytest.raises(kiq.ConfigError, match="not 'fakes'"), testing.scoped("fakes"):  # type: ignore[arg-type]
        pass
    assert testing.mode() == "disabled"

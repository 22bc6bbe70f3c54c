"""A job that never ran is tried again, and dies in the end, whatever its ``retry`` says."""

from __future__ import annotations

from typing import Any

import pytest

import kiq
from kiq.registry import Registry
from kiq.verdict import Dropped, ToDead, ToRetry
from tests.helpers.bench import Bench, raising, retried

NEVER = pytest.mark.parametrize("retry", [False, None])


@pytest.fixture
def bench() -> Bench:
    return Bench()


@NEVER
def test_a_job_of_an_unknown_class_is_kept(bench: Bench, retry: Any) -> None:
    record = retried(bench.run(retry=retry))
    assert (record["retry"], record["retry_count"]) == (retry, 0)
    assert isinstance(bench.run(retry=retry, retry_count=24), ToDead)


def test_retry_0_means_the_dead_set_at_once_also_for_what_did_not_run(bench: Bench) -> None:
    assert isinstance(bench.run(retry=0), ToDead)


def test_dead_false_still_says_what_becomes_of_it_after_the_last_attempt(bench: Bench) -> None:
    assert isinstance(bench.run(retry=False, dead=False), ToRetry)
    assert isinstance(bench.run(retry=False, dead=False, retry_count=24), Dropped)


@NEVER
@pytest.mark.parametrize(
    ("args", "kwargs"), [([], {}), ([1, 2], {}), ([1], {"new": True}), ([], {"one": 1, "two": 2})]
)
def test_a_job_whose_arguments_do_not_fit_is_kept(
    bench: Bench, retry: Any, args: list[Any], kwargs: dict[str, Any]
) -> None:
    ran: list[Any] = []
    bench.add(lambda one: ran.append(one))
    assert isinstance(bench.run(*args, kwargs=kwargs, retry=retry), ToRetry)
    assert ran == []


def test_a_job_whose_arguments_do_not_fit_its_class_is_kept(
    bench: Bench, fresh_registry: Registry
) -> None:
    class Older(kiq.Job, name="kept.Older", retry=False):
        def perform(self, one: int) -> None: ...

    bench.add_class(Older)
    assert isinstance(bench.run(1, 2, retry=False), ToRetry)
    assert isinstance(bench.run(kwargs=5, retry=False), ToRetry)


def test_a_job_that_raises_a_type_error_itself_has_run(bench: Bench) -> None:
    bench.add(lambda one: one + "")
    assert bench.run(1, retry=False) == Dropped("its options say retry=False", failed=True)


def test_a_job_that_empties_its_arguments_has_run(bench: Bench) -> None:
    def perform(numbers: list[int]) -> None:
        current = kiq.current_job()
        assert current is not None
        current.payload["args"] = []
        raise ValueError

    bench.add(perform)
    assert isinstance(bench.run([1], retry=False), Dropped)


def test_a_class_that_can_not_be_made_has_not_run(bench: Bench, fresh_registry: Registry) -> None:
    class Fragile(kiq.Job, name="kept.Fragile"):
        def __init__(self) -> None:
            raise OSError("no room")

        def perform(self) -> None: ...

    bench.add_class(Fragile)
    assert isinstance(bench.run(retry=False), ToRetry)


def test_an_async_job_in_a_process_without_a_loop_has_not_run(bench: Bench) -> None:
    async def perform() -> None: ...

    bench.add(perform)
    assert isinstance(bench.run(retry=False), ToRetry)


def test_a_layer_that_fails_before_it_calls_on_keeps_the_job(bench: Bench) -> None:
    bench.host.around_perform(raising(OSError("no database")))
    bench.add(lambda: None)
    assert isinstance(bench.run(retry=False), ToRetry)


def test_a_layer_that_fails_after_the_job_ran_does_not_keep_it(bench: Bench) -> None:
    def fails_after(context: Any, call_next: Any) -> None:
        call_next(context)
        raise OSError("no database")

    bench.host.around_perform(fails_after)
    bench.add(lambda: None)
    assert isinstance(bench.run(retry=False), Dropped)


def test_what_a_layer_asks_for_on_purpose_is_done(bench: Bench) -> None:
    bench.host.around_perform(raising(kiq.Discard("not now")))
    bench.add(lambda: None)
    assert bench.run(retry=False) == Dropped("the job asked to be discarded", failed=True)

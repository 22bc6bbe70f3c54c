"""Signals that come in groups: what a TaskGroup and except* make of kiq.Snooze and its kin."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import kiq
from kiq.clock import wall
from kiq.plugins.metrics.layer import _interrupted
from kiq.verdict import Dropped, ToDead, ToQueue, ToRetry, ToSchedule
from tests.helpers.bench import Bench, raising, retried


@pytest.fixture
def bench() -> Bench:
    return Bench()


def group(*errors: BaseException) -> BaseExceptionGroup[Any]:
    return BaseExceptionGroup("of a nursery", list(errors))


def in_a_task_group(*errors: Exception) -> None:
    async def fails(error: Exception) -> None:
        raise error

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            for error in errors:
                tasks.create_task(fails(error))

    asyncio.run(main())


def test_a_snooze_in_a_task_group_snoozes_the_job(bench: Bench) -> None:
    bench.add(lambda: in_a_task_group(kiq.Snooze(600)))
    verdict = bench.run()
    assert isinstance(verdict, ToSchedule)
    assert abs(verdict.at - wall() - 600) < 5
    assert bench.reported == bench.deaths == []


def test_of_several_waits_the_longest_counts(bench: Bench) -> None:
    bench.add(lambda: in_a_task_group(kiq.Snooze(5), kiq.Snooze(600), kiq.Snooze(60)))
    verdict = bench.run()
    assert isinstance(verdict, ToSchedule)
    assert abs(verdict.at - wall() - 600) < 5
    bench = Bench()
    bench.add(raising(group(kiq.Retry(), kiq.Retry(600))))
    retry = bench.run()
    assert isinstance(retry, ToRetry)
    assert abs(retry.at - wall() - 600) < 5


def test_groups_in_groups_count_as_what_is_in_them(bench: Bench) -> None:
    bench.add(raising(group(group(group(kiq.Discard("one"))), kiq.Discard("two"))))
    assert isinstance(bench.run(), Dropped)
    bench.add(raising(group(group(kiq.Kill("why")))))
    verdict = bench.run(retry=False)
    assert isinstance(verdict, ToDead)
    assert [type(error) for _, error in bench.deaths] == [kiq.Discard, kiq.Kill]


def test_what_an_except_star_raises_is_what_it_means(bench: Bench) -> None:
    def perform() -> None:
        try:
            raise ValueError("not there yet")
        except* ValueError:
            raise kiq.Snooze(600)  # noqa: B904

    bench.add(perform)
    assert isinstance(bench.run(), ToSchedule)


class Busy(kiq.Snooze):
    def __init__(self) -> None:
        super().__init__(600)


def test_signals_of_ones_own_count_as_what_they_derive_from(bench: Bench) -> None:
    bench.add(lambda: in_a_task_group(Busy(), kiq.Snooze(1)))
    assert isinstance(bench.run(), ToSchedule)


@pytest.mark.parametrize(
    "errors", [(kiq.Snooze(1), ValueError("boom")), (kiq.Snooze(1), kiq.Discard())]
)
def test_a_group_of_anything_else_is_a_failure(bench: Bench, errors: Any) -> None:
    bench.add(raising(group(*errors)))
    assert retried(bench.run())["error_class"] == "ExceptionGroup"
    assert len(bench.reported) == 1


def test_a_group_that_holds_the_shutdown_goes_back_to_its_queue(bench: Bench) -> None:
    bench.add(raising(group(kiq.Snooze(1), group(kiq.Shutdown()))))
    assert bench.run() == ToQueue()


def test_metrics_take_a_snooze_in_a_group_for_no_failure() -> None:
    assert _interrupted(group(kiq.Snooze(1)))
    assert not _interrupted(group(kiq.Retry(1)))

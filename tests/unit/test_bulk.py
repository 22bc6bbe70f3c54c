"""Bulk pushes: order, slices, times, laziness, vetoes, and what is said when one breaks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

import kiq
from kiq.errors import ArgumentError, BulkPushError, PayloadError
from tests.helpers.stored import in_queue, scheduled

FAR = 4_000_000_000.0


class Row(kiq.Job, name="bulk.Row"):
    def perform(self, number: int, *, loud: bool = False) -> None: ...


def rows(count: int) -> Iterator[tuple[int]]:
    return ((number,) for number in range(count))


def numbers(server: redis.Redis) -> list[int]:
    return [payload["args"][0] for payload in in_queue(server)]


@pytest.mark.parametrize("count", [1, 999, 1000, 1001])
def test_a_bulk_gives_one_jid_for_each_job_and_runs_in_the_order_given(
    fake: redis.Redis, count: int
) -> None:
    jids = Row.perform_bulk(rows(count))
    assert len(set(jids)) == count
    assert numbers(fake) == list(range(count))
    assert [payload["jid"] for payload in in_queue(fake)] == jids


def test_an_empty_bulk_writes_nothing(fake: redis.Redis) -> None:
    assert Row.perform_bulk([]) == []
    assert Row.perform_bulk(iter(())) == []
    assert kiq.push_bulk({"class": "X"}, []) == []
    assert fake.keys() == []


def test_lists_tuples_and_typed_arguments_may_be_mixed(fake: redis.Redis) -> None:
    Row.perform_bulk([[1], (2,), Row.args(3, loud=True)])
    assert numbers(fake) == [1, 2, 3]
    assert in_queue(fake)[2]["kwargs"] == {"loud": True}


def test_an_iterable_is_read_a_slice_at_a_time(fake: redis.Redis) -> None:
    pushed_when_read: list[int] = []

    def lazily() -> Iterator[tuple[int]]:
        for number in range(25):
            pushed_when_read.append(int(fake.llen("queue:default")))
            yield (number,)

    Row.perform_bulk(lazily(), batch_size=10)
    assert pushed_when_read == [0] * 10 + [10] * 10 + [20] * 5


def test_push_bulk_reads_a_slice_at_a_time_too(fake: redis.Redis) -> None:
    endless = itertools.count()
    args = ((number,) for number in itertools.islice(endless, 10_000))
    jids = kiq.push_bulk({"class": "X", "queue": "default"}, args, batch_size=5_000)
    assert len(set(jids)) == 10_000
    assert numbers(fake) == list(range(10_000))


@pytest.mark.parametrize("at", [FAR, datetime.fromtimestamp(FAR, UTC)])
def test_one_time_holds_for_every_job(fake: redis.Redis, at: Any) -> None:
    Row.perform_bulk(rows(3), at=at)
    stored = scheduled(fake)
    assert [score for score, _ in stored] == [FAR] * 3
    assert all("at" not in job and "enqueued_at" not in job for _, job in stored)


def test_each_job_may_have_its_own_time_across_slices(fake: redis.Redis) -> None:
    times = [FAR + 10 * number for number in range(7)]
    Row.perform_bulk(rows(7), at=times, batch_size=3)
    assert [(score, job["args"][0]) for score, job in scheduled(fake)] == [
        (FAR + 10 * number, number) for number in range(7)
    ]


def test_a_past_time_among_others_pushes_that_job_now(fake: redis.Redis) -> None:
    Row.perform_bulk([(1,), (2,)], at=[1_000_000_000, FAR])
    assert numbers(fake) == [1]
    assert [job["args"] for _, job in scheduled(fake)] == [[2]]


@pytest.mark.parametrize(("interval", "seconds"), [(60, 60), (timedelta(minutes=1), 60), (1, 5)])
def test_a_spread_lies_between_now_and_the_interval_of_five_seconds_at_least(
    fake: redis.Redis, interval: Any, seconds: int
) -> None:
    before = time.time()
    Row.perform_bulk(rows(200), spread_interval=interval)
    after = time.time()
    scores = [score for score, _ in scheduled(fake)]
    due_at_once = len(in_queue(fake))  # one that draws almost nothing needs no schedule
    assert len(scores) + due_at_once == 200
    assert due_at_once < 10
    assert before <= min(scores)
    assert max(scores) <= after + seconds
    assert max(scores) - min(scores) > seconds / 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"at": FAR, "spread_interval": 5}, "either at or spread_interval, not both"),
        ({"spread_interval": 0}, "spread_interval must be a positive number of seconds, not 0"),
        ({"spread_interval": -1}, "spread_interval must be a positive number"),
        ({"spread_interval": "5"}, "spread_interval must be a positive number"),
        ({"spread_interval": True}, "spread_interval must be a positive number"),
        ({"at": [FAR]}, "2 jobs but 1 times in at: give one for each"),
        ({"at": []}, "at must be a time, or a list with one for each job"),
        ({"at": "soon"}, "at must be a time, or a list with one for each job"),
        ({"at": [FAR, "soon"]}, "must be a finite number of epoch seconds, got 'soon'"),
        ({"at": 60}, "write perform_in(60, ...)"),
        ({"at": datetime(2096, 1, 1)}, "is naive"),
        ({"batch_size": 0}, "batch_size must be 1 or more, not 0"),
    ],
)
def test_wrong_times_and_sizes_are_refused_and_nothing_is_written(
    fake: redis.Redis, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(PayloadError) as raised:
        Row.perform_bulk([(1,), (2,)], **options)
    assert words in str(raised.value)
    assert str(raised.value).startswith("bulk.Row: ")
    assert fake.keys() == []


@pytest.mark.parametrize("bad", ["ab", 7, {"number": 1}, {1}, None, b"x"])
def test_a_job_of_a_bulk_is_a_list_or_tuple_of_arguments(fake: redis.Redis, bad: Any) -> None:
    with pytest.raises(PayloadError, match=r"bulk\.Row: job 1 of the bulk is .*list or tuple"):
        Row.perform_bulk([(1,), bad])
    with pytest.raises(PayloadError, match="X: give each job's arguments as a list or tuple"):
        kiq.push_bulk({"class": "X"}, [(1,), bad])
    assert fake.keys() == []


def test_wrong_arguments_of_one_job_refuse_its_slice(fake: redis.Redis) -> None:
    with pytest.raises(ArgumentError, match="too many positional"):
        Row.perform_bulk([(1,), (1, 2)])
    assert fake.keys() == []


def test_push_bulk_makes_the_ids_and_checks_the_item_first(fake: redis.Redis) -> None:
    bad: Any = "X"
    with pytest.raises(PayloadError, match="leave 'jid' out"):
        kiq.push_bulk({"class": "X", "jid": "a" * 24}, [[1]])
    with pytest.raises(PayloadError, match="a job is a dict"):
        kiq.push_bulk(bad, [[1]])
    with pytest.raises(PayloadError, match="needs 'class'"):
        kiq.push_bulk({}, [])
    with pytest.raises(PayloadError, match="batch_size must be 1 or more"):
        kiq.push_bulk({"class": "X"}, [[1]], batch_size=0)
    assert fake.keys() == []


def test_push_bulk_schedules_by_at(fake: redis.Redis) -> None:
    kiq.push_bulk({"class": "X", "at": FAR}, [[1], [2]])
    assert [score for score, _ in scheduled(fake)] == [FAR, FAR]


def test_middleware_vetoes_single_jobs_of_a_bulk(fake: redis.Redis) -> None:
    @kiq.host.around_push
    def no_odd_ones(context: kiq.ClientContext, call_next: Any) -> Any:
        return None if context.payload["args"][0] % 2 else call_next(context)

    jids = Row.perform_bulk(rows(4))
    assert [jid is None for jid in jids] == [False, True, False, True]
    assert numbers(fake) == [0, 2]


def test_a_slice_that_is_vetoed_altogether_writes_nothing(fake: redis.Redis) -> None:
    kiq.host.around_push(lambda context, call_next: None)
    assert Row.perform_bulk(rows(3)) == [None, None, None]
    assert fake.keys() == []


def test_push_bulk_shows_middleware_the_class_that_is_registered(fake: redis.Redis) -> None:
    seen: list[Any] = []

    @kiq.host.around_push
    def look(context: kiq.ClientContext, call_next: Any) -> Any:
        seen.append(context.job_class)
        return call_next(context)

    kiq.push_bulk({"class": "bulk.Row"}, [[1]])
    kiq.push_bulk({"class": "Ruby::Row"}, [[1]])
    assert seen == [Row, "Ruby::Row"]


def test_a_bulk_that_breaks_half_way_lists_what_was_pushed(fake: redis.Redis) -> None:
    with pytest.raises(BulkPushError, match="broke after 4 jobs: ArgumentError: ") as raised:
        Row.perform_bulk([(1,), (2,), (3,), (4,), (5,), (object(),)], batch_size=2)
    assert numbers(fake) == [1, 2, 3, 4]
    assert raised.value.jids == [payload["jid"] for payload in in_queue(fake)]
    assert raised.value.uncertain == []
    assert isinstance(raised.value.__cause__, ArgumentError)


def test_an_iterable_that_raises_half_way_still_tells_what_was_pushed(fake: redis.Redis) -> None:
    def broken() -> Iterator[tuple[int]]:
        yield from rows(3)
        raise OSError("the file is gone")

    with pytest.raises(BulkPushError, match="OSError: the file is gone") as raised:
        Row.perform_bulk(broken(), batch_size=2)
    assert raised.value.jids == [payload["jid"] for payload in in_queue(fake)]
    assert numbers(fake) == [0, 1]
    with pytest.raises(OSError, match="the file is gone"):
        Row.perform_bulk(broken(), batch_size=10)

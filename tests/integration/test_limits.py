"""Limits of jobs: so many at a time, or in a time; who finds one reached waits."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis

import kiq
from kiq import api, limits
from kiq.client import Client
from kiq.codec import decode
from kiq.plugins.limits.asking import ask, leaving, read_answer
from kiq.plugins.limits.terms import Held
from tests.helpers.driven import DrivenWorker
from tests.helpers.limited import AsyncLimited, Limited, gate, inside, noted, waiting
from tests.helpers.locked import jids_in
from tests.helpers.waiting import eventually

Worker = Callable[..., DrivenWorker]
ONE = limits.concurrent("one", 1)


def test_so_many_run_at_a_time_and_all_run(limited_worker: Worker, raw: redis.Redis) -> None:
    jobs = Limited.set(limit=limits.concurrent("two", 2))
    jobs.perform_bulk([(number, "a", "takes time") for number in range(12)])
    with limited_worker(6):
        eventually(lambda: len(noted.began) == 12, 20)
        eventually(lambda: not inside(raw, "concurrent:two:"), 5)
    assert noted.most == 2
    assert not raw.exists("schedule", "retry", "dead")


def test_a_job_with_a_priority_has_limits_as_any_other(
    limited_worker: Worker, raw: redis.Redis
) -> None:
    for number, priority in enumerate(("low", "high", "normal", "low", "high")):
        jobs = Limited.set(limit=ONE, priority=priority)
        jobs.perform_async(number, "a", "takes time")
    with limited_worker(5):
        eventually(lambda: len(noted.began) == 5, 20)
        eventually(lambda: not inside(raw, "concurrent:one:"), 5)
    assert noted.most == 1


def test_who_waits_has_no_thread_and_no_attempt_and_comes_in_turn(
    limited_worker: Worker, raw: redis.Redis
) -> None:
    jobs = Limited.set(limit=ONE)
    jobs.perform_async(0, "a", "waits")
    with limited_worker(2):
        eventually(lambda: noted.order == [0], 10)
        jids = []
        for number in range(1, 5):
            jids.append(jobs.perform_async(number))
            eventually(lambda n=number: len(waiting(raw, "concurrent:one:")) == n, 10)
        other = Limited.perform_async(99)
        eventually(lambda: 99 in noted.order, 10, message=f"{other} is not held up")
        assert waiting(raw, "concurrent:one:") == jids
        members = raw.zrange("schedule", 0, -1, withscores=True)
        assert all("retry_count" not in decode(raw_job)[0] for raw_job, _ in members)
        assert all(due > time.time() + 30 for _, due in members), "nobody cycles"
        gate.set()
        eventually(lambda: len(noted.began) == 6, 10, message="they are called, not waited for")
    assert [number for number in noted.order if number != 99] == [0, 1, 2, 3, 4]


def test_no_more_in_any_time_than_the_window_says(limited_worker: Worker, raw: redis.Redis) -> None:
    jobs = Limited.set(limit=limits.window("often", 5, per=0.4))
    jobs.perform_bulk([(number,) for number in range(20)])
    with limited_worker(5):
        eventually(lambda: len(noted.began) == 20, 30)
    times = sorted(at for _, at in noted.began)
    spans = [later - at for at, later in zip(times, times[5:], strict=False)]
    assert min(spans) > 0.38, "starts are as far apart as Redis has let them in"
    assert times[-1] - times[0] < 6


def test_each_key_has_its_own(limited_worker: Worker, raw: redis.Redis) -> None:
    jobs = Limited.set(limit=limits.concurrent("account", 1, key="account"))
    jobs.perform_async(0, "a", "waits")
    jobs.perform_async(1, "b", "waits")
    with limited_worker(3):
        eventually(lambda: sorted(noted.order) == [0, 1], 10)
        second = jobs.perform_async(2, account="a")
        eventually(lambda: waiting(raw, "concurrent:account:a") == [second], 10)
        gate.set()
        eventually(lambda: len(noted.began) == 3, 10)


def test_of_several_limits_all_must_have_room(limited_worker: Worker, raw: redis.Redis) -> None:
    both = [limits.concurrent("wide", 2), limits.concurrent("narrow", 1, key="account")]
    jobs = Limited.set(limit=both)
    jobs.perform_async(0, "a", "waits")
    with limited_worker(4):
        eventually(lambda: noted.order == [0], 10)
        jobs.perform_async(1, "a", "waits")
        eventually(lambda: len(waiting(raw, "concurrent:narrow:a")) == 1, 10)
        assert len(inside(raw, "concurrent:wide:")) == 1, "who waits holds nothing"
        jobs.perform_async(2, "b", "waits")
        eventually(lambda: noted.order == [0, 2], 10)
        gate.set()
        eventually(lambda: len(noted.began) == 3, 10)


@pytest.mark.parametrize(
    "how", ["ends", "fails", "snoozes", "kills", "discards", "retries", "is limited"]
)
def test_whatever_becomes_of_a_job_its_slot_is_free(
    limited_worker: Worker, raw: redis.Redis, how: str
) -> None:
    Limited.set(limit=ONE).perform_async(1, "a", how)
    with limited_worker():
        eventually(lambda: noted.order == [1] and not inside(raw, "concurrent:one:"), 10)


def test_a_job_that_is_deleted_leaves_the_line(limited_worker: Worker, raw: redis.Redis) -> None:
    jobs = Limited.set(limit=ONE)
    jobs.perform_async(0, "a", "waits")
    with limited_worker(2):
        eventually(lambda: noted.order == [0], 10)
        first, second = jobs.perform_async(1), None
        eventually(lambda: waiting(raw, "concurrent:one:") == [first], 10)
        second = jobs.perform_async(2)
        eventually(lambda: waiting(raw, "concurrent:one:") == [first, second], 10)
        found = api.ScheduledSet().find(first)
        assert found is not None
        assert found.delete()
        assert waiting(raw, "concurrent:one:") == [second]
        gate.set()
        eventually(lambda: noted.order == [0, 2], 10)


def test_a_job_without_a_key_is_refused(kiq_client: Client, raw: redis.Redis) -> None:
    jobs = Limited.set(limit=limits.window("w", 1, key="account"))
    with pytest.raises(kiq.ConfigError, match="limit w: its key is None for this job"):
        jobs.perform_async(1, None)
    with pytest.raises(kiq.ConfigError, match="there is no argument 'acount' for its key"):
        Limited.set(limit=limits.window("w", 1, key="acount")).perform_async(1)
    assert not raw.exists("queue:out")
    assert jids_in(raw) == []


def test_who_parks_when_the_other_has_left_is_called_at_once(
    kiq_client: Client, raw: redis.Redis
) -> None:
    home, one = api.connection(), [Held("concurrent:one:", ONE.terms)]
    assert read_answer(home.call(ask(one, "a", "a"))).place is None
    refused = read_answer(home.call(ask(one, "b", "b")))
    assert refused.place == 0
    home.call(leaving(one, "a", "a"))
    raw.zadd("schedule", {"the bytes of b": 4e9})
    home.call(leaving(one, "b", "b", "park", waits=(0, b"the bytes of b", refused.since)))
    assert float(raw.zscore("schedule", "the bytes of b") or 0) < 4e9
    assert waiting(raw, "concurrent:one:") == []


def test_who_was_declared_dead_takes_nothing(kiq_client: Client, raw: redis.Redis) -> None:
    nowhere = ("kiq:inflight:{queue:out}:nobody", "1")
    command = ask([Held("concurrent:one:", ONE.terms)], "j", "nobody 1\nj\nout", flight=nowhere)
    assert read_answer(api.connection().call(command)).gone
    assert inside(raw, "concurrent:one:") == []


@pytest.mark.needs("greenlet")
def test_async_jobs_have_limits_too(limited_worker: Worker, raw: redis.Redis) -> None:
    from kiq.plugins.asyncio_jobs import AsyncJobs

    kiq.host.install(AsyncJobs())
    jobs = AsyncLimited.set(limit=limits.window("async", 2, per=0.3))
    jobs.perform_bulk([(number,) for number in range(5)])
    with limited_worker():
        eventually(lambda: len(noted.began) == 5, 20)


def test_a_429_closes_the_limit_for_all(limited_worker: Worker, raw: redis.Redis) -> None:
    jobs = Limited.set(limit=limits.window("api", 100, per=1))
    jobs.perform_async(0, "a", "is limited")
    with limited_worker(1):
        eventually(lambda: len(jids_in(raw, "schedule")) == 1, 10)
        jobs.perform_async(1)
        eventually(lambda: len(jids_in(raw, "schedule")) == 2, 10)
    assert noted.order == [0], "who would meet it too does not try"
    dues = sorted(due for _, due in raw.zrange("schedule", 0, -1, withscores=True))
    assert all(3590 < due - time.time() < 3605 for due in dues)

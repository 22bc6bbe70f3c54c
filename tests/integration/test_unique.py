"""Unique jobs: one push, one lock, one job; what a second push comes to, and what lets go of the lock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.client import Client
from kiq.codec import decode
from tests.helpers.driven import DrivenWorker
from tests.helpers.locked import jids_in
from tests.helpers.uniques import Async, Sole, by_name, gate, holders, locks, noted
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.usefixtures("nothing_noted")


def payloads(raw: redis.Redis, *keys: str) -> list[dict[str, Any]]:
    found: Any = [each for key in keys for each in raw.lrange(key, 0, -1)]
    return [decode(each)[0] for each in found]


def test_a_second_push_returns_the_jid_of_the_first(raw: redis.Redis, kiq_client: Client) -> None:
    jobs = by_name()
    first = jobs.perform_async("a", 1)
    assert jobs.perform_async("a", 2) == first
    assert jobs.perform_in(60, "a", 3) == first
    assert jobs.perform_bulk([("a", 4), ("b", 5), ("b", 6)])[0] == first
    assert len(jids_in(raw)) == 2
    assert sorted(jids_in(raw)) == holders(raw)
    assert asyncio.run(jobs.aio.perform_async("a", 7)) == first
    assert Sole.perform_async("a", 8) != first, "who is not unique is not asked"


def test_another_push_raises_where_that_is_said(raw: redis.Redis, kiq_client: Client) -> None:
    jobs = by_name(on_conflict="raise")
    first = jobs.perform_async()
    with pytest.raises(kiq.DuplicateJob, match=f"the same job is there, {first}") as caught:
        jobs.perform_async()
    assert caught.value.jid == first
    assert jids_in(raw) == [first]


def test_a_scheduled_job_is_replaced_and_its_time_stays(
    raw: redis.Redis, kiq_client: Client
) -> None:
    jobs = by_name(on_conflict="replace")
    first = jobs.perform_in(100, "a", 1)
    ((_, due),) = raw.zrange("schedule", 0, -1, withscores=True)
    second = jobs.perform_in(500, "a", 2)
    assert second != first
    ((member, now_due),) = raw.zrange("schedule", 0, -1, withscores=True)
    assert (decode(member)[0]["args"], now_due) == (["a", 2], due)
    third = jobs.perform_async("a", 3)
    assert (jids_in(raw, "schedule"), jids_in(raw, "queue:out")) == ([], [third])
    assert holders(raw) == [third]


def test_a_job_that_is_put_off_again_and_again_is_due_at_last(
    raw: redis.Redis, kiq_client: Client
) -> None:
    jobs = by_name(on_conflict="reschedule", ttl=300)
    jobs.perform_in(100, "a", 1)
    ((_, first_due),) = raw.zrange("schedule", 0, -1, withscores=True)
    jobs.perform_in(200, "a", 2)
    ((_, due),) = raw.zrange("schedule", 0, -1, withscores=True)
    assert due > first_due + 90
    last = jobs.perform_in(9_000, "a", 3)
    ((member, due),) = raw.zrange("schedule", 0, -1, withscores=True)
    assert decode(member)[0]["args"] == ["a", 3]
    assert due == pytest.approx(first_due + 200, abs=5), "300 seconds after the first push"
    assert holders(raw) == [last]


def test_a_job_that_waits_in_its_queue_is_replaced_in_its_place(
    raw: redis.Redis, kiq_client: Client
) -> None:
    jobs = by_name(on_conflict="replace")
    jobs.perform_async("a", 1)
    Sole.perform_async("b", 2)
    second = jobs.perform_async("a", 3)
    assert [one["args"][1] for one in payloads(raw, "queue:out")] == [2, 3]
    assert holders(raw) == [second]


def test_of_a_job_that_lies_elsewhere_the_later_one_runs_alone(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    """It goes to another queue: the first stays where it is, and is dropped when it would start."""
    jobs = by_name(on_conflict="replace")
    jobs.perform_async("a", 1)
    jobs.set(queue="low").perform_async("a", 2)
    assert [one["args"][1] for one in payloads(raw, "queue:out", "queue:low")] == [1, 2]
    with unique_worker():
        eventually(lambda: not jids_in(raw, "queue:out"))
        eventually(lambda: not raw.exists("kiq:unique-replaced"))
    assert noted.ran == []
    assert len(holders(raw)) == 1


@pytest.mark.parametrize("how", ["ends", "kills", "discards"])
def test_with_the_end_of_a_job_its_lock_is_free(
    how: str, raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    by_name().perform_async("a", 1, how)
    with unique_worker():
        eventually(lambda: not locks(raw))
    assert noted.ran == [("a", 1)]


def test_a_retry_and_a_snooze_keep_the_lock(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name()
    failing, snoozing = jobs.perform_async("a", 1, "fails"), jobs.perform_async("b", 1, "snoozes")
    with unique_worker():
        eventually(lambda: jids_in(raw, "retry") == [failing])
        eventually(lambda: jids_in(raw, "schedule") == [snoozing])
        assert jobs.perform_async("a", 2) == failing
        assert jobs.perform_async("b", 2) == snoozing
    assert api.RetrySet().clear() == 1
    assert api.ScheduledSet().clear() == 1
    assert locks(raw) == {}


def test_a_failed_job_may_be_replaced(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name(on_conflict="replace")
    jobs.perform_async("a", 1, "fails")
    with unique_worker():
        eventually(lambda: jids_in(raw, "retry"))
        jobs.perform_async("a", 2)
        eventually(lambda: not locks(raw))
    assert (jids_in(raw), noted.ran) == ([], [("a", 1), ("a", 2)])


def test_a_running_job_is_never_replaced(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name(on_conflict="replace")
    first = jobs.perform_async("a", 1, "waits")
    with unique_worker():
        eventually(lambda: noted.ran)
        assert jobs.perform_async("a", 2) == first
        gate.set()
        eventually(lambda: not locks(raw))
    assert noted.ran == [("a", 1)]


def test_until_start_another_may_be_pushed_while_the_first_runs(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name("until_start")
    first = jobs.perform_async("a", 1, "waits")
    assert jobs.perform_async("a", 2) == first
    with unique_worker():
        eventually(lambda: noted.ran)
        assert locks(raw) == {}
        assert jobs.perform_async("a", 3) != first
        eventually(lambda: len(noted.ran) == 2)
        gate.set()
    assert locks(raw) == {}


def test_a_retry_does_not_take_the_lock_of_a_start_again(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name("until_start")
    first = jobs.perform_async("a", 1, "fails")
    with unique_worker():
        eventually(lambda: jids_in(raw, "retry") == [first])
    second = jobs.set(queue="low").perform_async("a", 2)  # nobody takes it
    assert second != first
    assert holders(raw) == [second]
    ((member, _),) = raw.zrange("retry", 0, -1, withscores=True)
    raw.zadd("retry", {member: 1})
    with unique_worker():
        eventually(lambda: noted.ran == [("a", 1), ("a", 1)])
    assert holders(raw) == [second]


def test_for_a_time_the_lock_outlives_its_job(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name("until_expiry", ttl=100)
    first = jobs.perform_async("a", 1)
    with unique_worker():
        eventually(lambda: noted.ran)
        eventually(lambda: int(raw.get("stat:processed") or 0) == 1)
    assert jobs.perform_async("a", 2) == first
    (key,) = raw.keys("kiq:unique:*")
    assert 90 < raw.ttl(key) <= 100
    raw.delete(key)
    assert jobs.perform_async("a", 3) != first


def test_a_scheduled_job_has_its_lock_for_so_long_after_it_is_due(
    raw: redis.Redis, kiq_client: Client
) -> None:
    by_name(ttl=100).perform_in(1_000, "a", 1)
    (key,) = raw.keys("kiq:unique:*")
    assert 1_090 < raw.ttl(key) <= 1_100


@pytest.mark.parametrize("lock", ["while_executing", "until_and_while_executing"])
def test_one_runs_and_the_other_waits_without_a_thread_or_an_attempt(
    lock: str, raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name(lock)
    jobs.perform_async("a", 1, "waits")
    with unique_worker():
        eventually(lambda: noted.ran)
        second = jobs.perform_async("a", 2, "takes time")
        eventually(lambda: jids_in(raw, "schedule") == [second])
        if lock != "while_executing":
            assert jobs.perform_async("a", 3) == second, "one runs, one waits"
        Sole.perform_async("b", 4)
        eventually(lambda: ("b", 4) in noted.ran)
        gate.set()
        eventually(lambda: ("a", 2) in noted.ran)
        eventually(lambda: not locks(raw))
    assert noted.together == []
    assert jids_in(raw) == []
    assert not raw.keys("kiq:unique*")


def test_one_that_starts_to_wait_when_the_other_has_ended_runs_at_once(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    """The look and the waiting are two steps: the lock may be free before the second."""
    jobs = by_name("while_executing")
    with unique_worker():
        for number in range(40):
            jobs.perform_async("a", number, "takes time")
        eventually(lambda: len(noted.ran) == 40, 20)
        eventually(lambda: not locks(raw))
    assert noted.together == []
    assert sorted(number for _, number in noted.ran) == list(range(40))


@pytest.mark.needs("greenlet")
def test_async_jobs_wait_too(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker], kiq_client: Client
) -> None:
    from kiq.plugins.asyncio_jobs import AsyncJobs

    kiq.host.install(AsyncJobs())
    jobs = Async.set(unique=kiq.Unique("until_and_while_executing", by="name"))
    with unique_worker():
        jobs.perform_async("a", 1)
        eventually(lambda: noted.ran == [("a", 1)])
        eventually(lambda: not locks(raw))
    assert jids_in(raw) == []


def test_deleting_a_job_frees_its_lock(raw: redis.Redis, kiq_client: Client) -> None:
    jobs = by_name()
    first = jobs.perform_async("a")
    jobs.perform_async("b")
    assert first
    assert api.Queue("out").delete(first)
    assert len(locks(raw)) == 1
    api.Queue("out").clear()
    assert locks(raw) == {}


def test_who_has_no_lock_any_more_frees_nobody_elses(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name()
    jobs.perform_async("a", 1)
    (key,) = raw.keys("kiq:unique:*")
    raw.hset(key, "jid", "another")
    with unique_worker():
        eventually(lambda: int(raw.get("stat:processed") or 0) == 1)
    assert holders(raw) == ["another"]


def test_what_is_no_lock_is_refused(kiq_client: Client) -> None:
    for wrong, what in (
        ("until_done", "one of until_success"),
        (kiq.Unique("until_expiry"), "must have a ttl"),
        (kiq.Unique("while_executing", on_conflict="raise"), "neither ttl nor on_conflict"),
        (kiq.Unique("until_expiry", ttl=1, on_conflict="replace"), "must not replace"),
        (kiq.Unique(by=[]), "names of arguments"),
        (kiq.Unique(ttl=0), "more than 0"),
        ({"until": "start"}, "must have no 'until'"),
        (5, "True, False, the name of a lock"),
    ):
        with pytest.raises(kiq.ConfigError, match=what):
            Sole.set(unique=wrong)
    with pytest.raises(kiq.ConfigError, match="there is no argument 'nam' for by"):
        Sole.set(unique=kiq.Unique(by="nam")).perform_async()

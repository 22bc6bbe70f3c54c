"""Rare ways out of unique jobs: in each the lock goes with its job, and no other's does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

import kiq
from kiq import api
from kiq.plugins.cancelling.plugin import Cancelling
from kiq.plugins.unique import sweep
from tests.helpers.depot import Depot
from tests.helpers.driven import DrivenWorker
from tests.helpers.locked import jids_in
from tests.helpers.uniques import by_name, holders, locks, noted
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.usefixtures("nothing_noted")

WAITING = ("until_success", "until_start", "until_and_while_executing")


@pytest.mark.parametrize("lock", WAITING)
def test_poison_takes_its_lock_with_it(
    lock: str, raw: redis.Redis, redis_url: str, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jid = by_name(lock).perform_async("a", 1)
    for number in range(4):  # it was running when its process died, each time but the first
        depot = Depot(redis_url, f"h:{number}", "queue:out")
        depot.mark(depot.take(1, "out"))
        depot.die(Depot(redis_url, "reclaimer").link)
    assert holders(raw) == [jid]
    with unique_worker():
        eventually(lambda: jids_in(raw, "dead") == [jid], 20)
        eventually(lambda: locks(raw) == {}, 20)
    assert noted.ran == []


@pytest.mark.parametrize("lock", WAITING)
def test_who_is_cancelled_leaves_no_lock(
    lock: str, raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    kiq.host.install(Cancelling())
    jobs = by_name(lock)
    queued, scheduled = jobs.perform_async("a", 1), jobs.perform_in(3600, "b", 2)
    assert queued
    assert scheduled
    kiq.cancel(scheduled)
    assert holders(raw) == [queued]
    kiq.cancel(queued)
    with unique_worker():
        eventually(lambda: locks(raw) == {}, 20)
    assert noted.ran == []


def test_a_dead_job_that_is_retried_by_hand_runs_beside_the_one_that_has_its_lock(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name()
    first = jobs.perform_async("a", 1, "kills")
    with unique_worker():
        eventually(lambda: jids_in(raw, "dead") == [first], 20)
        eventually(lambda: locks(raw) == {}, 20)
        second = jobs.set(queue="low").perform_async("a", 2)  # nobody takes it
        (entry,) = api.DeadSet()
        assert entry.retry()
        eventually(lambda: noted.ran == [("a", 1), ("a", 1)], 20)
        eventually(lambda: jids_in(raw, "dead") == [first], 20)
    assert holders(raw) == [second], "it frees nobody else's"
    assert api.DeadSet().clear() == 1
    assert holders(raw) == [second]


@pytest.mark.parametrize("place", ["retry", "schedule"])
def test_who_is_killed_by_a_person_leaves_no_lock(
    place: str, raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name()
    jid = jobs.perform_async("a", 1, "fails" if place == "retry" else "snoozes")
    with unique_worker():
        eventually(lambda: jids_in(raw, place) == [jid], 20)
    assert holders(raw) == [jid]
    (entry,) = api.RetrySet() if place == "retry" else api.ScheduledSet()
    assert entry.kill()
    assert (jids_in(raw, "dead"), locks(raw)) == ([jid], {})


@pytest.mark.parametrize("policy", ["skip", "replace"])
def test_of_a_bulk_with_the_same_in_it_one_is_there(
    policy: str, raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    found = by_name(on_conflict=policy).perform_bulk([("a", 1), ("a", 2), ("b", 3), ("a", 4)])
    stays = found[0] if policy == "skip" else found[3]
    assert len(set(found)) == (2 if policy == "skip" else 4)
    assert sorted(jids_in(raw)) == holders(raw) == sorted(map(str, (stays, found[2])))
    with unique_worker():
        eventually(lambda: locks(raw) == {}, 20)
    assert sorted(noted.ran) == [("a", 1 if policy == "skip" else 4), ("b", 3)]


def test_bytes_that_became_no_job_leave_their_lock_to_the_sweep(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_REST", 0.1)
    monkeypatch.setattr(sweep, "_AGE", 0.0)
    by_name().perform_async("a", 1)
    whole = raw.lpop("queue:out")
    assert isinstance(whole, bytes)
    raw.lpush("queue:out", whole[:-3])
    with unique_worker():
        eventually(lambda: raw.zcard("dead") == 1, 20)
        eventually(lambda: locks(raw) == {}, 20)
    assert noted.ran == []

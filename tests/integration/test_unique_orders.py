"""Unique jobs in orders of events that a worker meets rarely, and where two versions of a class differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.client import Client, process_client
from kiq.codec import decode
from kiq.middleware import ServerContext
from kiq.plugins.unique.starting import Starts, _Asking
from kiq.riders import Riders
from kiq.store import flight as writes
from kiq.verdict import ToSchedule
from kiq.worker_state import WorkerState
from tests.helpers.depot import NOW, Depot
from tests.helpers.driven import DrivenWorker
from tests.helpers.locked import jids_in
from tests.helpers.uniques import Sole, by_name, gate, holders, locks, noted
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.usefixtures("nothing_noted")

LATER = 4e9


def due_of(raw: redis.Redis, jid: str | None) -> float:
    """When *jid* is due; 0 where it is not in the scheduled set."""
    found: Any = raw.zrange("schedule", 0, -1, withscores=True)
    return next((float(due) for one, due in found if decode(one)[0]["jid"] == jid), 0.0)


def let_be_due(raw: redis.Redis, jid: str | None) -> None:
    found: Any = raw.zrange("schedule", 0, -1)
    raw.zadd("schedule", {one: 1 for one in found if decode(one)[0]["jid"] == jid})


def in_line(raw: redis.Redis) -> bool:
    return bool(raw.keys("kiq:unique-waiting:*"))


# Who waits for a run


def test_who_asked_while_another_ran_and_parks_when_it_has_ended_is_due_at_once(
    raw: redis.Redis, kiq_client: Client, redis_url: str
) -> None:
    """Between the look and the parking the lock became free: nobody is left who would rouse it."""
    by_name("while_executing").perform_async("a", 1)
    worker = Depot(redis_url, "h:1:w:default", "queue:out")
    starts = next(one for one in kiq.host.server_middleware.layers if isinstance(one, Starts))
    asking = _Asking.__new__(_Asking)
    asking.home = api.connection(process_client())
    state = WorkerState()
    state.keep(asking)
    (taken,) = worker.take(1, "out")
    payload = decode(taken.raw)[0]
    run_lock = f"kiq:unique:run:{payload['unique']['key']}"
    raw.hset(run_lock, "jid", "another")
    run = ServerContext(payload, "out", Sole, None)
    run.worker = state
    with pytest.raises(kiq.Snooze):
        starts.may_run(run)
    raw.delete(run_lock)
    problems: list[BaseException] = []
    riders = Riders(kiq.host, lambda error, where: problems.append(error))
    verdict = ToSchedule(taken.raw, LATER)
    command = writes.delay_command([(taken, verdict)], NOW)
    commands, read = riders.in_flight([command], [[(taken, verdict)]])
    read(worker.link.exchange(commands))
    assert not problems
    assert due_of(raw, payload["jid"]) < LATER
    assert not in_line(raw)


def test_the_line_is_in_the_order_in_which_they_came(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name("while_executing")
    jobs.perform_async("a", 0, "waits")
    with unique_worker():
        eventually(lambda: noted.ran)
        for number in (5, 4, 3, 2, 1):  # against the order of their bytes
            jid = jobs.perform_async("a", number)
            eventually(lambda jid=jid: due_of(raw, jid))  # type: ignore[misc]
        (line,) = raw.keys("kiq:unique-waiting:*")
        waiting: Any = raw.zrange(line, 0, -1)
        assert [decode(one)[0]["args"][1] for one in waiting] == [5, 4, 3, 2, 1]
        gate.set()
        eventually(lambda: len(noted.ran) == 6, 20)
    assert not in_line(raw)


def test_when_the_one_that_was_roused_is_deleted_the_next_in_line_is_roused(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name("while_executing")
    jobs.perform_async("a", 1, "waits")
    with unique_worker():
        eventually(lambda: noted.ran)
        second = jobs.perform_async("a", 2)
        eventually(lambda: due_of(raw, second))
        third = jobs.perform_async("a", 3)
        eventually(lambda: due_of(raw, third))
        # As if it had just been roused, and lay in a queue: this worker does not take from that.
        (line,) = raw.keys("kiq:unique-waiting:*")
        (run_lock,) = raw.keys("kiq:unique:run:*")
        ((member, _),) = raw.zpopmin(line)
        raw.delete(run_lock)
        raw.zrem("schedule", member)
        raw.lpush("queue:low", member)
        assert api.Queue("low").delete(str(second))
        eventually(lambda: ("a", 3) in noted.ran, 20)
        gate.set()
    assert not in_line(raw)


# At a promotion


@pytest.mark.parametrize("policy", ["skip", "replace", "reschedule"])
def test_who_snoozed_and_lost_its_lock_waits_in_its_set_and_replaces_nobody(
    policy: str, raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name("until_start", on_conflict=policy)
    first = jobs.perform_async("a", 1, "snoozes")
    with unique_worker():
        eventually(lambda: jids_in(raw, "schedule") == [first])
        second = jobs.set(queue="low").perform_async("a", 2)  # nobody takes it
        assert second != first
        let_be_due(raw, first)
        eventually(lambda: due_of(raw, first) > 1, 20)
        assert noted.ran == [("a", 1)]
        assert holders(raw) == [second]
        api.Queue("low").clear()
        let_be_due(raw, first)
        eventually(lambda: noted.ran == [("a", 1), ("a", 1)])


def test_a_job_that_was_replaced_on_its_way_takes_no_lock_when_it_is_due(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    """It could not be found when a later push replaced it, and that one has ended meanwhile."""
    jobs = by_name(on_conflict="replace").set(queue="low")  # nobody takes it
    first = jobs.perform_in(3600, "a", 1)
    api.connection(process_client()).call(("DEL", f"kiq:unique:{next(iter(locks(raw)))}"))
    raw.delete("kiq:unique")
    raw.zadd("kiq:unique-replaced", {str(first): NOW})
    let_be_due(raw, first)
    with unique_worker():
        eventually(lambda: raw.llen("queue:low") == 1)
        assert locks(raw) == {}
        second = jobs.perform_async("a", 2)
        assert second != first
        assert holders(raw) == [second]


# Two versions of a class


def test_a_job_that_was_pushed_to_stay_is_not_replaced(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    """It does not ask at its start whether it was replaced: both would run."""
    first = by_name().perform_async("a", 1, "waits")
    newer = by_name(on_conflict="replace")
    assert newer.perform_async("a", 2) == first
    with unique_worker():
        eventually(lambda: noted.ran)
        assert newer.perform_async("a", 3) == first, "while it runs neither"
        gate.set()
        eventually(lambda: not locks(raw))
    assert noted.ran == [("a", 1)]
    assert not raw.exists("kiq:unique-replaced")


def test_one_that_asks_at_its_start_is_replaced_whatever_it_was_pushed_with(
    raw: redis.Redis, unique_worker: Callable[[], DrivenWorker]
) -> None:
    by_name("until_start").perform_async("a", 1)
    by_name("until_start", on_conflict="replace").perform_async("a", 2)
    with unique_worker():
        eventually(lambda: noted.ran == [("a", 2)])
        eventually(lambda: not jids_in(raw))


@pytest.mark.parametrize("policy", ["replace", "reschedule"])
def test_the_time_of_the_lock_is_that_of_the_job_that_has_it(
    policy: str, raw: redis.Redis, kiq_client: Client
) -> None:
    by_name(ttl=100, on_conflict="replace").perform_in(1000, "a", 1)
    (key,) = raw.keys("kiq:unique:*")
    assert raw.ttl(key) > 0
    second = by_name(on_conflict=policy).perform_in(1000, "a", 2)
    assert holders(raw) == [second]
    assert raw.ttl(key) == -1


def test_a_lock_with_a_time_is_not_over_before_its_job_is_due(
    raw: redis.Redis, kiq_client: Client
) -> None:
    """The second is due when the first was."""
    jobs = by_name(ttl=100, on_conflict="replace")
    jobs.perform_in(1000, "a", 1)
    second = jobs.perform_in(10, "a", 2)
    (key,) = raw.keys("kiq:unique:*")
    assert holders(raw) == [second]
    assert 1_090 < raw.ttl(key) <= 1_100


def test_put_off_has_its_bound_though_the_first_push_had_none(
    raw: redis.Redis, kiq_client: Client
) -> None:
    by_name(on_conflict="reschedule").perform_in(10, "a", 1)
    last = by_name(on_conflict="reschedule", ttl=300).perform_in(9_000, "a", 2)
    seconds: Any = raw.time()
    assert due_of(raw, last) == pytest.approx(seconds[0] + 300, abs=10)

"""Redis refuses what it is asked: it is full, or keys hold something else than they should."""

from __future__ import annotations

from kiq import keys
from kiq.clock import wall
from tests.chaos.arena import Arena
from tests.chaos.crew import WORKERS, all_work_again, assert_quiet, crew, lasts
from tests.helpers.waiting import eventually


@WORKERS
def test_a_full_redis_is_drained(arena: Arena, workers: int) -> None:
    arena.push_many(1_000, "Takes", 0.002)
    arena.push_many(100, "FailsOnce")
    arena.push_many(20, "Fails")
    crew(arena, workers)
    arena.await_ended(200)
    arena.store.config_set("maxmemory", 1)
    assert not arena.try_to_push("Quick")
    eventually(lambda: len(arena.dead()) == 20, 20, message="what fails is in the dead set")
    arena.verify(30, may_die=True)
    arena.store.config_set("maxmemory", 0)
    all_work_again(arena)
    arena.verify(may_die=True)


@WORKERS
def test_a_redis_that_is_full_in_the_middle_of_a_promotion_promotes_on(
    arena: Arena, workers: int
) -> None:
    crew(arena, workers)
    arena.push_many(3_000, at=wall() + 1.0)
    arena.await_ended(100)
    arena.store.config_set("maxmemory", 1)
    lasts(0.5)
    arena.store.config_set("maxmemory", 0)
    arena.await_ended(1_000)
    arena.store.config_set("maxmemory", 1)
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
def test_workers_can_start_and_stop_on_a_full_redis(arena: Arena, workers: int) -> None:
    arena.push_many(100 * workers, "Takes", 0.05)
    arena.store.config_set("maxmemory", 1)
    first = crew(arena, workers)
    arena.await_ended(20)
    assert [each.stop() for each in first] == [0] * workers
    crew(arena, workers)
    arena.verify(20)


@WORKERS
def test_a_broken_retry_set_holds_up_only_what_must_go_there(arena: Arena, workers: int) -> None:
    arena.store.set("retry", "not a set")
    crew(arena, workers)
    arena.push_many(20, "FailsOnce")
    failing = list(arena.acknowledged)
    arena.push_many(300, "Quick")
    arena.push_many(10, "Quick", at=wall() + 0.5)
    arena.await_all(12, besides=failing)
    arena.store.delete("retry")
    arena.verify(40)


@WORKERS
def test_a_broken_dead_set_keeps_the_job_until_it_is_mended(arena: Arena, workers: int) -> None:
    arena.store.set("dead", "not a set")
    crew(arena, workers)
    arena.push_many(10, "Fails")
    failing = list(arena.acknowledged)
    arena.push_many(100, "Quick")
    arena.await_all(12, besides=failing)
    arena.store.delete("dead")
    eventually(lambda: set(arena.dead()) == set(failing), 40, message="they are in the dead set")
    arena.verify(10, besides=failing)


@WORKERS
def test_a_broken_schedule_holds_up_only_what_is_there(arena: Arena, workers: int) -> None:
    arena.push_many(50, at=wall() + 1.5)
    waiting = list(arena.acknowledged)
    arena.store.rename("schedule", "kept")
    arena.store.set("schedule", "not a set")
    crew(arena, workers)
    arena.push_many(20, "FailsOnce")
    arena.push_many(300, "Takes", 0.002)
    arena.await_all(12, besides=waiting)
    arena.store.rename("kept", "schedule")
    arena.verify(20)


@WORKERS
def test_a_broken_queue_does_not_keep_due_jobs_of_others_waiting(
    arena: Arena, workers: int
) -> None:
    arena.store.set("queue:bad", "not a list")
    due = wall() + 0.5
    arena.push_many(600, "Quick", queue="bad", at=due)
    bad = list(arena.acknowledged)
    arena.push_many(20, "Quick", at=due + 0.1)
    crew(arena, workers, queues="[default, bad]")
    arena.await_all(12, besides=bad)
    arena.store.delete("queue:bad")
    eventually(lambda: _hurried(arena), 20, message="what was put off has run")
    arena.verify(10)


def _hurried(arena: Arena) -> bool:
    """Make due what is scheduled; tell whether all has ended. Some may be in the poller's hands."""
    for member in arena.store.zrange("schedule", 0, -1):  # type: ignore[union-attr]
        arena.store.zadd("schedule", {member: 1}, xx=True)
    return set(arena.acknowledged) <= arena.journal.ended()


@WORKERS
def test_a_hash_in_flight_that_was_replaced_stops_nothing_for_good(
    arena: Arena, workers: int
) -> None:
    crew(arena, workers)
    arena.push_many(50, "Takes", 0.005)
    arena.verify()
    owners = [name.decode() for name in arena.store.smembers(keys.OWNERS)]  # type: ignore[union-attr]
    hashes = [keys.inflight("queue:default", name) for name in owners if name.endswith(":default")]
    assert len(hashes) == workers
    for name in hashes:
        arena.store.set(name, "not a hash")
    arena.push_many(50)
    arena.workers[0].says("WRONGTYPE")
    arena.store.delete(*hashes)
    arena.verify(15)


#: Keys that are shown, counted or kept for comfort: jobs must not depend on them.
_BESIDE = (
    keys.QUEUES,
    keys.STAT_PROCESSED,
    keys.STAT_FAILED,
    keys.SUSPECTS,
    keys.MARKERS,
    keys.DEAD_REASON,
    keys.idle("default"),
    keys.POLLER,
    keys.RECLAIMER,
)


@WORKERS
def test_broken_keys_beside_the_jobs_stop_no_job(arena: Arena, workers: int) -> None:
    arena.push_many(20, "FailsOnce")
    arena.push_many(200, "Takes", 0.002)
    for key in _BESIDE:
        _break(arena, key)
    crew(arena, workers)
    for key in (*_BESIDE, keys.PROCESSES):
        _break(arena, key)
    arena.push_many(40, at=wall() + 0.3)
    assert not arena.try_to_push("Quick")  # its queue could not be listed
    arena.await_all(15)
    arena.store.delete(*_BESIDE, keys.PROCESSES)
    all_work_again(arena)
    arena.verify(20, counted=False)


def _break(arena: Arena, key: str) -> None:
    with arena.store.pipeline(transaction=True) as at_once:  # a worker may write it in between
        at_once.delete(key)
        at_once.zadd(key, {"what nobody expects": 1})
        at_once.execute()


def test_a_broken_list_of_processes_does_not_keep_the_jobs_of_a_dead_one(arena: Arena) -> None:
    started = crew(arena, 2, lease=5)
    arena.push_many(100, "Takes", 0.1)
    arena.await_ended(10)
    elected = eventually(lambda: arena.store.get(keys.RECLAIMER)).decode()
    (frozen,) = [worker for worker in started if worker.identity != elected]
    _break(arena, keys.PROCESSES)
    frozen.stop_where_it_is()
    arena.may_repeat(frozen, "was frozen for longer than its lease")
    arena.await_all(20)
    arena.kill(frozen)
    arena.store.delete(keys.PROCESSES)
    arena.verify()


@WORKERS
def test_a_database_that_was_emptied_is_worked_on_again(arena: Arena, workers: int) -> None:
    crew(arena, workers)
    arena.push_many(100 * workers, "Takes", 0.05)
    arena.await_ended(10)
    arena.store.flushall()
    arena.acknowledged.clear()
    all_work_again(arena)
    arena.verify(10, counted=False)

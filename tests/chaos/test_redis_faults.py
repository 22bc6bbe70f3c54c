"""What Redis does to its workers: dies, forgets scripts, hangs up, pauses, is full, has odd keys."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from kiq.clock import wall
from tests.chaos.arena import Arena
from tests.helpers.waiting import eventually


def test_redis_dies_and_comes_back_in_the_middle(arena: Arena) -> None:
    arena.start()
    arena.push_many(3_000, "Takes", 0.001)
    for ended in (500, 1_500):
        arena.await_ended(ended)
        arena.server.kill()
        arena.server.restart()
        back = time.monotonic()
        known = len(arena.journal.ended())
        arena.await_ended(known + 50, 5)
        assert time.monotonic() - back < 3
    arena.verify(30)


def test_a_worker_says_when_it_has_not_fetched_for_ten_seconds(arena: Arena) -> None:
    worker = arena.start()
    arena.server.pause()
    worker.says("has not been in touch with Redis for 1", "threads wait for jobs", timeout=25)
    arena.server.resume()
    worker.says("capsule default fetches again", timeout=10)
    jid = arena.push("Quick")
    eventually(lambda: jid in arena.journal.ended())


def _flush_scripts(arena: Arena) -> None:
    arena.store.script_flush()


def _kill_clients(arena: Arena) -> None:
    for kind in ("normal", "pubsub"):
        arena.store.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


def _pause_clients(arena: Arena) -> None:
    arena.store.execute_command("CLIENT", "PAUSE", "300", "ALL")


@pytest.mark.parametrize("fault", [_flush_scripts, _kill_clients, _pause_clients])
def test_a_nuisance_again_and_again_repeats_nothing(
    arena: Arena, fault: Callable[[Arena], None]
) -> None:
    arena.start()
    arena.start()
    arena.push_many(2_000, "Takes", 0.002)
    for ended in range(100, 1_700, 200):
        arena.await_ended(ended)
        fault(arena)
    arena.verify(30)


def test_a_broken_retry_set_holds_up_only_what_must_go_there(arena: Arena) -> None:
    arena.store.set("retry", "not a set")
    arena.start(concurrency=3)
    arena.push_many(20, "FailsOnce")
    failing = list(arena.acknowledged)
    arena.push_many(300, "Quick")
    arena.push_many(10, "Quick", at=wall() + 0.5)
    arena.await_all(12, besides=failing)
    arena.store.delete("retry")
    arena.verify(40)


def test_a_broken_dead_set_keeps_the_job_until_it_is_mended(arena: Arena) -> None:
    arena.store.set("dead", "not a set")
    arena.start(concurrency=3)
    arena.push_many(10, "Fails")
    failing = list(arena.acknowledged)
    arena.push_many(100, "Quick")
    arena.await_all(12, besides=failing)
    arena.store.delete("dead")
    eventually(lambda: set(arena.dead()) == set(failing), 40, message="they are in the dead set")
    arena.await_rest(10)


def test_a_broken_queue_does_not_keep_due_jobs_of_others_waiting(arena: Arena) -> None:
    arena.store.set("queue:bad", "not a list")
    due = wall() + 0.5
    arena.push_many(600, "Quick", queue="bad", at=due)
    bad = list(arena.acknowledged)
    arena.push_many(20, "Quick", at=due + 0.1)
    arena.start(queues="[default, bad]")
    arena.await_all(12, besides=bad)
    arena.store.delete("queue:bad")
    for member in arena.store.zrange("schedule", 0, -1):  # type: ignore[union-attr]
        arena.store.zadd("schedule", {member: 1})
    arena.verify(10)


def test_a_hash_in_flight_that_was_replaced_stops_nothing_for_good(arena: Arena) -> None:
    arena.start(concurrency=4)
    arena.push_many(50, "Takes", 0.005)
    arena.await_all()
    arena.await_rest()
    owners = [name.decode() for name in arena.store.smembers("kiq:owners")]  # type: ignore[union-attr]
    (owner,) = [name for name in owners if name.endswith(":default")]
    key = f"kiq:inflight:{{queue:default}}:{owner}"
    arena.store.set(key, "not a hash")
    arena.push_many(50)
    arena.workers[0].says("WRONGTYPE")
    arena.store.delete(key)
    arena.verify(15)


def test_a_full_redis_is_drained(arena: Arena) -> None:
    arena.push_many(2_000, "Takes", 0.001)
    arena.push_many(200, "FailsOnce")
    arena.start()
    arena.await_ended(200)
    arena.store.config_set("maxmemory", 1)
    assert not arena.try_to_push("Quick")
    arena.verify(30)
    arena.store.config_set("maxmemory", 0)


def test_a_worker_can_start_and_stop_on_a_full_redis(arena: Arena) -> None:
    arena.push_many(100, "Takes", 0.05)
    arena.store.config_set("maxmemory", 1)
    first = arena.start()
    arena.await_ended(20)
    assert first.stop() == 0
    arena.start()
    arena.verify(20)


def test_a_database_that_was_emptied_is_worked_on_again(arena: Arena) -> None:
    arena.start()
    arena.push_many(100, "Takes", 0.05)
    arena.await_ended(10)
    arena.store.flushall()
    arena.acknowledged.clear()
    arena.push_many(100)
    arena.verify(10, counted=None)

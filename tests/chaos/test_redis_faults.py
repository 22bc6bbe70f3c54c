"""What a living Redis does to its workers: forgets scripts, hangs up, pauses, is busy, has no room."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from kiq.clock import wall
from tests.chaos.arena import Arena
from tests.chaos.crew import WORKERS, again_and_again, all_work_again, assert_quiet, crew, lasts
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess


def _flush_scripts(arena: Arena) -> None:
    arena.store.script_flush()


def _kill_clients(arena: Arena) -> None:
    for kind in ("normal", "pubsub"):
        arena.store.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


def _kill_listeners(arena: Arena) -> None:
    arena.store.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


def _kill_one(arena: Arena) -> None:
    """Always whichever connection of a worker is the oldest: a part that sleeps, at first."""
    clients = arena.store.client_list()
    ids = sorted(int(each["id"]) for each in clients if each["name"] == "kiq")
    if ids:
        arena.store.execute_command("CLIENT", "KILL", "ID", ids[0])


def _kill_busiest(arena: Arena) -> None:
    """Always the connection that asked last: a courier's."""
    clients = [each for each in arena.store.client_list() if each["name"] == "kiq"]
    asked = [each for each in clients if each["cmd"].startswith("evalsha")]
    for each in sorted(asked, key=lambda each: int(each["idle"]))[:1]:
        arena.store.execute_command("CLIENT", "KILL", "ID", each["id"])


def _pause_all(arena: Arena) -> None:
    arena.store.execute_command("CLIENT", "PAUSE", "250", "ALL")


def _pause_writes(arena: Arena) -> None:
    arena.store.execute_command("CLIENT", "PAUSE", "250", "WRITE")


@WORKERS
@pytest.mark.parametrize(
    "fault",
    [
        _flush_scripts,
        _kill_clients,
        _kill_listeners,
        _kill_one,
        _kill_busiest,
        _pause_all,
        _pause_writes,
    ],
)
def test_a_nuisance_again_and_again_repeats_nothing(
    arena: Arena, workers: int, fault: Callable[[Arena], None]
) -> None:
    crew(arena, workers)
    arena.push_many(30, "FailsOnce")
    arena.push_many(60, at=wall() + 0.5)
    again_and_again(arena, 6, lambda: fault(arena))
    all_work_again(arena)
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
def test_a_redis_that_sleeps_for_three_seconds_is_waited_for(arena: Arena, workers: int) -> None:
    crew(arena, workers)
    arena.push_many(600, "Takes", 0.002)
    arena.await_ended(100)
    arena.store.execute_command("DEBUG", "SLEEP", "3")
    all_work_again(arena)
    arena.verify(30)
    assert_quiet(arena)
    assert not any("can't be reached" in worker.log for worker in arena.workers)


@WORKERS
def test_a_redis_that_is_busy_with_a_script_is_waited_for(arena: Arena, workers: int) -> None:
    arena.store.config_set("lua-time-limit", 50)  # milliseconds, from which on all others hear BUSY
    crew(arena, workers)
    arena.push_many(40, "FailsOnce")
    arena.push_many(800, "Takes", 0.002)
    arena.await_ended(100)
    newcomer = arena.start(wait=False)
    arena.store.eval(_BUSY_FOR, 0, 2.5)
    newcomer.wait_until_ready()
    all_work_again(arena)
    arena.verify(30)
    assert any("BUSY" in worker.log for worker in arena.workers)
    assert_quiet(arena)


_BUSY_FOR = """
local function now() local t = redis.call('TIME'); return t[1] + t[2] / 1000000 end
local ends = now() + ARGV[1]
while now() < ends do end
"""


@WORKERS
def test_a_redis_that_closes_idle_connections_is_no_trouble(arena: Arena, workers: int) -> None:
    crew(arena, workers)
    arena.store.config_set("timeout", 1)
    lasts(2.5)
    arena.push_many(60, "FailsOnce")
    arena.push_many(60, at=wall() + 0.5)
    all_work_again(arena)
    arena.verify(20)
    assert_quiet(arena)


@WORKERS
def test_a_redis_without_room_for_connections_is_waited_for(arena: Arena, workers: int) -> None:
    started = crew(arena, workers)
    arena.push_many(400, "Takes", 0.005)
    arena.await_ended(50)
    arena.try_to_push("Quick")
    connected = len(arena.store.client_list())
    arena.store.config_set("maxclients", connected)
    arena.store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    newcomer = _fill_up(arena, connected)
    arena.await_ended(200)  # most find a place again
    arena.store.config_set("maxclients", 1000)
    newcomer.wait_until_ready()
    all_work_again(arena)
    arena.verify(30)
    assert started[0].running
    assert_quiet(arena)


def _fill_up(arena: Arena, most: int) -> WorkerProcess:
    """Start one more worker, for which there is no room; return it when it has said so."""
    crowd: list[redis.Redis] = []

    def full() -> bool:
        other = arena.server.client()
        try:
            other.ping()
        except redis.ConnectionError:
            return True
        crowd.append(other)
        return False

    eventually(full, 5, message=f"all {most} places are taken")
    newcomer = arena.start(wait=False)
    newcomer.says("Redis can't be reached", "trying again")
    for other in crowd:
        other.close()
    return newcomer


@WORKERS
def test_a_redis_that_cannot_save_refuses_writes_and_is_waited_for(
    arena: Arena, workers: int
) -> None:
    crew(arena, workers)
    arena.push_many(40, "FailsOnce")
    arena.push_many(1_000, "Takes", 0.002)
    arena.await_ended(100)
    (arena.server.folder / "dump.rdb").mkdir()  # a snapshot can't take its place
    arena.store.config_set("save", "3600 1")
    arena.store.bgsave()
    eventually(lambda: _last_save(arena) == "err", message="the snapshot fails")
    lasts(1)
    assert not arena.try_to_push("Quick")
    (arena.server.folder / "dump.rdb").rmdir()
    arena.store.bgsave()
    eventually(lambda: _last_save(arena) == "ok", message="the snapshot succeeds")
    all_work_again(arena)
    arena.verify(30)
    assert any("MISCONF" in worker.log for worker in arena.workers)
    assert_quiet(arena)


def _last_save(arena: Arena) -> str:
    return str(arena.store.info("persistence")["rdb_last_bgsave_status"])


@WORKERS
def test_a_redis_without_enough_replicas_is_waited_for(arena: Arena, workers: int) -> None:
    crew(arena, workers)
    arena.push_many(40, "FailsOnce")
    arena.push_many(800, "Takes", 0.002)
    arena.await_ended(100)
    arena.store.config_set("min-replicas-to-write", 1)
    lasts(1)
    assert not arena.try_to_push("Quick")
    arena.store.config_set("min-replicas-to-write", 0)
    all_work_again(arena)
    arena.verify(30)
    assert any("NOREPLICAS" in worker.log for worker in arena.workers)
    assert_quiet(arena)

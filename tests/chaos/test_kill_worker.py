"""Workers that are killed: nothing is lost, and no more is repeated than had started."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.chaos.arena import Arena
from tests.helpers.waiting import eventually

#: Points that a worker passes when it does no more than work.
WORKING = ("before-exchange", "after-exchange", "after-fetch", "after-claim", "mid-commit")


def test_three_kills_in_ten_thousand_jobs_lose_none_and_repeat_what_had_started(
    arena: Arena,
) -> None:
    arena.push_many(10_000, "Takes", 0.0005)
    for ended in (2_000, 5_000, 8_000):
        worker = arena.start()
        arena.await_ended(ended)
        arena.kill(worker)
    arena.start()
    arena.verify(25)


@pytest.mark.parametrize("times", [2])
@pytest.mark.parametrize("point", WORKING)
def test_a_kill_at_any_named_moment_loses_nothing(arena: Arena, point: str, times: int) -> None:
    arena.mixed(600)
    doomed = arena.start(crash=f"{point}:{times}", wait=False)
    assert doomed.wait(20) == -signal.SIGKILL, doomed.log
    arena.start()
    arena.verify(30)


def test_a_kill_while_it_hands_jobs_back_loses_nothing(arena: Arena) -> None:
    arena.push_many(1_000)
    arena.push_many(60, "Takes", 0.15)
    worker = arena.start(crash="before-hand-back:1", concurrency=2)
    assert worker.wait(20) == -signal.SIGKILL, worker.log
    arena.start()
    arena.verify(20)


def test_a_kill_while_it_leaves_loses_nothing(arena: Arena) -> None:
    worker = arena.start(crash="before-leave:1", concurrency=2)
    arena.push_many(200, "Takes", 0.02)
    arena.await_ended(5)
    worker.signal(signal.SIGTERM)
    assert worker.wait(20) == -signal.SIGKILL, worker.log
    arena.start()
    arena.verify(20)


@pytest.mark.parametrize("point", ["before-give-back", "after-give-back"])
def test_a_kill_of_the_one_that_gives_back_loses_nothing(arena: Arena, point: str) -> None:
    arena.push_many(300, "Takes", 0.02)
    first = arena.start(lease=5)
    second = arena.start(crash=f"{point}:1", lease=5)
    arena.await_ended(20)
    arena.kill(first)
    assert second.wait(20) == -signal.SIGKILL, second.log
    arena.start(lease=5)
    arena.verify(25)


def test_a_pill_dies_at_the_third_time_and_the_innocent_beside_it_all_run(arena: Arena) -> None:
    pill = arena.push("Pill", 0.05)
    arena.push_many(300, "Takes", 0.02)
    for _ in range(3):
        assert arena.start().wait(20) == -signal.SIGKILL
    arena.start()
    eventually(lambda: arena.dead() == [pill], 20, message="the pill is in the dead set")
    result = arena.await_all(20, besides=[pill])
    arena.await_rest()
    assert arena.journal.counts("S")[pill] == 3
    assert (result.dead, result.lost, result.stuck) == (1, 0, 0)


def test_two_pills_die_and_the_innocent_that_take_long_beside_them_live(arena: Arena) -> None:
    pills = [arena.push("Pill", 0.3), arena.push("Pill", 0.2)]
    arena.push_many(5, "Takes", 0.6)
    kills = 0
    while len(arena.dead()) < 2 and kills < 8:
        worker = arena.start()
        eventually(
            lambda one=worker: not one.running or len(arena.dead()) == 2,
            20,
            message="a fate",
        )
        kills += not worker.running
    if not arena.workers[-1].running:
        arena.start()
    result = arena.await_all(20, besides=pills)
    arena.await_rest()
    assert sorted(arena.dead()) == sorted(pills)
    assert result.lost == result.stuck == 0


def test_isolated_jobs_that_wait_for_one_another_do_not_spin(arena: Arena) -> None:
    arena.push_many(3, "Takes", 2.0)
    for _ in range(2):
        known = len(arena.journal.lines())
        worker = arena.start()
        eventually(lambda n=known: len(arena.journal.lines()) >= n + 3, 20, message="they run")
        arena.kill(worker)
    known = len(arena.journal.lines())
    arena.start()
    eventually(lambda: len(arena.journal.lines()) > known, 10, message="the first runs alone")
    before = _calls(arena)
    eventually(lambda: len(arena.journal.ended()) == 1, 10, message="the first has ended")
    spent = _calls(arena) - before
    assert spent < 400, f"{spent} scripts ran in two seconds, for nothing"
    arena.await_all(20)


def _calls(arena: Arena) -> int:
    stats: Any = arena.store.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"])

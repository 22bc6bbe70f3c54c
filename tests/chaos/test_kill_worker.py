"""Workers that are killed: nothing is lost, and no more is repeated than had started."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.chaos.arena import Arena
from tests.chaos.long_form import FLEETS
from tests.helpers.waiting import eventually


@pytest.mark.parametrize("workers", FLEETS)
def test_three_kills_in_ten_thousand_jobs_lose_none_and_repeat_what_had_started(
    arena: Arena, workers: int
) -> None:
    arena.push_many(10_000, "Takes", 0.0005)
    for _ in range(workers - 1):
        arena.start(wait=False)
    for ended in (2_000, 5_000, 8_000):
        worker = arena.start()
        arena.await_ended(ended)
        arena.crash(worker)
    arena.start()
    arena.verify(25)


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
        if not worker.running:
            assert worker.wait() == -signal.SIGKILL
            kills += 1
    if not arena.workers[-1].running:
        arena.start()
    arena.verify(20, besides=pills)
    assert sorted(arena.dead()) == sorted(pills)


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
    arena.verify(20)


def _calls(arena: Arena) -> int:
    stats: Any = arena.store.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"])

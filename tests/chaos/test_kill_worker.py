"""Workers that are killed: nothing is lost, and no more is repeated than had started."""

from __future__ import annotations

import pytest

from tests.chaos.arena import THREADS, UNSETTLED, Arena

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
    result = arena.await_all(25)
    arena.await_rest()
    print(f"\nthree kills: {result}")
    assert result.lost == result.stuck == result.unexpected == result.dead == 0
    assert result.duplicated <= 3 * (THREADS + UNSETTLED)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("point", WORKING)
def test_a_kill_at_any_named_moment_loses_nothing(arena: Arena, point: str, times: int) -> None:
    arena.mixed(600)
    doomed = arena.start(crash=f"{point}:{times}", wait=False)
    assert doomed.wait(20) == -9, doomed.log
    arena.start()
    result = arena.await_all(30)
    arena.await_rest()
    print(f"\n{point}:{times}: {result}")
    assert result.lost == result.stuck == result.dead == 0
    assert result.duplicated <= THREADS + UNSETTLED

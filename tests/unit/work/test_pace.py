"""How many jobs to ask for, and when."""

from __future__ import annotations

import pytest

from kiq.work.pace import MAX_JOBS, Pace


def busy(per_second: float, threads: int = 10) -> Pace:
    """One that has seen this rate for a second."""
    pace = Pace(threads)
    for tick in range(1, 1001):
        pace.finished(round(per_second / 1000), tick / 1000)
    return pace


def test_at_first_it_asks_for_one_job_per_free_thread() -> None:
    pace = Pace(10)
    assert pace.wanted(free=10, waiting=0, now=0.0) == 10
    assert pace.wanted(free=3, waiting=0, now=0.0) == 3
    assert pace.wanted(free=0, waiting=0, now=0.0) == 0
    assert pace.wanted(free=5, waiting=5, now=0.0) == 0


def test_with_short_jobs_it_asks_for_20_ms_worth() -> None:
    pace = busy(10_000)
    assert pace.rate == pytest.approx(10_000)
    assert pace.target() == pytest.approx(200, abs=2)
    assert pace.wanted(free=0, waiting=0, now=0.0) == pytest.approx(200, abs=2)


def test_it_asks_again_when_half_of_that_is_used_up() -> None:
    pace = busy(10_000)
    assert pace.wanted(free=0, waiting=150, now=0.0) == 0
    assert pace.wanted(free=0, waiting=90, now=0.0) == pace.target() - 90


def test_it_never_asks_for_more_than_the_limit() -> None:
    pace = busy(10_000_000)
    assert pace.wanted(free=0, waiting=0, now=0.0) == MAX_JOBS


def test_with_slow_jobs_it_asks_for_what_can_start_at_once() -> None:
    pace = busy(0)
    pace.finished(1, 2.0)
    assert pace.wanted(free=2, waiting=0, now=0.0) == 2


def test_after_a_hand_back_it_asks_for_free_threads_only_until_something_finishes() -> None:
    pace = busy(10_000)
    pace.handed_back()
    assert pace.wanted(free=0, waiting=0, now=0.0) == 0
    assert pace.wanted(free=2, waiting=0, now=0.0) == 2
    assert pace.wanted(free=2, waiting=5, now=0.0) == 0
    pace.finished(0, 1.5)
    assert pace.wanted(free=0, waiting=0, now=0.0) == 0
    pace.finished(5, 1.501)
    assert pace.wanted(free=0, waiting=0, now=0.0) > 0


def test_the_rate_is_forgotten_when_nothing_finishes() -> None:
    pace = busy(10_000)
    pace.finished(0, 1.2)
    assert pace.target() == 0


def test_two_looks_at_the_same_moment_do_no_harm() -> None:
    pace = Pace(1)
    pace.finished(1, 1.0)
    before = pace.rate
    pace.finished(1, 1.0)
    assert pace.rate == before


def test_more_is_asked_for_when_redis_is_far_away() -> None:
    near, far = busy(1_000.0), busy(1_000.0)
    for _ in range(50):
        near.exchanged(0.000_3)
        far.exchanged(0.100)
    assert near.target() == busy(1_000.0).target()
    assert far.target() == pytest.approx(10 * near.target(), rel=0.1)


def test_a_stalled_exchange_does_not_ask_for_a_hoard() -> None:
    pace = busy(100.0)
    for _ in range(50):
        pace.exchanged(60.0)
    assert pace.target() <= 100.0 * 0.5


# Empty queues


def test_empty_queues_are_looked_at_again_after_a_while_and_later_in_a_large_fleet() -> None:
    pace = Pace(2)
    pace.found_none(swept=True, now=5.0, fleet=1)
    assert pace.wanted(free=2, waiting=0, now=5.09) == 0
    assert pace.wanted(free=2, waiting=0, now=5.11) == 2
    pace.found_none(swept=True, now=5.0, fleet=10_000)
    assert pace.wanted(free=2, waiting=0, now=9.9) == 0
    assert pace.wanted(free=2, waiting=0, now=10.1) == 2


def test_while_not_every_queue_was_looked_at_there_is_no_pause() -> None:
    pace = Pace(2)
    pace.found_none(swept=False, now=5.0, fleet=1)
    assert pace.wanted(free=2, waiting=0, now=5.0) == 2


def test_a_fetch_that_brought_only_what_can_not_start_here_is_followed_by_a_rest() -> None:
    pace = Pace(2)
    pace.found(3)
    pace.rest(held_up=2, now=5.0)
    assert not pace.dry
    pace.rest(held_up=3, now=5.0)
    assert pace.wanted(free=2, waiting=0, now=5.09) == 0
    assert pace.wanted(free=2, waiting=0, now=5.11) == 2

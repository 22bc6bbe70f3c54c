"""What moments tell of a queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from kiq.plugins.trends import Moment, Trend
from kiq.plugins.trends.numbers import trend_of

STEP = 15.0


def moments(sizes: Sequence[int], rate: Callable[[int], float] = lambda _at: 10.0) -> list[Moment]:
    """One in fifteen seconds: with *sizes* of the queue, from which *rate* jobs a second were taken."""
    made, taken = [], 1_000.0
    for at, size in enumerate(sizes):
        made.append(Moment(1e9 + at * STEP, 0, 0, {"a": (size, int(taken))}))
        taken += rate(at) * STEP
    return made


def trend(sizes: Sequence[int], rate: Callable[[int], float] = lambda _at: 10.0) -> Trend:
    found = trend_of("a", moments(sizes, rate))
    assert found is not None
    return found


def test_arrivals_are_what_left_and_what_the_queue_grew_by() -> None:
    found = trend([100 + 5 * at for at in range(21)])
    assert (found.span, found.size, found.left, found.arrived) == (300.0, 200, 3000, 3100)
    assert (found.leaving_rate, found.arrival_rate) == (10.0, pytest.approx(10.333, abs=0.01))
    assert found.direction == "growing"
    assert found.seconds_to_drain is None


def test_a_queue_that_gets_shorter_says_how_long_it_takes() -> None:
    found = trend([3000 - 30 * at for at in range(21)])
    assert found.direction == "draining"
    assert found.draining == pytest.approx(2.0)
    assert found.seconds_to_drain == pytest.approx(1200.0)


@pytest.mark.parametrize(
    ("what", "sizes"),
    [
        ("empty", [0] * 40),
        ("as long as ever", [500] * 40),
        ("a burst that has just come", [0] * 38 + [9000, 9000]),
        ("a burst every two minutes", [0, 400, 350, 300, 200, 100, 50, 0] * 5),
        ("one that was long and is empty", [900, 600, 300, *[0] * 37]),
        ("a few jobs more", list(range(5)) * 1 + [5] * 30 + [6, 7, 8]),
        ("grew, and grows no more", [10 * at for at in range(20)] + [200] * 20),
    ],
)
def test_no_wolf_is_cried_for(what: str, sizes: list[int]) -> None:
    assert trend(sizes).direction == "level", what


def test_a_burst_that_is_worked_off_is_no_growth() -> None:
    found = trend([0] * 20 + [9000 - 100 * at for at in range(20)])
    assert found.direction == "draining"
    assert found.seconds_to_drain == pytest.approx(7100 / (100 / STEP))


def test_of_two_minutes_nothing_is_said() -> None:
    found = trend([100 * at for at in range(9)])
    assert found.direction == "unknown"
    assert found.left_lately == 600


def test_a_counter_that_begins_anew_counts_nothing_twice() -> None:
    made = moments([0] * 20)
    for at in range(10, 20):
        size, taken = made[at].queues["a"]
        made[at].queues["a"] = (size, taken - 2_000)
    found = trend_of("a", made)
    assert found is not None
    assert found.left == 18 * 150


def test_who_is_nowhere_has_no_trend() -> None:
    assert trend_of("b", moments([1] * 20)) is None
    assert trend_of("a", moments([1])) is None
    assert trend_of("a", []) is None

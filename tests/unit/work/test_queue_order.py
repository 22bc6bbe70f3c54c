"""Which queues a fetch looks at, in which order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiq.config import Capsule
from kiq.work.queue_order import MAX_QUEUES, QueueOrder

ENDLESS = 10**9


class Redis:
    """The queues, and a fetch over them by the rules of ``fetch.lua``."""

    def __init__(self, **stock: int) -> None:
        self.stock = Counter(stock)
        self.taken: Counter[str] = Counter()

    def fetch(self, order: QueueOrder, want: int) -> Counter[str]:
        names = order.window()
        counts = dict.fromkeys(names, 0)
        empty = dict.fromkeys(names, False)
        if order.strict:
            for name in names:
                want -= self._take(name, want, counts, empty)
        else:
            self._share(order, names, want, counts, empty)
        order.took(names, list(counts.values()), list(empty.values()))
        self.taken.update(counts)
        return +Counter(counts)

    def _share(
        self,
        order: QueueOrder,
        names: list[str],
        want: int,
        counts: dict[str, int],
        empty: dict[str, bool],
    ) -> None:
        weights = dict(zip(names, order.weights(names), strict=True))
        passes = dict(zip(names, order.passes(names), strict=True))
        quantum = math.ceil(want / 16)
        while want and (open_ := [name for name in names if not empty[name]]):
            name = min(open_, key=passes.__getitem__)
            got = self._take(name, min(quantum, want), counts, empty)
            passes[name] += got / weights[name]
            want -= got

    def _take(self, name: str, limit: int, counts: dict[str, int], empty: dict[str, bool]) -> int:
        got = min(limit, self.stock[name])
        self.stock[name] -= got
        counts[name] += got
        empty[name] = empty[name] or got < limit
        return got


def capsule(mode: Any, **weights: int) -> Capsule:
    return Capsule(queues=tuple(weights.items()), mode=mode)


def shares(redis: Redis) -> dict[str, float]:
    total = sum(redis.taken.values())
    return {name: 100 * count / total for name, count in redis.taken.items()}


def close_to(expected: Mapping[str, float], points: float = 2) -> Any:
    return pytest.approx(expected, abs=points)


# Weighted


@pytest.mark.parametrize("batch", [4, 500])
def test_over_100_000_draws_each_queue_gets_its_share(batch: int) -> None:
    order = QueueOrder(capsule("weighted", critical=6, default=3, low=1))
    redis = Redis(critical=ENDLESS, default=ENDLESS, low=ENDLESS)
    while sum(redis.taken.values()) < 100_000:
        redis.fetch(order, batch)
    assert shares(redis) == close_to({"critical": 60, "default": 30, "low": 10})


def test_weights_far_apart_are_kept_too() -> None:
    order = QueueOrder(capsule("weighted", big=1000, small=1))
    redis = Redis(big=ENDLESS, small=ENDLESS)
    for _ in range(1000):
        redis.fetch(order, 100)
    assert shares(redis) == close_to({"big": 99.9, "small": 0.1}, points=0.2)


def test_what_an_empty_queue_does_not_take_goes_to_the_others_by_weight() -> None:
    order = QueueOrder(capsule("weighted", a=6, b=3, c=1))
    redis = Redis(b=ENDLESS, c=ENDLESS)
    for _ in range(1000):
        redis.fetch(order, 10)
    assert shares(redis) == close_to({"a": 0, "b": 75, "c": 25})


def test_an_empty_queue_earns_no_credit_for_when_it_fills() -> None:
    order = QueueOrder(capsule("weighted", a=1, b=1))
    redis = Redis(b=ENDLESS)
    for _ in range(1000):
        redis.fetch(order, 10)
    redis.stock["a"] = ENDLESS
    redis.taken.clear()
    for _ in range(20):
        redis.fetch(order, 10)
    assert shares(redis) == close_to({"a": 50, "b": 50}, points=6)


def test_a_queue_that_comes_and_goes_does_not_starve_the_others() -> None:
    order = QueueOrder(capsule("weighted", a=1, b=1))
    redis = Redis(b=ENDLESS)
    for turn in range(2000):
        redis.stock["a"] = 3 if turn % 2 else 0
        redis.fetch(order, 10)
    assert shares(redis) == close_to({"a": 15, "b": 85})


def test_a_queue_that_a_filter_paused_earns_no_credit_either() -> None:
    paused = {"a"}
    order = QueueOrder(
        capsule("weighted", a=1, b=1), [lambda names: [n for n in names if n not in paused]]
    )
    redis = Redis(a=ENDLESS, b=ENDLESS)
    for _ in range(1000):
        redis.fetch(order, 10)
    paused.clear()
    redis.taken.clear()
    for _ in range(20):
        redis.fetch(order, 10)
    assert shares(redis) == close_to({"a": 50, "b": 50}, points=6)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=2, max_size=6),
    st.integers(50, 500),
)
@settings(deadline=None, max_examples=30)
def test_whatever_the_weights_shares_follow_them(weights: dict[str, int], batch: int) -> None:
    order = QueueOrder(capsule("weighted", **weights))
    redis = Redis(**dict.fromkeys(weights, ENDLESS))
    for _ in range(400):
        redis.fetch(order, batch)
    total = sum(weights.values())
    assert shares(redis) == close_to({name: 100 * w / total for name, w in weights.items()})


# Strict


def test_in_strict_order_a_lower_queue_is_touched_only_when_those_above_are_empty() -> None:
    order = QueueOrder(capsule("strict", high=1, middle=1, low=1))
    redis = Redis(high=12, middle=5, low=ENDLESS)
    assert redis.fetch(order, 10) == {"high": 10}
    assert redis.fetch(order, 10) == {"high": 2, "middle": 5, "low": 3}
    redis.stock["high"] = 1
    assert redis.fetch(order, 2) == {"high": 1, "low": 1}


def test_strict_order_is_the_order_given() -> None:
    assert QueueOrder(capsule("strict", b=1, a=1, c=1)).window() == ["b", "a", "c"]


# Random


def test_random_order_begins_with_each_queue_equally_often() -> None:
    order = QueueOrder(capsule("random", a=1, b=1, c=1, d=1))
    first = Counter(order.window()[0] for _ in range(20_000))
    assert {name: 100 * n / 20_000 for name, n in first.items()} == close_to(
        dict.fromkeys("abcd", 25)
    )


def test_random_order_shares_equally() -> None:
    order = QueueOrder(capsule("random", a=1, b=1, c=1))
    redis = Redis(a=ENDLESS, b=ENDLESS, c=ENDLESS)
    for _ in range(3000):
        redis.fetch(order, 10)
    assert shares(redis) == close_to(dict.fromkeys("abc", 100 / 3))


# Many queues


def many(count: int) -> dict[str, int]:
    return {f"q{number:03}": 1 for number in range(count)}


@pytest.mark.parametrize("count", [MAX_QUEUES + 1, 250, 1000])
@pytest.mark.parametrize("mode", ["strict", "weighted"])
def test_of_many_queues_every_one_is_looked_at_when_all_are_empty(mode: Any, count: int) -> None:
    order = QueueOrder(capsule(mode, **many(count)))
    redis = Redis()
    seen: set[str] = set()
    for _ in range(math.ceil(count / MAX_QUEUES)):
        window = order.window()
        assert len(window) <= MAX_QUEUES
        seen.update(window)
        redis.fetch(order, 10)
    assert len(seen) == count


def test_of_many_queues_no_fetch_looks_at_one_twice() -> None:
    order = QueueOrder(capsule("weighted", **many(150)))
    redis = Redis()
    for _ in range(10):
        window = order.window()
        assert len(window) == len(set(window)) == MAX_QUEUES
        redis.fetch(order, 1)


def test_of_many_strict_queues_the_top_comes_first_again_as_soon_as_something_was_taken() -> None:
    order = QueueOrder(capsule("strict", **many(250)))
    redis = Redis(q249=5)
    assert [dict(redis.fetch(order, 10)) for _ in range(3)] == [{}, {}, {"q249": 5}]
    assert order.window()[0] == "q000"


def test_one_sweep_over_all_queues_is_known_as_such() -> None:
    few = QueueOrder(capsule("strict", a=1, b=1))
    assert few.swept
    order = QueueOrder(capsule("strict", **many(250)))
    redis = Redis()
    swept = []
    for _ in range(6):
        redis.fetch(order, 10)
        swept.append(order.swept)
    assert swept == [False, False, True] * 2


# Filters


def test_filters_choose_among_the_queues_one_after_another() -> None:
    order = QueueOrder(
        capsule("strict", a=1, b=1, c=1),
        [lambda names: [n for n in names if n != "a"], lambda names: list(reversed(names))],
    )
    assert order.window() == ["c", "b"]


def test_filters_may_leave_nothing() -> None:
    order = QueueOrder(capsule("weighted", a=2, b=1), [lambda names: []])
    redis = Redis(a=5)
    assert redis.fetch(order, 10) == {}
    assert order.window() == []

"""More queues than one fetch looks at: the weights hold among all, and a sweep is short."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kiq.work.queue_order import MAX_QUEUES, QueueOrder
from tests.unit.work.test_queue_order import ENDLESS, Redis, capsule, many

COUNTS = [MAX_QUEUES + 1, 199, 200, 250, 1000]


@pytest.mark.parametrize("count", COUNTS)
def test_two_of_many_queues_get_their_shares_wherever_they_stand(count: int) -> None:
    weights = dict.fromkeys(many(count), 10) | {f"q{count - 1:03}": 1}
    order = QueueOrder(capsule("weighted", **weights))
    redis = Redis(q000=ENDLESS, **{f"q{count - 1:03}": ENDLESS})
    for _ in range(1000):
        redis.fetch(order, 200)
    assert redis.taken["q000"] / redis.taken[f"q{count - 1:03}"] == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("count", COUNTS)
def test_many_full_queues_get_their_shares(count: int) -> None:
    weights = {name: 1 + 9 * (at % 2) for at, name in enumerate(many(count))}
    order = QueueOrder(capsule("weighted", **weights))
    redis = Redis(**dict.fromkeys(weights, ENDLESS))
    for _ in range(1500):
        redis.fetch(order, 500)
    total = sum(weights.values())
    for name, weight in weights.items():
        assert redis.taken[name] == pytest.approx(750_000 * weight / total, rel=0.2)


@pytest.mark.parametrize("mode", ["strict", "weighted", "random"])
@pytest.mark.parametrize("count", COUNTS)
def test_an_idle_sweep_takes_as_many_fetches_as_it_must_and_misses_no_queue(
    mode: Any, count: int
) -> None:
    order = QueueOrder(capsule(mode, **many(count)))
    redis = Redis(q050=1)
    redis.fetch(order, 10)
    assert redis.taken["q050"] == 1
    for _ in range(3):
        seen: set[str] = set()
        swept = []
        for _ in range(math.ceil(count / MAX_QUEUES)):
            seen.update(order.window())
            redis.fetch(order, 10)
            swept.append(order.swept)
        assert swept == [False] * (len(swept) - 1) + [True]
        assert len(seen) == count


def test_one_of_many_queues_that_fills_is_found_though_a_hundred_others_never_run_out() -> None:
    busy = {f"b{number:03}": 1 for number in range(MAX_QUEUES)}
    order = QueueOrder(capsule("weighted", **busy, **many(300)))
    redis = Redis(**dict.fromkeys(busy, ENDLESS))
    for _ in range(50):
        redis.fetch(order, 100)
    redis.stock["q299"] = 5
    for _ in range(math.ceil(400 / (MAX_QUEUES / 2)) + 1):
        redis.fetch(order, 100)
    assert redis.taken["q299"] == 5


def test_one_of_many_queues_earns_no_credit_while_it_is_not_looked_at() -> None:
    order = QueueOrder(capsule("weighted", **many(300)))
    redis = Redis(q000=ENDLESS)
    for _ in range(500):
        redis.fetch(order, 100)
    redis.stock["q299"] = ENDLESS
    redis.taken.clear()
    for _ in range(100):
        redis.fetch(order, 100)
    assert redis.taken["q299"] == pytest.approx(redis.taken["q000"], rel=0.15)

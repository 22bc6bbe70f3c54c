"""Which queue a fetch takes from: strict order, and shares by weight over many calls."""

from __future__ import annotations

import pytest

from kiq.config import Capsule
from kiq.work.queue_order import QueueOrder
from tests.helpers.depot import Depot, numbered


def test_strict_order_touches_a_lower_queue_only_when_the_upper_is_empty(redis_url: str) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(3))
    depot.push("b", numbered(3, 10))
    assert [job.flight.queue for job in depot.take(3, "a", "b")] == ["a"] * 3
    fetched = depot.fetch(5, "a", "b")
    assert fetched.counts == [0, 3]
    assert fetched.empty == [True, True]


def test_strict_order_resumes_in_the_upper_queue_when_bytes_cut_it(redis_url: str) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"x" * 600_000] * 3)
    depot.push("b", numbered(3))
    assert depot.fetch(10, "a", "b").counts == [2, 0]
    assert depot.fetch(10, "a", "b").counts[0] == 1


@pytest.mark.parametrize("batch", [1, 7, 100, 500])
def test_shares_follow_the_weights_whatever_the_batch(redis_url: str, batch: int) -> None:
    depot = Depot(redis_url)
    weights = {"a": 6, "b": 3, "c": 1}
    for name in weights:
        depot.push(name, numbered(1000))
    counts = _served(depot, Capsule(queues=tuple(weights.items()), mode="weighted"), batch, 1000)
    assert counts["a"] == pytest.approx(600, abs=batch / 8 + 6)
    assert counts["b"] == pytest.approx(300, abs=batch / 8 + 6)
    assert counts["c"] == pytest.approx(100, abs=batch / 8 + 6)


def test_shares_follow_the_weights_with_large_jobs_in_one_queue(redis_url: str) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"L" * 400_000 for _ in range(60)])
    depot.push("b", numbered(400))
    counts = _served(depot, Capsule(queues=(("a", 1), ("b", 3)), mode="weighted"), 100, 120)
    assert counts["b"] / counts["a"] == pytest.approx(3, rel=0.2)


def test_a_queue_that_was_empty_earned_no_credit(redis_url: str) -> None:
    depot = Depot(redis_url)
    capsule = Capsule(queues=(("a", 1), ("b", 1)), mode="weighted")
    order = QueueOrder(capsule)
    depot.push("a", numbered(1000))
    _serve(depot, order, 50, 400)
    depot.push("b", numbered(1000))
    counts = _serve(depot, order, 50, 200)
    assert counts["b"] == pytest.approx(100, abs=12)


def _served(depot: Depot, capsule: Capsule, batch: int, total: int) -> dict[str, int]:
    return _serve(depot, QueueOrder(capsule), batch, total)


def _serve(depot: Depot, order: QueueOrder, batch: int, total: int) -> dict[str, int]:
    counts = dict.fromkeys(order.window(), 0)
    while sum(counts.values()) < total:
        names = order.window()
        want = min(batch, total - sum(counts.values()))
        fetched = depot.fetch(
            want, *names, strict=False, weights=order.weights(names), passes=order.passes(names)
        )
        order.took(names, fetched.counts, fetched.empty)
        assert fetched.jobs
        for name, count in zip(names, fetched.counts, strict=True):
            counts[name] += count
        depot.done(fetched.jobs)
    return counts

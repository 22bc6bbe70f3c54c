"""Shares of queues on a server: whatever the weights, the batches and the sizes of jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kiq import keys
from kiq.config import Capsule
from kiq.store.fetch import Fetched
from kiq.store.flight import MAX_BYTES
from kiq.work.queue_order import QueueOrder
from tests.helpers.depot import Depot
from tests.helpers.server import TestServer

NAMES = "abcde"
#: Between one example and the next the test itself empties the server.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BATCHES = st.lists(st.integers(1, 500), min_size=1, max_size=4)


class Line:
    """A depot with filled queues, and the order in which it serves them."""

    def __init__(self, server: TestServer, raw: redis.Redis, capsule: Capsule) -> None:
        raw.flushdb()
        self.depot = Depot(server.url)
        self.order = QueueOrder(capsule)
        self._next = 0

    def stock(self, name: str, sizes: Sequence[int]) -> None:
        """Push jobs of these sizes (bytes), the first of which is next."""
        numbers = range(self._next, self._next + len(sizes))
        self._next += len(sizes)
        raws = [b"%08d".ljust(size, b"x") % n for n, size in zip(numbers, sizes, strict=True)]
        for first in range(0, len(raws), 50):
            self.depot.push(name, raws[first : first + 50])

    def fetch(self, count: int) -> dict[str, int]:
        """Take up to *count* jobs and settle them; return how many came from each queue."""
        names = self.order.window()
        fetched: Fetched = self.depot.fetch(
            count,
            *names,
            strict=self.order.strict,
            weights=self.order.weights(names),
            passes=self.order.passes(names),
        )
        assert fetched.state == "ok"
        assert not fetched.errors
        self.order.took(names, fetched.counts, fetched.empty)
        if fetched.jobs:
            self.depot.done(fetched.jobs)
        assert sum(len(job.raw) for job in fetched.jobs[:-1]) < MAX_BYTES
        return dict(zip(names, fetched.counts, strict=True))

    def close(self) -> None:
        self.depot.link.close()


@pytest.fixture
def client(server: TestServer) -> Iterator[redis.Redis]:
    """A plain client, for what a depot has no word for."""
    plain = server.client()
    yield plain
    plain.close()


def weighted(weights: dict[str, int]) -> Capsule:
    return Capsule(queues=tuple(weights.items()), mode="weighted")


WEIGHTS = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 20), min_size=2)


@settings(PATIENT, max_examples=12)
@given(WEIGHTS, BATCHES, st.lists(st.sampled_from([8, 100, 3_000]), min_size=1, max_size=5))
@example({"a": 20, "b": 1}, [500], [8])
@example({"a": 7, "b": 3, "c": 1}, [1, 500], [3_000, 8])
def test_each_queue_gets_its_share_of_whatever_is_taken(
    server: TestServer,
    client: redis.Redis,
    weights: dict[str, int],
    batches: list[int],
    sizes: list[int],
) -> None:
    line = Line(server, client, weighted(weights))
    total = 600
    for name in weights:
        source = cycle(sizes)
        line.stock(name, [next(source) for _ in range(total)])
    served = dict.fromkeys(weights, 0)
    turns = cycle(batches)
    while (taken := sum(served.values())) < total:
        for name, count in line.fetch(min(next(turns), total - taken)).items():
            served[name] += count
        assert sum(served.values()) > taken
    line.close()
    # A queue may be one quantum ahead (a sixteenth of a batch), and so keep the others behind.
    quantum = -(-max(batches) // 16)
    for name, weight in weights.items():
        fair = total * weight / sum(weights.values())
        assert abs(served[name] - fair) <= (quantum + 1) * len(weights), (served, weights)


@settings(PATIENT, max_examples=10)
@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from([50_000, 200_000, 700_000]),
    st.integers(16, 500),
)
def test_large_jobs_in_one_queue_do_not_shift_the_shares(
    server: TestServer, client: redis.Redis, large: int, small: int, size: int, batch: int
) -> None:
    line = Line(server, client, weighted({"a": large, "b": small}))
    line.stock("a", [size] * 40)
    line.stock("b", [8] * 40 * small)
    served = {"a": 0, "b": 0}
    while served["a"] < 30 and served["b"] < 40 * small - 20:
        for name, count in line.fetch(batch).items():
            served[name] += count
    line.close()
    # Counted in turns: what each has had per weight differs by a quantum at most.
    turns = abs(served["a"] / large - served["b"] / small)
    assert turns <= (-(-batch // 16) + 1) / min(large, small) + 1, served


@settings(PATIENT, max_examples=12)
@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=5),
    BATCHES,
    st.lists(st.sampled_from([8, 1_000, 300_000]), min_size=1, max_size=4),
    st.lists(st.integers(0, 4), max_size=4),
)
def test_strict_order_never_touches_a_queue_below_one_that_is_not_empty(
    server: TestServer,
    client: redis.Redis,
    stocks: list[int],
    batches: list[int],
    sizes: list[int],
    arrivals: list[int],
) -> None:
    names = NAMES[: len(stocks)]
    line = Line(server, client, Capsule(queues=tuple((name, 1) for name in names), mode="strict"))
    source, turns = cycle(sizes), cycle(batches)
    for name, count in zip(names, stocks, strict=True):
        line.stock(name, [next(source) for _ in range(count)])
    coming = iter(arrivals)
    while True:
        counts = line.fetch(next(turns))
        if not any(counts.values()):
            break
        left = [int(client.llen(keys.queue(name))) for name in names]
        lowest = max(at for at, name in enumerate(names) if counts[name])
        assert not any(left[:lowest]), f"{counts} were taken, {left} are left"
        late = next(coming, None)
        if late is not None:
            line.stock(names[late % len(names)], [next(source) for _ in range(3)])
    line.close()
    assert not any(client.llen(keys.queue(name)) for name in names)


@settings(PATIENT, max_examples=10)
@given(WEIGHTS, st.integers(16, 200), st.integers(1, 8))
def test_a_queue_that_was_empty_gets_its_share_from_when_it_is_filled_and_no_more(
    server: TestServer, client: redis.Redis, weights: dict[str, int], batch: int, fetches: int
) -> None:
    late, *early = sorted(weights)
    line = Line(server, client, weighted(weights))
    for name in early:
        line.stock(name, [8] * 2_500)
    for _ in range(fetches):
        assert line.fetch(batch)[late] == 0
    line.stock(late, [8] * 500)
    total = 400
    served = dict.fromkeys(weights, 0)
    while (taken := sum(served.values())) < total:
        for name, count in line.fetch(min(batch, total - taken)).items():
            served[name] += count
    line.close()
    fair = total * weights[late] / sum(weights.values())
    slack = (-(-batch // 16) + 1) * len(weights)
    assert abs(served[late] - fair) <= slack, (served, weights)

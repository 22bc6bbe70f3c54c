"""Shares of bands on a server: whatever the batches, the sizes of jobs, and what lies beside the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import cycle

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kiq import keys
from kiq.config import Capsule
from kiq.store.fetch import BandWanted
from kiq.work.bands import WEIGHTS, Bands
from kiq.work.queue_order import QueueOrder
from tests.helpers.depot import Depot
from tests.helpers.server import TestServer

#: Between one example and the next the test itself empties the server.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BATCHES = st.lists(st.integers(1, 300), min_size=1, max_size=4)
DRAWS = st.floats(0, 1, exclude_max=True)  # as random() returns them
#: Of so many jobs in a row that are taken from a queue one is of the last band, while all have some.
TURN = round(sum(WEIGHTS.values()) / min(WEIGHTS.values()))
BAND = {"h": "high", "n": "", "l": "low"}


class Line:
    """A depot, and the order in which it serves queues and their bands."""

    def __init__(
        self, server: TestServer, raw: redis.Redis, capsule: Capsule, draw: float = 0.0
    ) -> None:
        raw.flushdb()
        self.depot = Depot(server.url)
        self.order = QueueOrder(capsule)
        self.bands = Bands(capsule.queue_names, lambda: draw)
        sought = self.bands.sought()
        self.bands.seen(sought, [1] * len(sought), 0.0)

    def stock(self, what: str, size: int = 1, queue: str = "a") -> None:
        """Push a job for each letter: h, n or l, of *size* bytes."""
        for letter, band in BAND.items():
            name = keys.band(queue, band) if band else queue
            count = what.count(letter)
            for first in range(0, count, 1_000):
                raws = [letter.encode() * size] * min(1_000, count - first)
                self.depot.push(name, raws)

    def fetch(self, count: int) -> str:
        """Take up to *count* jobs and settle them; return their letters."""
        order, names = self.order, self.order.window()
        known = self.bands.of(names)
        fetched = self.depot.fetch(
            count,
            *names,
            strict=order.strict,
            weights=order.weights(names),
            passes=order.passes(names),
            bands=[
                BandWanted(self.depot.flight(name), names.index(queue) + 1, weight, ahead)
                for name, queue, weight, ahead in known
            ],
        )
        assert fetched.state == "ok"
        assert not fetched.errors
        lists = [*names, *(band.name for band in known)]
        counts = dict(zip(lists, fetched.counts, strict=True))
        self.bands.took(counts, dict(zip(lists, fetched.dry, strict=True)))
        sums = [sum(counts[each] for each in self.bands.names_of(name)) for name in names]
        order.took(names, sums, fetched.empty)
        if fetched.jobs:
            self.depot.done(fetched.jobs)
        return "".join(chr(job.raw[0]) for job in fetched.jobs)

    def close(self) -> None:
        self.depot.link.close()


@pytest.fixture
def client(server: TestServer) -> Iterator[redis.Redis]:
    """A plain client, for what a depot has no word for."""
    plain = server.client()
    yield plain
    plain.close()


def one_queue(mode: str = "weighted") -> Capsule:
    return Capsule(queues=(("a", 1),), mode=mode)  # type: ignore[arg-type]


@settings(PATIENT, max_examples=6)
@given(BATCHES, DRAWS, st.sampled_from(["weighted", "strict"]), st.integers(1, 2_000))
@example([15], 2.220446049250313e-16, "weighted", 1)
@example([1], 0.0, "weighted", 1)
@example([300], 0.999, "weighted", 2_000)
def test_the_last_band_gets_one_job_of_each_turn_and_the_others_their_shares(
    server: TestServer,
    client: redis.Redis,
    batches: list[int],
    draw: float,
    mode: str,
    size: int,
) -> None:
    line = Line(server, client, one_queue(mode), draw)
    turns = 4
    line.stock("h" * turns * TURN + "n" * turns * 12 + "l" * turns * 2, size)
    taken, sizes = "", cycle(batches)
    while len(taken) < turns * TURN - 100:
        taken += (more := line.fetch(min(next(sizes), turns * TURN - len(taken))))
        assert more
    line.close()
    gaps = [len(part) for part in taken.split("l")]
    # Where a turn ends within a batch depends on the first draw, which may be as small as a draw can be.
    assert max(gaps) <= TURN + 1, gaps
    gaps = [len(part.replace("l", "")) for part in taken.split("n")]
    assert max(gaps) <= 11, gaps
    counts = Counter(taken)
    assert counts["h"] >= 9 * counts["n"]
    assert counts["n"] >= 8 * counts["l"]


@settings(PATIENT, max_examples=8)
@given(st.text("hnl", min_size=1, max_size=60), BATCHES, DRAWS)
def test_nothing_is_left_and_each_band_keeps_its_order(
    server: TestServer, client: redis.Redis, what: str, batches: list[int], draw: float
) -> None:
    line = Line(server, client, one_queue(), draw)
    line.stock(what)
    taken, sizes = "", cycle(batches)
    while more := line.fetch(next(sizes)):
        taken += more
    line.close()
    assert sorted(taken) == sorted(what)
    assert not client.keys("kiq:inflight:*")
    first = next(letter for letter in "hnl" if letter in what)
    assert taken[0] == first


@settings(PATIENT, max_examples=8)
@given(st.lists(st.sampled_from(["h", "n", "l"]), min_size=5, max_size=60), DRAWS)
def test_a_job_of_a_higher_band_waits_for_one_of_a_lower_at_most(
    server: TestServer, client: redis.Redis, arrivals: list[str], draw: float
) -> None:
    line = Line(server, client, one_queue(), draw)
    line.stock("n" * 200 + "l" * 100)
    for letter in arrivals:
        line.fetch(1)
        if letter != "h":
            continue
        line.stock("h")
        taken = line.fetch(1) + line.fetch(1)
        assert "h" in taken
    line.close()


@settings(PATIENT, max_examples=8)
@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 10), min_size=2),
    BATCHES,
    st.dictionaries(
        st.sampled_from("abc"), st.sampled_from(["h", "l", "hl", "hnl", "n"]), min_size=1
    ),
)
def test_weights_between_queues_hold_whatever_bands_they_have(
    server: TestServer,
    client: redis.Redis,
    weights: dict[str, int],
    batches: list[int],
    bands: dict[str, str],
) -> None:
    line = Line(server, client, Capsule(queues=tuple(weights.items()), mode="weighted"))
    total = 400
    for name in weights:
        letters = bands.get(name, "n")
        line.stock(letters * (total // len(letters) + 1), queue=name)
    before = {name: int(line.order.taken[name]) for name in weights}
    served, sizes = 0, cycle(batches)
    while served < total:
        taken = line.fetch(min(next(sizes), total - served))
        assert taken
        served += len(taken)
    line.close()
    quantum = -(-max(batches) // 16)
    for name, weight in weights.items():
        fair = total * weight / sum(weights.values())
        got = line.order.taken[name] - before[name]
        assert abs(got - fair) <= (quantum + 1) * len(weights), (line.order.taken, weights)


def test_a_band_that_had_nothing_has_no_credit(server: TestServer, client: redis.Redis) -> None:
    line = Line(server, client, one_queue())
    line.stock("n" * 500)
    for _ in range(20):
        assert set(line.fetch(20)) == {"n"}
    line.stock("l" * 50 + "h" * 50)
    taken = line.fetch(40)
    line.close()
    assert taken.count("l") == 0  # it waits for its share, as if it had been there
    assert taken.count("h") >= 34

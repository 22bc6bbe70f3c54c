"""Paused queues: nobody fetches from them, everything else goes on, and unpausing wakes at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import keys
from kiq.api import Queue, RetrySet, Stats
from kiq.config import Capsule
from kiq.errors import StoreError
from kiq.verdict import ToQueue
from kiq.work.queue_order import QueueOrder
from tests.helpers.depot import Depot, numbered, open_link, waiting
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site


@pytest.fixture
def depot(redis_url: str, kiq_client: kiq.Client) -> Depot:
    """An owner that fetches, on the server that ``kiq.api`` talks to."""
    return Depot(redis_url)


def test_pause_and_unpause_say_whether_they_changed_anything(depot: Depot) -> None:
    queue = Queue("a")
    assert not queue.paused
    assert [queue.pause(), queue.pause(), queue.paused] == [True, False, True]
    assert [queue.unpause(), queue.unpause(), queue.paused] == [True, False, False]


@pytest.mark.parametrize("strict", [True, False])
def test_nothing_is_fetched_from_a_paused_queue_and_the_others_go_on(
    depot: Depot, raw: redis.Redis, strict: bool
) -> None:
    for name in ("a", "b", "c"):
        depot.push(name, numbered(10))
    Queue("a").pause()
    fetched = depot.fetch(15, "a", "b", "c", strict=strict)
    counts = Counter(job.flight.queue for job in fetched.jobs)
    assert len(fetched.jobs) == 15
    assert counts["a"] == 0
    assert fetched.empty[0]
    assert counts["b"] == 10 if strict else counts["b"] in (7, 8)
    assert waiting(raw, "a") == numbered(10)
    Queue("a").unpause()
    assert depot.fetch(1, "a", "b", strict=True).jobs[0].flight.queue == "a"


def test_a_queue_that_was_paused_has_no_credit_afterwards(depot: Depot) -> None:
    order = QueueOrder(Capsule(queues=(("a", 1), ("b", 1)), mode="weighted"))
    depot.push("a", numbered(1000))
    depot.push("b", numbered(1000))

    def serve(calls: int) -> Counter[str]:
        counts: Counter[str] = Counter()
        for _ in range(calls):
            names = order.window()
            fetched = depot.fetch(
                20, *names, strict=False, weights=order.weights(names), passes=order.passes(names)
            )
            order.took(names, fetched.counts, fetched.empty)
            counts.update(dict(zip(names, fetched.counts, strict=True)))
        return counts

    Queue("a").pause()
    assert serve(20) == {"a": 0, "b": 400}
    Queue("a").unpause()
    assert serve(10)["a"] == pytest.approx(100, abs=12)


def test_a_push_to_a_paused_queue_wakes_nobody_and_unpausing_wakes_all(
    depot: Depot, redis_url: str, raw: redis.Redis
) -> None:
    ear = open_link(redis_url)
    ear.listen(keys.bell(depot.owner))
    depot.fetch(5, "a", "b")
    Queue("a").pause()
    assert depot.fetch(5, "a", "b", named=True).idle_names_added == 0
    depot.push("a", numbered(3))
    depot.fetch(5, "a", "b", named=True)
    assert not raw.exists(keys.idle("a"))
    assert ear.heard() == 0
    Queue("a").unpause()
    assert int(eventually(ear.heard)) == 1
    assert len(depot.fetch(5, "a", "b").jobs) == 3


def test_a_name_that_another_program_pauses_leaves_the_idle_at_the_next_fetch(
    depot: Depot, raw: redis.Redis
) -> None:
    depot.fetch(5, "a")
    raw.sadd("paused", "a")
    assert raw.exists(keys.idle("a"))
    depot.fetch(5, "a", named=True)
    assert not raw.exists(keys.idle("a"))


def test_what_comes_back_to_a_paused_queue_waits_there(depot: Depot, raw: redis.Redis) -> None:
    depot.push("a", numbered(4))
    first, second, third, fourth = depot.take(4)
    queue = Queue("a")
    queue.pause()
    depot.hand_back([first])
    assert depot.move(second, ToQueue(last=True)) == [1, 0]
    depot.die()
    assert sorted(waiting(raw)) == numbered(4)
    raw.zadd("retry", {b'{"class":"X","args":[],"queue":"a"}': 1})
    assert RetrySet().retry_all() == 1
    assert queue.size == 5
    assert {third.raw, fourth.raw} <= set(waiting(raw))


def test_clearing_keeps_the_pause_and_every_list_shows_it(depot: Depot) -> None:
    depot.push("a", numbered(2))
    depot.push("b", numbered(1))
    Queue("a").pause()
    Queue("unknown").pause()
    assert Queue("a").clear() == 2
    assert [(each.name, each.paused) for each in Queue.all()] == [
        ("a", True),
        ("b", False),
        ("unknown", True),
    ]
    summaries = [(each.name, each.size, each.paused) for each in Stats().queue_summaries()]
    assert summaries == [("b", 1, False), ("a", 0, True), ("unknown", 0, True)]
    assert Stats().queues() == {"b": 1}
    depot.push("a", numbered(1))
    assert depot.take(5, "a", "b")[0].flight.queue == "b"


def test_a_key_of_another_type_pauses_nothing_and_says_so_to_who_pauses(
    depot: Depot, raw: redis.Redis
) -> None:
    raw.set("paused", "a")
    depot.push("a", numbered(1))
    with pytest.raises(StoreError, match="WRONGTYPE"):
        Queue("a").pause()
    assert len(depot.take(1)) == 1
    assert [each.name for each in Queue.all()] == ["a"]
    assert [each.paused for each in Stats().queue_summaries()] == [False]


def test_a_full_redis_takes_a_pause(depot: Depot, raw: redis.Redis) -> None:
    depot.push("a", numbered(2))
    raw.config_set("maxmemory", 1)
    try:
        assert Queue("a").pause()
        assert depot.take(1) == []
        assert Queue("a").unpause()
    finally:
        raw.config_set("maxmemory", 0)


def test_a_hundred_queues_one_of_them_paused(depot: Depot) -> None:
    names = [f"q{n}" for n in range(100)]
    for name in names:
        depot.push(name, numbered(1))
    Queue("q50").pause()
    assert Counter(job.flight.queue for job in depot.take(200, *names)) == dict.fromkeys(
        (name for name in names if name != "q50"), 1
    )


# A worker process


@pytest.fixture
def site(server: TestServer, tmp_path: Path) -> Iterator[Site]:
    alone = Site(server, tmp_path)
    yield alone
    alone.close()


def calls(store: redis.Redis) -> int:
    """How many fetches and other scripts the server has run so far."""
    found: Any = store.info("commandstats")
    return int(found.get("cmdstat_evalsha", {}).get("calls", 0))


def test_a_worker_whose_queues_are_all_paused_is_quiet_and_begins_at_once_when_unpaused(
    site: Site,
) -> None:
    queue = Queue("default", site.client)
    queue.pause()
    site.push("Note", "first")
    worker = site.start("-c", "2")
    site.push("Note", "second")
    before, began = calls(site.store), time.monotonic()
    eventually(lambda: time.monotonic() - began > 1.5, 5)
    for number in range(50):
        site.push("Note", f"more {number}")
    spent = calls(site.store) - before - 50
    # Ten looks a second, and what poller, reclaimer and heartbeat say; other sites share the server.
    assert spent < 150
    assert site.notes == []
    assert queue.unpause()
    site.noted("first", "second", "more 49")
    assert worker.stop() == 0


def test_after_a_pause_nothing_more_starts_than_was_taken_before(site: Site) -> None:
    worker = site.start("-c", "2")
    queue = Queue("default", site.client)
    for number in range(20):
        site.push("Hold", f"h{number}")
    eventually(lambda: len(site.notes) >= 2)
    assert queue.pause()
    left = queue.size
    assert left >= 16  # two run, and as many again may be in the buffer for a moment
    for number in range(20):
        site.release(f"h{number}")
    eventually(lambda: sum(note.startswith("end") for note in site.notes) >= 2)
    assert worker.stop() == 0
    assert queue.size >= left
    assert len(site.notes) == 2 * (20 - queue.size)

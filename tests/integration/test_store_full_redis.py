"""A full Redis: pushes are refused whole, and every script of a worker goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from kiq import keys
from kiq.errors import StoreFull
from kiq.store import elections, owners, processes
from kiq.store.enqueue import schedule_command
from kiq.verdict import Done, ToDead, ToQueue, ToRetry, ToSchedule, Verdict
from tests.helpers.depot import NOW, Depot, in_flight, numbered, open_link, waiting


@contextmanager
def full(raw: redis.Redis) -> Iterator[None]:
    """Let the server hold more than it may, as one that has been filled does."""
    raw.set("ballast", b"x" * 1_000_000)
    raw.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            raw.set("more", "x")
        yield
    finally:
        raw.config_set("maxmemory", 0)


def test_a_push_is_refused_with_nothing_written(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("old", numbered(1))
    before = sorted(raw.keys())
    with full(raw):
        for queue in ("old", "new"):
            with pytest.raises(StoreFull, match="maxmemory"):
                depot.push(queue, numbered(5000))
        with pytest.raises(StoreFull, match="maxmemory"):
            depot.link.call(schedule_command([(NOW, b"later")]))
    assert sorted(raw.keys()) == [*sorted([*before, b"ballast"])]
    assert waiting(raw, "old") == numbered(1)


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_worker_starts_works_and_leaves(
    redis_url: str, raw: redis.Redis, forgotten: bool
) -> None:
    pusher = Depot(redis_url, "pusher")
    pusher.push("a", numbered(20))
    with full(raw):
        if forgotten:
            raw.script_flush()
        depot = Depot(redis_url)  # registers
        name = processes.store_id(depot.link)
        assert len(name) == 32
        assert processes.store_id(depot.link) == name
        assert owners.beat(depot.link, [depot.owner]) == {depot.owner: True}
        assert elections.elect(depot.link, keys.POLLER, depot.owner, 5, 10)[0]
        assert elections.elect(depot.link, keys.RECLAIMER, "without a record", 5, 10)[0]
        owners.extend_sources(depot.link, depot.owner, ["queue:a", "queue:b"])
        jobs = depot.take(12)
        assert [job.raw for job in jobs] == numbered(12)
        moves: list[Verdict] = [
            ToRetry(b"r", NOW),
            ToSchedule(b"s", NOW),
            ToDead(b"d", NOW, "why"),
            ToQueue(),
            Done(),
        ]
        for job, verdict in zip(jobs, moves, strict=False):
            assert depot.move(job, verdict) == [1, 0]
        assert depot.done(jobs[5:8]) == [3]
        assert depot.hand_back(jobs[8:10]) == [b"ok", 2, b""]
        depot.mark(jobs[10:])
        assert raw.hlen(keys.MARKERS) == 2
        found = depot.contents()
        assert found is not None
        left = depot.die(crashed=True)
        assert (left.moved, left.suspects, left.complete) == (2, 2, True)
        elections.resign(depot.link, keys.POLLER, depot.owner)
    assert sorted(waiting(raw)) == sorted(
        [jobs[3].raw, jobs[8].raw, jobs[9].raw, jobs[10].raw, jobs[11].raw, *numbered(8, 12)]
    )
    assert raw.zrange(keys.DEAD, 0, -1) == [b"d"]
    assert raw.get(keys.STAT_PROCESSED) == b"7"


def test_an_idle_worker_still_asks_to_be_rung(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    with full(raw):
        fetched = depot.fetch(5)
    assert (fetched.state, fetched.idle_names_added) == ("ok", 1)


def test_a_new_epoch_begins_by_a_fetch_too(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    with full(raw):
        depot.epoch = 9
        assert len(depot.take(1)) == 1
        depot.epoch = 8
        assert depot.fetch(1).state == "stale"


def test_due_jobs_are_promoted(redis_url: str, raw: redis.Redis) -> None:
    poller = Depot(redis_url, "poller", keys.RETRY)
    raw.zadd(keys.RETRY, {job: time.time() - 10 + n for n, job in enumerate(numbered(3))})
    with full(raw):
        assert poller.claim(keys.RETRY).raws == numbered(3)
        assert poller.commit(keys.RETRY, ("1.1", "a", b"x"), ("1.2", "b", b"y")) == (2, [])
        assert poller.die(crashed=False).moved == 1
    assert waiting(raw, "a") == [b"x"]
    assert waiting(raw, "b") == [b"y"]
    assert raw.zrange(keys.RETRY, 0, -1) == [b"job-2"]


def test_a_dead_owner_is_reclaimed(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2500))
    for _ in range(3):
        depot.take(800)
    with full(raw):
        assert depot.die(open_link(redis_url)).complete
    assert waiting(raw) == numbered(2500)
    assert in_flight(raw, depot) == []


def test_what_a_fetch_pops_over_its_budget_goes_back(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    large = [b"%02d" % n + b"x" * 400_000 for n in range(10)]
    depot.push("a", large)
    with full(raw):
        assert [job.raw for job in depot.take(10)] == large[:3]
    assert waiting(raw) == large[3:]

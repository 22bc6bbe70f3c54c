"""Fetching while a key has the wrong type, or the server takes no writes: nothing moves by halves."""

from __future__ import annotations

import pytest
import redis

from kiq import keys
from kiq.errors import StoreError
from kiq.store.held import read_jobs
from tests.helpers.depot import Depot, in_flight, numbered, waiting


@pytest.mark.parametrize("strict", [True, False])
def test_a_queue_of_the_wrong_type_is_reported_and_the_others_go_on(
    redis_url: str, raw: redis.Redis, strict: bool
) -> None:
    depot = Depot(redis_url)
    raw.set("queue:a", "text")
    depot.push("b", numbered(3))
    fetched = depot.fetch(10, "a", "b", strict=strict)
    assert fetched.counts == [0, 3]
    assert [source for source, _ in fetched.errors] == ["queue:a"]
    assert raw.get("queue:a") == b"text"


@pytest.mark.parametrize("strict", [True, False])
def test_a_hash_of_the_wrong_type_leaves_its_queue_as_it_was(
    redis_url: str, raw: redis.Redis, strict: bool
) -> None:
    depot = Depot(redis_url)
    # Large ones: what was put back must not eat the bytes of the other queues.
    large = [b"1" * 2_000_000, b"2" * 2_000_000]
    depot.push("a", large)
    depot.push("b", numbered(20))
    raw.set(depot.flight("a").key, "text")
    fetched = depot.fetch(10, "a", "b", strict=strict)
    assert fetched.counts == [0, 10]
    assert [source for source, _ in fetched.errors] == ["queue:a"]
    assert fetched.held == [-1, 10]
    assert waiting(raw) == large


def test_suspects_of_the_wrong_type_strand_nothing(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(3))
    raw.set(keys.SUSPECTS, "text")
    jobs = depot.take(10)
    assert len(jobs) == 3
    read = read_jobs(depot.link, depot.flight("a"), [job.delivery for job in jobs], 0.0)
    assert [job.raw for job in read] == numbered(3)


def test_garbled_suspects_strand_nothing(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"x"])
    raw.hset(keys.SUSPECTS, "11f6ad8ec52a2984abaafd7c3b516503785c2072", "what:ever")
    assert [job.suspicion for job in depot.take(10)] == [0]


def test_idle_owners_of_the_wrong_type_do_no_harm(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    raw.set(keys.idle("a"), "text")
    assert depot.fetch(1).idle_names_added == 0
    depot.push("a", numbered(2))
    assert [job.raw for job in depot.fetch(5, named=True).jobs] == numbered(2)


def test_a_record_of_the_wrong_type_refuses_the_fetch_with_nothing_taken(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    raw.delete(keys.record(depot.owner))
    raw.set(keys.record(depot.owner), "text")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        depot.fetch(5)
    assert waiting(raw) == numbered(2)


def test_a_server_without_enough_replicas_keeps_everything_in_place(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    (job,) = depot.take(1)
    raw.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreError, match="NOREPLICAS"):
            depot.fetch(5)
        with pytest.raises(StoreError, match="NOREPLICAS"):
            depot.hand_back([job])
        with pytest.raises(StoreError, match="NOREPLICAS"):
            depot.die()
        with pytest.raises(StoreError, match="NOREPLICAS"):
            depot.done([job])
    finally:
        raw.config_set("min-replicas-to-write", 0)
    assert waiting(raw) == numbered(1, 1)
    assert in_flight(raw, depot) == numbered(1)
    assert depot.done([job]) == [1]

"""kiq.api on all of a set at once, the limits of the dead set, and who is woken."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

import kiq
from kiq.api import DeadSet, RetrySet, ScheduledSet
from kiq.errors import ConfigError

DUE = 4_000_000_000


def fill(raw: redis.Redis, key: str, count: int, queues: int = 1) -> list[bytes]:
    """Put *count* jobs into *key*, each later than the one before, and return them."""
    raws = [
        json.dumps({"class": "X", "args": [n], "jid": f"j{n}", "queue": f"q{n % queues}"}).encode()
        for n in range(count)
    ]
    raw.zadd(key, {each: DUE + n for n, each in enumerate(raws)})
    return raws


def test_retry_all_moves_all_in_order_and_tells_how_far_it_is(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    raws = fill(raw, "retry", 250, queues=2)
    raw.zadd("retry", {b"junk": 1})
    told: list[tuple[int, int]] = []
    assert RetrySet().retry_all(progress=lambda *how_far: told.append(how_far)) == 250
    assert told == [(100, 251), (200, 251), (251, 251)]
    assert raw.lrange("queue:q0", 0, -1)[::-1] == raws[::2]
    assert raw.lrange("queue:q1", 0, -1)[::-1] == raws[1::2]
    assert raw.smembers("queues") == {b"q0", b"q1"}
    assert raw.zrange("retry", 0, -1) == [b"junk"]


def later(number: int) -> bytes:
    return b'{"class":"X","args":[%d],"queue":"q0"}' % number


def test_retry_all_leaves_what_fails_again_meanwhile(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    fill(raw, "retry", 150)

    def fail_again(done: int, total: int) -> None:
        raw.zadd("retry", {later(done): DUE + 10_000})

    assert RetrySet().retry_all(progress=fail_again) == 150
    assert raw.zrange("retry", 0, -1) == [later(100), later(150)]


def test_a_queue_that_refuses_keeps_its_jobs_in_the_set(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    raws = fill(raw, "dead", 10, queues=2)
    raw.set("queue:q0", "of the wrong type")
    acted = DeadSet().retry_all()
    assert acted == 5
    ((why, count),) = acted.left.items()
    assert count == 5
    assert why.startswith("q0 takes none: ")
    assert "WRONGTYPE" in why
    assert raw.zrange("dead", 0, -1) == raws[::2]
    assert raw.lrange("queue:q1", 0, -1)[::-1] == raws[1::2]


def test_kill_all_moves_all_with_the_very_bytes(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    raws = [*fill(raw, "schedule", 250), b"junk"]
    raw.zadd("schedule", {b"junk": 1})
    assert ScheduledSet().kill_all() == 251
    assert raw.exists("schedule") == 0
    assert sorted(raw.zrange("dead", 0, -1)) == sorted(raws)
    with pytest.raises(ConfigError, match="dead already"):
        DeadSet().kill_all()


def test_a_kill_trims_the_dead_set_by_count_and_by_age(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    now = time.time()
    raw.zadd("dead", {"old": now - 100, "second": now - 50, "third": now - 40})
    raw.zadd("retry", {"a": DUE, "b": DUE})
    jobs = RetrySet(dead_timeout=80)
    assert next(iter(jobs)).kill()
    assert raw.zrange("dead", 0, -1) == [b"second", b"third", b"b"]
    assert next(iter(RetrySet(dead_max_jobs=2))).kill()
    assert len(raw.zrange("dead", 0, -1)) == 2
    assert b"a" in raw.zrange("dead", 0, -1)


@pytest.mark.parametrize("kind", [ScheduledSet, RetrySet, DeadSet])
def test_clear_deletes_all_of_the_one_set(
    raw: redis.Redis, kiq_client: kiq.Client, kind: type[ScheduledSet | RetrySet | DeadSet]
) -> None:
    for key in ("schedule", "retry", "dead"):
        fill(raw, key, 3)
    raw.hset("kiq:dead-reason", "x", "why")
    assert kind().clear() == 3
    assert kind().clear() == 0
    left = {b"schedule", b"retry", b"dead"} - {kind.key.encode()}
    assert set(raw.keys("*e*")) - {b"kiq:dead-reason"} == left
    assert raw.exists("kiq:dead-reason") == (kind is not DeadSet)


def test_a_job_that_enters_a_queue_wakes_who_waits_there(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    fill(raw, "retry", 1)
    raw.sadd("kiq:idle:q0", "owner")
    made: Any = raw
    listening = made.pubsub(ignore_subscribe_messages=True)
    listening.subscribe("kiq:bell:owner", "kiq:bell:poller")
    listening.get_message(timeout=5)
    listening.get_message(timeout=5)
    assert next(iter(RetrySet())).retry()
    heard = listening.get_message(timeout=5)
    assert heard
    assert heard["channel"] == b"kiq:bell:owner"
    fill(raw, "retry", 2)
    (latest, _) = RetrySet()
    assert latest.reschedule(2_000_000_000)
    heard = listening.get_message(timeout=5)
    assert heard
    assert heard["channel"] == b"kiq:bell:poller"
    listening.close()


def test_of_two_that_want_the_same_entries_each_gets_some_and_none_runs_twice(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    raws = fill(raw, "retry", 400)
    first, second = (list(RetrySet()) for _ in range(2))
    with ThreadPoolExecutor(2) as threads:
        retried = threads.submit(lambda: [entry.retry() for entry in first])
        killed = threads.submit(lambda: [entry.kill() for entry in reversed(second)])
        moved = sum(retried.result()) + sum(killed.result())
    assert moved == 400
    there = [*raw.lrange("queue:q0", 0, -1), *raw.zrange("dead", 0, -1)]
    assert sorted(there) == sorted(raws)

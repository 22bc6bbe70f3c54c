"""What one process reads of the fleet for Prometheus: by Redis's clock, and nothing that is not known."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

pytestmark = pytest.mark.needs("prometheus_client")

from kiq.api import connection  # noqa: E402
from kiq.contrib.prometheus_client.depths import OTHERS, Depths  # noqa: E402
from kiq.errors import StoreUnavailable  # noqa: E402
from tests.helpers.server import TestServer  # noqa: E402


def job(jid: str, **fields: Any) -> str:
    return json.dumps({"class": "A", "args": [], "jid": jid, **fields})


def now(raw: redis.Redis) -> float:
    seconds, micro = raw.time()  # type: ignore[misc]
    return float(seconds + micro / 1e6)


def test_an_empty_database_has_noughts(redis_url: str) -> None:
    found = Depths(connection(redis_url)).read()
    noughts = ("scheduled", "retry", "dead", "processed", "failed", "in_flight", "processes")
    assert {name: found[name] for name in noughts} == dict.fromkeys(noughts, 0)
    assert found["queues"] == {}
    assert found["overdue"] == 0


def test_waits_count_from_the_entry_into_the_queue_by_the_clock_of_redis(
    raw: redis.Redis, redis_url: str
) -> None:
    for name in ("old", "new", "ahead", "empty", "odd"):
        raw.sadd("queues", name)
    at = now(raw)
    raw.lpush("queue:old", job("1", created_at=at - 9000, enqueued_at=at - 100), job("2"))
    raw.lpush("queue:new", job("3", created_at=at - 36_000, enqueued_at=at - 1))
    raw.lpush("queue:ahead", job("4", enqueued_at=at + 500))
    raw.lpush("queue:odd", b"\xc1 no job")
    raw.sadd("paused", "empty")
    raw.zadd("schedule", {job("5"): at - 30, job("6"): at + 1000})
    found = Depths(connection(redis_url)).read()
    queues = found["queues"]
    assert 100 <= queues["old"][1] < 160
    assert 1 <= queues["new"][1] < 60, "not since it was made: it was scheduled for long"
    assert queues["ahead"] == (1, 0.0, 0)
    assert queues["odd"] == (1, 0.0, 0)
    assert queues["empty"] == (0, 0.0, 1)
    assert next(iter(queues)) == "old", "the longest first"
    assert 30 <= found["overdue"] < 90
    assert found["scheduled"] == 2


def test_arrivals_are_what_has_ended_and_is_there_and_what_is_deleted_counts_for_nothing(
    raw: redis.Redis, redis_url: str
) -> None:
    depths = Depths(connection(redis_url))
    raw.sadd("queues", "default")
    raw.lpush("queue:default", *(job(str(n)) for n in range(10)))
    assert depths.read()["arrived"] == 0, "they were there before"
    raw.lpush("queue:default", *(job(str(n)) for n in range(5)))
    assert depths.read()["arrived"] == 5
    raw.rpop("queue:default", 3)
    raw.incrby("stat:processed", 3)
    assert depths.read()["arrived"] == 5
    raw.delete("queue:default")
    assert depths.read()["arrived"] == 5
    raw.lpush("queue:default", job("1"))
    assert depths.read()["arrived"] == 6


def test_queues_beyond_a_thousand_are_one(raw: redis.Redis, redis_url: str) -> None:
    for number in range(1_003):
        raw.sadd("queues", f"q{number:04}")
    raw.lpush("queue:q0500", job("1"))
    queues = Depths(connection(redis_url)).read()["queues"]
    assert len(queues) == 1_001
    assert queues[OTHERS][0] == 0
    assert queues["q0500"][0] == 1


def test_what_is_of_another_type_is_left_out_and_the_rest_is_told(
    raw: redis.Redis, redis_url: str
) -> None:
    raw.set("dead", "no set")
    raw.set("queue:odd", "no list")
    raw.sadd("queues", "odd", "default")
    found = Depths(connection(redis_url)).read()
    assert "dead" not in found
    assert list(found["queues"]) == ["default"]


def test_while_redis_is_away_nothing_is_told(private_server: Callable[..., TestServer]) -> None:
    server = private_server()
    depths = Depths(connection(server.url))
    depths.read()
    server.kill()
    with pytest.raises(StoreUnavailable):
        depths.read()

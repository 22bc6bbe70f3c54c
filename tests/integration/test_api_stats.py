"""kiq.api.Stats on a real server."""

from __future__ import annotations

import datetime
import json
import time

import pytest
import redis

import kiq
from kiq.api import Stats
from kiq.errors import ConfigError
from tests.helpers.counting_proxy import CountingProxy
from tests.helpers.server import TestServer


def test_an_empty_database_is_all_zeros(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    stats = Stats()
    assert (stats.processed, stats.failed, stats.enqueued) == (0, 0, 0)
    assert (stats.scheduled_size, stats.retry_size, stats.dead_size) == (0, 0, 0)
    assert (stats.processes_size, stats.workers_size) == (0, 0)
    assert (stats.default_queue_latency, stats.queues(), stats.queue_summaries()) == (0.0, {}, [])


def test_every_number_is_read_in_one_round_trip(
    raw: redis.Redis, server: TestServer, kiq_client: kiq.Client
) -> None:
    raw.mset({"stat:processed": 50, "stat:failed": 4})
    raw.zadd("schedule", {"a": 1})
    raw.zadd("retry", {"a": 1, "b": 2})
    raw.zadd("dead", {"a": 1, "b": 2, "c": 3})
    raw.sadd("queues", "default", "long", "empty")
    old = {"class": "X", "args": [], "enqueued_at": int((time.time() - 60) * 1000)}
    raw.lpush("queue:default", json.dumps(old))
    raw.lpush("queue:long", "x", "y", "z")
    with CountingProxy(server.port) as proxy:
        kiq.configure(redis=proxy.url)
        Stats()
        before = proxy.round_trips
        stats = Stats()
        assert proxy.round_trips - before == 1
        shown = (stats.processed, stats.failed, stats.enqueued)
        sizes = (stats.scheduled_size, stats.retry_size, stats.dead_size)
        assert proxy.round_trips - before == 1
    assert shown == (50, 4, 4)
    assert sizes == (1, 2, 3)
    assert list(stats.queues().items()) == [("long", 3), ("default", 1), ("empty", 0)]
    assert 59 < stats.default_queue_latency < 90


def test_processes_and_what_they_run_are_counted_when_they_are_asked_for(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    raw.sadd("processes", "p1", "p2", "dead")
    raw.hset("p1", mapping={"info": "{}", "busy": 3, "concurrency": 5})
    raw.hset("p2", mapping={"info": "{}", "busy": "many"})
    stats = Stats()
    assert (stats.processes_size, stats.workers_size, stats.threads) == (2, 3, 5)


def test_keys_of_the_wrong_type_and_bytes_that_are_no_job_do_not_hide_the_rest(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    raw.set("retry", "x")
    raw.set("stat:failed", "many")
    raw.lpush("stat:processed", "x")
    raw.sadd("queues", "default", "odd")
    raw.set("queue:odd", "x")
    raw.lpush("queue:default", b"no job")
    raw.zadd("dead", {"a": 1})
    stats = Stats()
    assert (stats.processed, stats.failed, stats.retry_size, stats.dead_size) == (0, 0, 0, 1)
    assert (stats.queues(), stats.default_queue_latency) == ({"default": 1, "odd": 0}, 0.0)


def test_the_history_is_newest_first_with_zeros_in_the_gaps(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    raw.mset({"stat:processed:2026-03-01": 7, "stat:processed:2026-02-27": 5})
    raw.set("stat:failed:2026-02-28", 2)
    history = Stats().history(3, datetime.date(2026, 3, 1))
    days = [datetime.date(2026, 3, 1), datetime.date(2026, 2, 28), datetime.date(2026, 2, 27)]
    assert list(history.processed.items()) == list(zip(days, (7, 0, 5), strict=True))
    assert list(history.failed.items()) == list(zip(days, (0, 2, 0), strict=True))
    assert len(Stats().history(1825).failed) == 1825


@pytest.mark.parametrize("days", [0, 1826, -1, True, 2.5])
def test_a_history_of_an_impossible_length_is_refused(
    raw: redis.Redis, kiq_client: kiq.Client, days: int
) -> None:
    with pytest.raises(ConfigError, match="from 1 to 1825"):
        Stats().history(days)

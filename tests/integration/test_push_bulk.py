"""Bulk pushes on a real server: cost, order, and queues that are broken."""

from __future__ import annotations

from typing import Any

import pytest
import redis

import kiq
from kiq.errors import BulkPushError, StoreError
from tests.helpers.counting_proxy import CountingProxy
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue, scheduled

FAR = 4_000_000_000.0


class Row(kiq.Job, name="push_bulk.Row"):
    def perform(self, number: int) -> None: ...


@pytest.mark.parametrize(
    ("count", "options", "trips"),
    [
        (1000, {}, 1),
        (1001, {}, 2),
        (100, {"at": FAR}, 1),
        (101, {"at": FAR}, 2),
        (1000, {"at": FAR, "batch_size": 1000}, 1),
        (30, {"batch_size": 10}, 3),
        (0, {}, 0),
    ],
)
def test_a_slice_is_one_round_trip(
    raw: redis.Redis,
    kiq_client: kiq.Client,
    server: TestServer,
    count: int,
    options: dict[str, Any],
    trips: int,
) -> None:
    with CountingProxy(server.port) as proxy:
        kiq.configure(redis=proxy.url)
        Row.perform_async(0)
        before = proxy.round_trips
        assert len(Row.perform_bulk([(n,) for n in range(count)], **options)) == count
        assert proxy.round_trips - before == trips


def test_a_bulk_for_one_queue_is_one_command_and_adds_the_queue(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    Row.perform_async(0)
    raw.flushdb()
    raw.config_resetstat()
    Row.perform_bulk([(n,) for n in range(1000)])
    stats: Any = raw.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] == 1
    assert raw.smembers("queues") == {b"default"}


@pytest.mark.parametrize("count", [3999, 4000, 4001, 9000])
def test_a_slice_longer_than_luas_stack_keeps_its_order(
    raw: redis.Redis, kiq_client: kiq.Client, count: int
) -> None:
    Row.perform_bulk([(n,) for n in range(count)], batch_size=10_000)
    assert [job["args"][0] for job in in_queue(raw)] == list(range(count))
    raw.delete("queue:default")
    Row.perform_bulk([(n,) for n in range(count)], batch_size=10_000, at=FAR)
    assert len(scheduled(raw)) == count


def test_a_mixed_slice_of_several_queues_is_one_round_trip(
    raw: redis.Redis, kiq_client: kiq.Client, server: TestServer
) -> None:
    @kiq.host.around_push
    def shard(context: kiq.ClientContext, call_next: Any) -> Any:
        number = context.payload["args"][0]
        context.payload["queue"] = f"q{number % 3}"
        if number % 2:
            context.payload["at"] = FAR
        return call_next(context)

    with CountingProxy(server.port) as proxy:
        kiq.configure(redis=proxy.url)
        Row.perform_async(0)
        Row.perform_async(1)
        raw.flushdb()
        before = proxy.round_trips
        Row.perform_bulk([(n,) for n in range(12)])
        assert proxy.round_trips - before == 1
    assert [len(in_queue(raw, f"q{n}")) for n in range(3)] == [2, 2, 2]
    assert len(scheduled(raw)) == 6


def test_a_broken_queue_takes_nothing_of_a_bulk(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    raw.set("queue:default", "no list")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        Row.perform_bulk([(n,) for n in range(5000)], batch_size=5000)
    assert raw.get("queue:default") == b"no list"
    assert raw.keys() == [b"queue:default"]


def test_when_one_of_several_queues_is_broken_the_slice_is_called_uncertain(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    @kiq.host.around_push
    def shard(context: kiq.ClientContext, call_next: Any) -> Any:
        context.payload["queue"] = "good" if context.payload["args"][0] % 2 else "bad"
        return call_next(context)

    raw.set("queue:bad", "no list")
    with pytest.raises(BulkPushError, match="WRONGTYPE") as raised:
        Row.perform_bulk([(1,), (2,), (3,), (4,)])
    assert raised.value.jids == []
    assert {job["jid"] for job in in_queue(raw, "good")} < set(raised.value.uncertain)
    assert len(raised.value.uncertain) == 4
    assert raw.smembers("queues") == {b"good"}


def test_a_bulk_that_redis_refuses_half_way_lists_what_was_pushed(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    def jobs() -> Any:
        yield from ((n,) for n in range(4))
        stored = raw.lrange("queue:default", 0, -1)
        raw.rename("queue:default", "aside")
        raw.set("queue:default", "no list")
        assert len(stored) == 4
        yield (4,)

    with pytest.raises(
        BulkPushError, match=r"broke after 4 jobs: StoreError: .*WRONGTYPE"
    ) as raised:
        Row.perform_bulk(jobs(), batch_size=2)
    assert len(raised.value.jids) == 4
    assert raised.value.uncertain == []


def test_a_bulk_whose_server_dies_half_way_calls_the_slice_uncertain(
    private_server: Any, kiq_client: kiq.Client
) -> None:
    server = private_server()
    kiq.configure(redis=server.url)

    def jobs() -> Any:
        yield from ((n,) for n in range(2))
        server.kill()
        yield from ((n,) for n in range(2))

    with pytest.raises(BulkPushError, match="broke after 2 jobs: StoreUnavailable") as raised:
        Row.perform_bulk(jobs(), batch_size=2)
    assert len(raised.value.jids) == 2
    assert len(set(raised.value.uncertain)) == 2
    assert not set(raised.value.uncertain) & set(raised.value.jids)

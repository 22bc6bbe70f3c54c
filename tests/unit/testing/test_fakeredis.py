"""A user's own tests with fakeredis: push, and look at what is in the queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest

import kiq
from kiq.codec import decode


class HardWorker(kiq.Job, name="fake.HardWorker", queue="critical"):
    def perform(self, name: str, count: int) -> None: ...


@pytest.fixture
def redis(unconfigured: None) -> Iterator[fakeredis.FakeRedis]:
    fake = fakeredis.FakeRedis()
    kiq.configure(redis=fake)
    yield fake
    fake.close()


def test_a_push_can_be_looked_at(redis: fakeredis.FakeRedis) -> None:
    jid = HardWorker.perform_async("Bob", 5)
    raw: Any = redis.lindex("queue:critical", -1)
    payload, codec = decode(raw)
    assert (payload["jid"], payload["args"], codec) == (jid, ["Bob", 5], "msgpack")
    assert redis.smembers("queues") == {b"critical"}


def test_each_fake_server_is_its_own(redis: fakeredis.FakeRedis) -> None:
    HardWorker.perform_async("Bob", 5)
    assert fakeredis.FakeRedis().keys() == []


def test_two_clients_of_one_fake_server_share_it(unconfigured: None) -> None:
    server = fakeredis.FakeServer()
    kiq.configure(redis=fakeredis.FakeRedis(server=server, decode_responses=True))
    HardWorker.perform_async("Bob", 5)
    assert fakeredis.FakeRedis(server=server).llen("queue:critical") == 1


def test_scheduled_and_bulk_pushes_work_on_it(redis: fakeredis.FakeRedis) -> None:
    HardWorker.perform_in(60, "Bob", 5)
    HardWorker.perform_bulk([("a", number) for number in range(1500)])
    assert redis.zcard("schedule") == 1
    assert redis.llen("queue:critical") == 1500


def test_a_fake_outage_looks_like_a_real_one(unconfigured: None) -> None:
    server = fakeredis.FakeServer()
    kiq.configure(redis=fakeredis.FakeRedis(server=server))
    server.connected = False
    with pytest.raises(kiq.StoreUnavailable):
        HardWorker.perform_async("Bob", 5)
    server.connected = True
    HardWorker.perform_async("Bob", 5)
    assert fakeredis.FakeRedis(server=server).llen("queue:critical") == 1

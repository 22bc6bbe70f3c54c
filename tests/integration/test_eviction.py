"""What a full Redis evicts by a ``volatile-*`` policy: nothing that a job's fate hangs on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq import keys
from kiq.api import IterationState, connection
from kiq.client import Client
from kiq.config import Redis as RedisSettings
from kiq.plugins.iteration.keeper import RedisKeeper
from kiq.plugins.iteration.keys import ENDS
from tests.helpers.contents import contents
from tests.helpers.depot import Depot
from tests.helpers.server import TestServer

VOLATILE = ("volatile-ttl", "volatile-lru", "volatile-lfu", "volatile-random")


def fill(store: Any, policy: str) -> None:
    """Let Redis evict by *policy* until nothing of ours is left that it may evict."""
    store.set("kiq:canary", 1, px=3_600_000)
    store.config_set("maxmemory-policy", policy)
    store.config_set("maxmemory", store.info("memory")["used_memory"] + (1 << 20))
    for number in itertools.count():
        store.set(f"cache:{number}", b"x" * 50_000, px=3_600_000 + number)
        if number > 100 and not store.exists("kiq:canary"):
            break
    store.config_set("maxmemory", 0)
    for name in store.keys("cache:*"):
        store.delete(name)


def job(jid: str) -> bytes:
    return json.dumps({"class": "X", "args": [], "jid": jid, "queue": "a"}).encode()


@pytest.mark.parametrize("policy", VOLATILE)
def test_what_a_jobs_fate_hangs_on_is_not_evicted(
    private_server: Callable[..., TestServer], policy: str
) -> None:
    server = private_server()
    store: redis.Redis = server.client()
    depot = Depot(server.url, "one")
    depot.push("a", [job("suspect"), job("flies")])
    depot.take(1)
    depot.die(crashed=True)
    depot = Depot(server.url, "two")
    taken = depot.take(2)
    depot.mark(taken[:1])
    kiq.cancel("b" * 24, server.url)
    keeper = RedisKeeper(connection(server.url), "c" * 24, "push")
    keeper.save(IterationState(items=3, cursor=7))
    client = Client(RedisSettings(url=server.url), push_buffer=10)
    client.push({"class": "X", "args": [], "jid": "d" * 24, "queue": "b"})
    ours = {
        *("queues", "queue:b", keys.OWNERS, keys.record("two"), depot.flight("a").key),
        *(keys.SUSPECTS, keys.MARKERS, keys.CANCELLED, keys.PUSHED, ENDS, "it-" + "c" * 24),
    }
    before = {name.decode(): value for name, value in contents(store).items()}
    assert ours <= before.keys()
    fill(store, policy)
    after = {name.decode(): value for name, value in contents(store).items()}
    assert {name: after.get(name) for name in ours} == {name: before[name] for name in ours}

"""A signal through Redis is heard, and heard once, whatever its connection does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from kiq import keys
from kiq.config import Redis as RedisSettings
from kiq.errors import StoreUnavailable
from kiq.store import processes
from kiq.store.connection import Connector, Link
from kiq.store.signals import SentSignals
from tests.helpers.proxy import MOMENTS, PLACES, FaultProxy, Moment, Place
from tests.helpers.server import TestServer

WORKER = "host:1:abc"


@pytest.fixture
def between(server: TestServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def link(between: FaultProxy) -> Iterator[Link]:
    link = Connector(RedisSettings(url=between.url)).open()
    yield link
    link.close()


@pytest.fixture
def store(server: TestServer) -> redis.Redis:
    server.flush()
    return server.client()


def look(signals: SentSignals, link: Link) -> list[str]:
    try:
        return signals.read(link.exchange(signals.commands()))
    except StoreUnavailable:
        link.close()
        raise


@pytest.mark.parametrize("moment", [*MOMENTS, *PLACES])
@pytest.mark.parametrize("earlier", [0, 1, 2])
def test_a_connection_that_breaks_loses_none_and_repeats_none(
    between: FaultProxy, link: Link, store: redis.Redis, moment: Moment | Place, earlier: int
) -> None:
    signals, heard = SentSignals(WORKER), list[str]()
    for name in ("TTIN", "TSTP")[:earlier]:
        store.lpush(keys.signals(WORKER), name)
        heard += look(signals, link)
    store.lpush(keys.signals(WORKER), "TERM")
    look_again = 1
    between.cut_next(moment)
    try:
        heard += look(signals, link)
    except StoreUnavailable:
        look_again = 2
    for _ in range(look_again + 1):
        heard += look(signals, link)
    assert heard == [*("TTIN", "TSTP")[:earlier], "TERM"]
    assert between.cuts == 1


def test_they_are_heard_in_the_order_in_which_they_were_sent(
    link: Link, store: redis.Redis
) -> None:
    signals = SentSignals(WORKER)
    for name in ("TTIN", "TSTP", "TERM", "TERM"):
        store.lpush(keys.signals(WORKER), name)
    assert look(signals, link) == ["TTIN", "TSTP", "TERM"]
    assert look(signals, link) == []


def test_a_key_of_another_type_stands_in_nobodys_way(link: Link, store: redis.Redis) -> None:
    signals = SentSignals(WORKER)
    store.set(keys.signals(WORKER), "a text")
    assert look(signals, link) == []
    store.delete(keys.signals(WORKER))
    store.lpush(keys.signals(WORKER), "TERM")
    assert look(signals, link) == ["TERM"]


def test_a_process_that_leaves_leaves_none_behind(link: Link, store: redis.Redis) -> None:
    signals = SentSignals(WORKER)
    for _ in range(2):
        store.lpush(keys.signals(WORKER), "TTIN")
        look(signals, link)
    store.lpush(keys.signals(WORKER), "TERM")
    processes.hide(link, WORKER)
    assert store.keys("*") == []

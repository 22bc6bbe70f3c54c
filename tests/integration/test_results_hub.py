"""The hub: all who wait share a connection, and what is stored is the truth, whatever notices do."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq.client import Client
from kiq.config import Redis
from kiq.plugins.results import hub, keys
from kiq.plugins.results.record import kept, written
from tests.helpers.namespaced import store_of
from tests.helpers.resulted import wanted
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.usefixtures("who_waits_goes")
MANY = 300
AT_LEAST = 20


def end(store: Any, jid: str, value: Any, *, ring: bool = True) -> None:
    """Write what a worker would."""
    raw, _ = kept(value, "msgpack", 10_000)
    record = b"%.6f||%s" % (time.time(), written({"status": "done", "of": "x"}, raw))
    store.set(keys.result(jid), record, px=60_000)
    if ring:
        store.publish(keys.channel(jid), jid)


def jid_of(number: int) -> str:
    return f"{number:024x}"


class Waiting:
    """Threads that wait for a result each."""

    def __init__(self, numbers: range, client: Any = None, timeout: float = 30.0) -> None:
        self.found: dict[int, Any] = {}
        self._client, self._timeout = client, timeout
        self.threads = [threading.Thread(target=self._wait, args=(each,)) for each in numbers]
        for thread in self.threads:
            thread.start()

    def _wait(self, number: int) -> None:
        try:
            self.found[number] = kiq.result(jid_of(number), self._client).get(self._timeout)
        except kiq.KiqError as error:
            self.found[number] = error

    def join(self) -> dict[int, Any]:
        for thread in self.threads:
            thread.join(40)
            assert not thread.is_alive()
        return self.found


def listening(store: redis.Redis) -> int:
    """Return how many channels of results have somebody who listens."""
    names: Any = store.pubsub_channels()
    return sum(keys.channel("").encode() in name for name in names)


def subscribers(store: redis.Redis) -> int:
    clients: Any = store.client_list()
    return sum(int(each["sub"]) > 0 for each in clients)


def test_a_thousand_waiters_share_one_connection(raw: redis.Redis, kiq_client: Client) -> None:
    before = len(raw.client_list())  # type: ignore[arg-type]
    waiting = Waiting(range(MANY))
    eventually(lambda: listening(raw) == MANY, 20)
    assert subscribers(raw) == 1
    assert len(raw.client_list()) <= before + 3  # type: ignore[arg-type]
    for number in range(MANY):
        end(raw, jid_of(number), number)
    assert waiting.join() == {number: number for number in range(MANY)}


def test_who_only_pushes_has_neither_thread_nor_connection(
    raw: redis.Redis, kiq_client: Client
) -> None:
    for number in range(20):
        wanted().perform_async("returns", number)
    assert listening(raw) == 0
    assert kiq_client.connector not in hub._hubs


def test_when_nobody_waits_any_more_the_connection_goes(
    raw: redis.Redis, kiq_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_IDLE", 0.05)
    with pytest.raises(kiq.ResultTimeout):
        kiq.result(jid_of(1)).get(timeout=0.05)
    eventually(lambda: kiq_client.connector not in hub._hubs)
    eventually(lambda: listening(raw) == 0)
    end(raw, jid_of(1), "later")
    assert kiq.result(jid_of(1)).get(timeout=20) == "later", "and it comes back"


def test_a_notice_that_is_lost_costs_a_second(raw: redis.Redis, kiq_client: Client) -> None:
    waiting = Waiting(range(AT_LEAST))
    eventually(lambda: listening(raw) == AT_LEAST)
    for number in range(AT_LEAST):
        end(raw, jid_of(number), number, ring=False)
    assert waiting.join() == {number: number for number in range(AT_LEAST)}


def test_what_ended_while_redis_cut_the_connection_is_read_after_it(
    raw: redis.Redis, kiq_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_LOOKS_A_SECOND", 1)  # not by luck: the next look is far
    waiting = Waiting(range(60))
    eventually(lambda: listening(raw) == 60, 20)
    clients: Any = raw.client_list()
    (deaf,) = (client["id"] for client in clients if int(client["sub"]))
    with raw.pipeline() as at_once:
        at_once.client_kill_filter(_id=deaf)
        for number in range(60):
            end(at_once, jid_of(number), number)
        at_once.execute()
    assert waiting.join() == {number: number for number in range(60)}


def test_waiters_wait_on_while_redis_is_away(
    private_server: Callable[..., TestServer], unconfigured: None
) -> None:
    server = private_server(aof="always")
    client = Client(Redis(url=server.url))
    store = store_of(server.url)
    waiting = Waiting(range(AT_LEAST), client)
    eventually(lambda: listening(store) == AT_LEAST, 20)
    for number in range(AT_LEAST):
        if number in (5, 12):
            server.kill()
            server.restart()
        eventually(lambda number=number: not end(store, jid_of(number), number))
    assert waiting.join() == {number: number for number in range(AT_LEAST)}
    store.close()


def test_when_redis_hangs_a_waiter_keeps_its_time_and_says_so(
    private_server: Callable[..., TestServer], unconfigured: None
) -> None:
    server = private_server()
    client = Client(Redis(url=server.url, socket_timeout=0.2))
    server.pause()
    began = time.monotonic()
    with pytest.raises(kiq.ResultTimeout, match="Redis did not answer"):
        kiq.result(jid_of(1), client).get(timeout=1.5)
    assert time.monotonic() - began < 10
    server.resume()


def _child(url: str, number: int, answers: Any) -> None:
    try:
        answers.put(kiq.result(jid_of(number), Client(Redis(url=url))).get(timeout=20))
        answers.put(kiq.result(jid_of(number)).get(timeout=20))
    except BaseException as error:
        answers.put(repr(error))
        answers.put(repr(error))
    answers.close()
    answers.join_thread()
    os._exit(0)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_waits_by_itself(
    raw: redis.Redis, kiq_client: Client, redis_url: str
) -> None:
    """It has neither the thread of its parent nor a right to its connection."""
    waiting = Waiting(range(3))
    eventually(lambda: listening(raw) == 3)
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    child = fork.Process(target=_child, args=(redis_url, 7, answers))
    child.start()
    eventually(lambda: listening(raw) == 4, 20)
    end(raw, jid_of(7), "child")
    assert [answers.get(timeout=20) for _ in range(2)] == ["child", "child"]
    child.join(20)
    for number in range(3):
        end(raw, jid_of(number), number)
    assert waiting.join() == {0: 0, 1: 1, 2: 2}


def test_one_that_gives_up_is_forgotten(raw: redis.Redis, kiq_client: Client) -> None:
    waiting = Waiting(range(2), timeout=0.2)
    found = waiting.join()
    assert all(isinstance(each, kiq.ResultTimeout) for each in found.values())
    known = hub._hubs.get(kiq_client.connector)
    assert known is None or known._waiting == {}


def test_two_for_one_jid_are_both_told(raw: redis.Redis, kiq_client: Client) -> None:
    first, second = Waiting(range(1)), Waiting(range(1))
    eventually(lambda: listening(raw) == 1)
    end(raw, jid_of(0), "both")
    assert (first.join(), second.join()) == ({0: "both"}, {0: "both"})


def test_channels_of_the_past_are_left_now_and_then(
    raw: redis.Redis, kiq_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_LEFT", 10)
    last = Waiting(range(999, 1000))
    for number in range(40):
        with pytest.raises(kiq.ResultTimeout):
            kiq.result(jid_of(number)).get(timeout=0.01)
    eventually(lambda: listening(raw) <= 12, 20)
    end(raw, jid_of(999), "last")
    assert last.join() == {999: "last"}

"""Blocks in a limit: anywhere, across processes; and what is left of those that died."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest
import redis

import kiq
from kiq import api, limits
from kiq.client import Client
from kiq.plugins.limits import blocks, holding
from tests.helpers.driven import DrivenWorker
from tests.helpers.limited import inside, noted
from tests.helpers.locked import jids_in
from tests.helpers.waiting import eventually

TWO = limits.concurrent("calls", 2)
SEEN = "concurrent:calls:"


def test_as_many_are_in_as_may_be(kiq_client: Client, raw: redis.Redis) -> None:
    with TWO, TWO:
        assert len(inside(raw, SEEN)) == 2
        with pytest.raises(kiq.RateLimited, match="limit reached: concurrent:calls:"), TWO:
            pass
        with pytest.raises(kiq.RateLimited), TWO.within(wait=0.05):
            pass
        assert not raw.exists(f"kiq:limit-line:{SEEN}"), "who gave up stands in no line"
    assert inside(raw, SEEN) == []
    with TWO:
        pass


def test_who_waits_enters_when_another_has_left(kiq_client: Client, raw: redis.Redis) -> None:
    entered = threading.Event()

    def wait() -> None:
        with TWO.within(wait=20, client=kiq_client):
            entered.set()

    with TWO:
        with TWO:
            thread = threading.Thread(target=wait)
            thread.start()
            eventually(lambda: raw.zcard(f"kiq:limit-line:{SEEN}") == 1, 10)
            assert not entered.is_set()
        assert entered.wait(10)
    thread.join(10)


def test_on_an_event_loop(kiq_client: Client, raw: redis.Redis) -> None:
    async def enter() -> int:
        async with TWO, TWO.within(wait=1):
            return len(inside(raw, SEEN))

    assert asyncio.run(enter()) == 2
    assert inside(raw, SEEN) == []


def test_what_a_block_raises_lets_go(kiq_client: Client, raw: redis.Redis) -> None:
    with pytest.raises(ZeroDivisionError), TWO:
        raise ZeroDivisionError
    assert inside(raw, SEEN) == []


def test_a_slot_is_renewed_and_free_when_its_process_has_died(
    kiq_client: Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LEASE", 1.0)
    monkeypatch.setattr(holding, "LEASE", 1.0)
    monkeypatch.setattr(holding, "_BEAT", 0.1)
    one = limits.concurrent("lone", 1)
    child = os.fork()
    if child == 0:
        with one.within(client=kiq_client):
            signal.pause()
        os._exit(0)
    try:
        eventually(lambda: inside(raw, "concurrent:lone:"), 10)
        with pytest.raises(kiq.RateLimited), one.within(wait=1.5):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with one.within(wait=20):
        pass


def test_a_window_counts_a_block_until_it_has_been_over_for_so_long(kiq_client: Client) -> None:
    two = limits.window("twice", 2, per=0.3)
    with two:
        over = time.monotonic() + 0.4
        eventually(lambda: time.monotonic() > over)
        with two, pytest.raises(kiq.RateLimited), two:
            pass
    with pytest.raises(kiq.RateLimited) as limited, two:
        pass
    assert limited.value.retry_after <= 0.31
    with two.within(wait=5):
        pass


@pytest.mark.parametrize("kind", ["bucket", "leaky", "points"])
def test_other_kinds_let_in_so_many_and_say_when_there_is_room(
    kiq_client: Client, kind: str
) -> None:
    if kind == "bucket":
        three = limits.bucket("three", 3, per=3600)
    elif kind == "leaky":
        three = limits.leaky("three", 3, per=30)
    else:
        three = limits.points("three", 3, refill=0.1)
    for _ in range(3):
        with three:
            pass
    with pytest.raises(kiq.RateLimited) as limited, three:
        pass
    if kind != "bucket":
        assert 8 < limited.value.retry_after <= 10.01
    state = api.LimitSet().get(f"{kind}:three:")
    assert state is not None
    assert state.full
    assert state.used == pytest.approx(3, abs=0.5)


def test_points_are_taken_as_they_were_used(kiq_client: Client) -> None:
    points = limits.points("cost", 100, refill=0.001)
    with points.within(10) as call:
        call.used(60)
    with pytest.raises(kiq.RateLimited), points.within(50):
        pass
    with points.within(30) as call:
        call.used(5)
    state = api.LimitSet().get("points:cost:")
    assert state is not None
    assert state.used == pytest.approx(65, abs=0.5)


class Calls(kiq.Job, name="limits.Calls", queue="out", retry=3):
    """Enters a limit."""

    def perform(self, number: int) -> None:
        """Enter, and note that."""
        with TWO:
            noted.begin(number)
            noted.end()


def test_a_job_that_finds_a_limit_reached_goes_back_uncounted(
    limited_worker: Callable[..., DrivenWorker], raw: redis.Redis
) -> None:
    with TWO, TWO:
        jid = Calls.perform_async(1)
        with limited_worker(1):
            eventually(lambda: jids_in(raw, "schedule") == [jid], 10)
    assert noted.order == []
    assert not raw.exists("retry")
    with limited_worker(1):
        eventually(lambda: noted.order == [1], 20)


def test_a_limit_that_is_closed_lets_nobody_in(kiq_client: Client) -> None:
    api_limit = limits.window("closed", 5, per=1)
    api_limit.close(100)
    with pytest.raises(kiq.RateLimited) as limited, api_limit:
        pass
    assert 95 < limited.value.retry_after <= 101
    found = api.LimitSet()
    assert found.reset("window:closed:")
    with api_limit:
        pass


def test_the_newest_numbers_rule_and_older_ones_come_back(
    kiq_client: Client, raw: redis.Redis
) -> None:
    old, new = limits.concurrent("numbers", 1), limits.concurrent("numbers", 2)
    with old:
        with new, pytest.raises(kiq.RateLimited), new:
            pass
        with old:  # a process that has not been deployed goes by the new ones
            pass
        raw.hset("kiq:limit-terms:concurrent:numbers", "seen", time.time() - 61)
        with pytest.raises(kiq.RateLimited), old:
            pass


def test_a_key_has_to_be_said(kiq_client: Client) -> None:
    keyed = limits.concurrent("keyed", 1, key="account")
    with pytest.raises(kiq.ConfigError, match="it has keys: say which"), keyed:
        pass
    with keyed.within(key=7), keyed.within(key="8"):
        assert {state.key for state in api.LimitSet()} == {"7", "8"}
    with pytest.raises(kiq.ConfigError, match="it has no keys"), TWO.within(key=7):
        pass

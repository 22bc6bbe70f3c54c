"""What is left behind in limits is found: slots of nobody, and jobs that nobody called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

import kiq
from kiq import limits
from kiq.api import verify
from kiq.config import Capsule
from kiq.plugins.limits import sweep
from tests.helpers.driven import DrivenWorker
from tests.helpers.limited import Limited, gate, inside, noted, waiting
from tests.helpers.waiting import eventually

Worker = Callable[..., DrivenWorker]
ONE = limits.concurrent("swept", 1)
IN = "kiq:limit-in:concurrent:swept:"


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "_REST", 0.1)


def test_a_slot_of_nobody_is_freed_and_who_waits_comes(
    limited_worker: Worker, raw: redis.Redis
) -> None:
    raw.zadd(IN, {"host:1:x:default 7.1\nfeedbeef\nout": float("inf")})
    raw.zadd("kiq:limits", {"concurrent:swept:": 1})
    Limited.set(limit=ONE).perform_async(1)
    with limited_worker():
        eventually(lambda: noted.order == [1], 30, message="the sweep found it")


def test_the_living_keep_their_slots(limited_worker: Worker, raw: redis.Redis) -> None:
    jid = Limited.set(limit=ONE).perform_async(1, "a", "waits")
    other = "host:1:x:default 7.1\nfeedbeef\nout"
    with limited_worker():
        eventually(lambda: inside(raw, "concurrent:swept:") == [jid], 10)
        for _ in range(2):  # the sweep looks at all that are there
            raw.zadd(IN, {other: float("inf")})
            eventually(lambda: raw.zscore(IN, other) is None, 10)
        assert inside(raw, "concurrent:swept:") == [jid]
        gate.set()
        eventually(lambda: not inside(raw, "concurrent:swept:"), 10)


def test_who_was_called_by_nobody_is_called(limited_worker: Worker, raw: redis.Redis) -> None:
    jobs = Limited.set(limit=ONE)
    jobs.perform_async(0, "a", "waits")
    with limited_worker(2):
        eventually(lambda: noted.order == [0], 10)
        second = jobs.perform_async(1)
        eventually(lambda: waiting(raw, "concurrent:swept:") == [second], 10)
        raw.delete(IN)  # as if the process that had it had not the plugin
        eventually(lambda: noted.order == [0, 1], 30)
        gate.set()


def test_verify_finds_and_mends_what_no_worker_is_there_to_find(
    limited_worker: Worker, raw: redis.Redis, redis_url: str
) -> None:
    jid = Limited.set(limit=ONE).perform_async(0, "a", "waits")
    with limited_worker(2):
        eventually(lambda: inside(raw, "concurrent:swept:") == [jid], 10)
        second = Limited.set(limit=ONE).perform_async(1)
        eventually(lambda: waiting(raw, "concurrent:swept:") == [second], 10)
        assert verify(redis_url).clean, "what is held and waits is as it should be"
        gate.set()
        eventually(lambda: noted.order == [0, 1], 10)
    raw.zadd("kiq:limits", {"concurrent:swept:": 1})
    raw.zadd(IN, {"host:1:x:default 7.1\nfeedbeef\nout": float("inf")})
    raw.zadd("kiq:limit-line:concurrent:swept:", {"beef" * 6: 1, "w:a block": 2})
    found = verify(redis_url).findings
    assert sorted(each.what.split(" ")[0] for each in found if each.check == "limits") == [
        "a",
        "the",
    ]
    assert all(each.mended for each in verify(redis_url, mend=True).findings)
    assert inside(raw, "concurrent:swept:") == []
    assert raw.zscore("kiq:limit-line:concurrent:swept:", "beef" * 6) is None
    assert verify(redis_url).clean


def test_who_waits_for_a_limit_comes_back_in_its_band(
    limited_worker: Worker, raw: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    jobs = Limited.set(limit=ONE)
    jobs.perform_async(0, "a", "waits")
    with limited_worker(2):
        eventually(lambda: noted.order == [0], 10)
        urgent = jobs.set(priority="high").perform_async(1)
        eventually(lambda: waiting(raw, "concurrent:swept:") == [urgent], 10)
        (parked,) = raw.zrange("schedule", 0, -1)
        gate.set()
        eventually(lambda: noted.order == [0, 1], 10)
    raw.zadd("schedule", {parked: 1})  # as if it were called where no thread is free
    elsewhere = Capsule(queues=(("elsewhere", 1),), concurrency=1)
    with DrivenWorker(redis_url, tmp_path / "other", elsewhere, host=kiq.host):
        eventually(lambda: raw.llen("queue:out\x1f:high") == 1, 10)
    assert raw.llen("queue:out") == 0

"""Trends in Redis: counted by workers at their beats, noted as moments, read without a gap."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import plugin
from kiq.api import Trends
from kiq.config import Capsule
from kiq.plugins.trends import keys
from kiq.plugins.trends.plugin import Counting, TrendsPlugin, _command
from tests.helpers.driven import BLINK, DrivenWorker, Ledger
from tests.helpers.waiting import eventually


def write(store: redis.Redis, *moments: tuple[float, dict[str, list[int]]]) -> None:
    """Note *moments*, so many seconds ago, the oldest first."""
    seconds, _ = store.time()  # type: ignore[misc]
    for ago, queues in moments:
        store.lpush(keys.TREND, json.dumps([seconds - ago, 5, 1, queues]))


def note(store: redis.Redis, step: int = keys.STEP, **fresh: int) -> int:
    name, text, *rest = _command(fresh)
    rest[7] = step
    return store.execute_command(name, text, *rest)  # type: ignore[no-any-return]


def test_what_a_worker_takes_is_counted_by_queue_and_told_at_its_beats(
    redis_url: str, raw: redis.Redis, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    host = plugin.Host()
    host.install(TrendsPlugin())
    ledger = Ledger(redis_url)
    queues = Capsule(concurrency=2, queues=(("a", 1), ("b", 1)), mode="random")
    with DrivenWorker(redis_url, tmp_path, queues, host=host) as worker:
        ledger.push([BLINK] * 700, "a")
        ledger.push([BLINK] * 30, "b")
        ledger.verify()
        assert dict(worker.launcher.attached.taken()) == {"a": 700, "b": 30}
        worker.launcher.heartbeat.soon()
        eventually(lambda: raw.exists(keys.TREND))
    eventually(lambda: raw.hgetall(keys.TAKEN) == {b"a": b"700", b"b": b"30"})
    assert not worker.problems
    ledger.close()


def test_what_was_handed_back_was_not_taken(
    redis_url: str, raw: redis.Redis, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    ledger = Ledger(redis_url)
    with DrivenWorker(redis_url, tmp_path, Capsule(concurrency=2)) as worker:
        worker.get_driving(ledger)
        # It takes many ahead, as all are short; then all wait behind two that are not.
        ledger.push([("sleeps", 0.5)] * 2 + [BLINK] * 2_000)
        ledger.verify()
        assert worker.launcher.attached.taken()["default"] == ledger.pushed
    ledger.close()


def test_a_moment_is_noted_once_in_a_while_whoever_asks(raw: redis.Redis) -> None:
    raw.sadd("queues", "a", "b", "never")
    raw.lpush("queue:a", "x", "y")
    raw.mset({"stat:processed": 7, "stat:failed": 2})
    assert [note(raw, a=3), note(raw, a=1, b=5), note(raw)] == [1, 0, 0]
    (text,) = raw.lrange(keys.TREND, 0, -1)
    at, *rest = json.loads(text)
    assert rest == [7, 2, {"a": [2, 3]}]
    assert abs(at - raw.time()[0]) < 10
    assert raw.hgetall(keys.TAKEN) == {b"a": b"4", b"b": b"5"}
    assert 0 < raw.ttl(keys.TREND) <= keys.LIFE
    assert 0 < raw.ttl(keys.TAKEN) <= keys.LIFE


def test_no_more_moments_are_kept_than_are_wanted(raw: redis.Redis) -> None:
    for _ in range(keys.MOMENTS + 5):
        assert note(raw, step=-10) == 1
    assert raw.llen(keys.TREND) == keys.MOMENTS


def test_a_clock_that_was_set_back_holds_up_nobody(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    write(raw, (-900, {}))
    assert note(raw) == 1
    assert len(Trends().moments) == 1


def test_what_is_strange_there_is_passed_over(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    raw.sadd("queues", "a", b"\xff", "wrong")
    raw.set("queue:wrong", "text")
    raw.lpush("queue:a", "x")
    raw.set("stat:processed", "many")
    raw.lpush(keys.TREND, "no moment", "[1,2]", b"\xff", '[1,2,3,{"a": 5}]')
    assert note(raw) == 1
    assert [moment.queues for moment in Trends().moments] == [{"a": (1, 0)}]


@pytest.mark.parametrize(
    ("ages", "kept"),
    [
        ((), 0),
        ((600,), 0),
        ((300, 280, 45, 30, 15), 3),
        ((75, 60, 45, 30), 4),
        ((300, 280, 265), 0),
    ],
)
def test_what_lies_behind_a_gap_is_of_another_time(
    raw: redis.Redis, kiq_client: kiq.Client, ages: tuple[int, ...], kept: int
) -> None:
    write(raw, *((age, {"a": [1, 1]}) for age in ages))
    found = Trends()
    assert len(found.moments) == kept
    assert found.span == (ages[-kept] - ages[-1] if kept else 0)
    assert set(found.queues) == ({"a"} if kept > 1 else set())


def test_a_server_that_refuses_is_left_alone(
    private_server: Callable[..., Any], tmp_path: Path, kiq_client: kiq.Client
) -> None:
    server = private_server()
    server.client().execute_command("ACL", "SETUSER", "default", "-hincrby")
    host = plugin.Host()
    host.install(TrendsPlugin())
    ledger = Ledger(server.url)
    with DrivenWorker(server.url, tmp_path, host=host) as worker:
        ledger.push([BLINK] * 5)
        ledger.verify()
        (service,) = worker.launcher.worker.services
        assert isinstance(service, Counting)
        service._tell()
        assert service._refused
    assert not worker.problems
    ledger.close()

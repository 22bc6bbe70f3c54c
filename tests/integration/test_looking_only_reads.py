"""Looking only reads: by a user who may write nothing, on a replica, with dead processes listed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from kiq import api
from tests.helpers.commands import command
from tests.helpers.living import hold, show_process
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

LOOKS = [
    *(["stats"], ["stats", "--json"], ["queues"], ["queues", "mail"], ["ps"], ["ps", "--jobs"]),
    *(["retries"], ["scheduled", "--json"], ["dead"], ["dead", "show", "j"], ["doctor"]),
    *(["dead", "list", "--class", "X", "--older-than", "1s"],),
    *(["dead", "list", "--filter", "class:X"], ["failures"], ["failures", "--exact"]),
]


def fill(store: redis.Redis) -> None:
    job = json.dumps({"class": "X", "args": [], "jid": "j", "queue": "mail", "created_at": 1})
    for key in ("retry", "schedule", "dead"):
        store.zadd(key, {job: 1_900_000_000, b"\xff": 1_900_000_001})
    store.sadd("queues", "mail")
    store.lpush("queue:mail", job)
    show_process(store, "web:1:abc", {"queues": ["mail"], "concurrency": 3})
    hold(store, "web:1:abc", "mail", job)
    show_process(store, "web:2:dead", {"queues": ["mail"], "concurrency": 3})
    store.delete("kiq:owner:web:2:dead:default")
    store.srem("kiq:owners", "web:2:dead:default")
    store.sadd("processes", "web:3:gone")
    store.zadd("profiles", {"old": 1, "new": 4_000_000_000})
    store.hset("new", mapping={"token": "t", "started_at": 1})


@pytest.fixture(params=["a user who may only read", "a replica"])
def url(request: Any, private_server: Callable[..., TestServer]) -> Iterator[str]:
    server = private_server()
    store = server.client()
    fill(store)
    if request.param == "a replica":
        replica = private_server("--replicaof", "127.0.0.1", str(server.port))
        there = replica.client()
        eventually(lambda: there.info("replication")["master_link_status"] == "up", 20)
        assert there.zcard("dead") == 2
        yield replica.tcp_url
    else:
        rights = ("~*", "&*", "+@all", "-@write")
        store.execute_command("ACL", "SETUSER", "reader", "on", ">sesame", *rights)
        yield server.tcp_url.replace("redis://", "redis://reader:sesame@")


@pytest.mark.parametrize("arguments", LOOKS, ids=" ".join)
def test_a_command_that_looks_works(
    url: str, command_store: redis.Redis, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    shown = command(*arguments)
    assert shown.code in ((3, 4) if arguments == ["doctor"] else (0,)), shown.both
    assert "sesame" not in shown.both


def test_all_that_the_data_api_reads_can_be_read(url: str) -> None:
    home = api.connection(url)
    stats = api.Stats(home)
    assert (stats.processes_size, stats.threads, stats.workers_size) == (1, 3, 1)
    assert [queue.name for queue in stats.queue_summaries()] == ["mail"]
    assert stats.history(2)
    assert [process.identity for process in api.ProcessSet(home)] == ["web:1:abc"]
    assert [process.identity for process in api.ProcessSet(home).dead()] == ["web:2:dead"]
    assert [work.jid for work in api.WorkSet(home)] == ["j"]
    for kind in (api.RetrySet, api.ScheduledSet, api.DeadSet):
        jobs = kind(home)
        assert len(list(jobs)) == len(list(jobs.select(newest_first=False))) == 2
        assert jobs.find("j")
        assert [entry.jid for entry in jobs.scan("X")] == ["j"]
    assert next(iter(api.DeadSet(home))).dead_reason
    (queue,) = api.Queue.all(home)
    assert (queue.size, queue.paused, len(list(queue))) == (1, False, 1)
    assert [profile.key for profile in api.ProfileSet(home)] == ["new"]
    assert api.IterationState.find("j", home) is None
    now = datetime.now(UTC)
    assert api.Deploy(home).between(now - timedelta(days=1), now) == {}
    api.Metrics(home).top_jobs()
    assert api.coming(home).overdue == 0
    assert not api.BatchSet(home).page(text="x").found
    assert not api.LimitSet(home).page(text="x").found
    assert not api.LockSet(home).page(text="x").found
    assert api.PeriodicSet(home).histories(["x"]) == {"x": []}

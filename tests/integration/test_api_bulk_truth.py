"""Bulk acts handle what is there when they begin, each once, go on past what is refused, and say all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq.api import Acted, DeadSet, JobSet, RetrySet, ScheduledSet, connection
from kiq.api.acted import GONE
from kiq.api.bulk import Bulk
from kiq.errors import StoreDenied, StoreUnavailable
from kiq.store.flight import DeadLimits
from tests.helpers.commands import command
from tests.helpers.server import TestServer

DUE = 4_000_000_000
SETS = (RetrySet, ScheduledSet, DeadSet)
ACTS: dict[str, Callable[..., Acted]] = {
    "retry_all": JobSet.retry_all,
    "delete_all": JobSet.delete_all,
    "kill_all": JobSet.kill_all,
}


def job(number: int, **more: Any) -> bytes:
    fields = {"class": "X", "args": [number], "jid": f"j{number}", "queue": "work"}
    return json.dumps({**fields, **more}).encode()


def fill(raw: redis.Redis, key: str, count: int) -> list[bytes]:
    raws = [job(number, retry_count=3) for number in range(count)]
    raw.zadd(key, {each: DUE + 10 * n for n, each in enumerate(raws)})
    return raws


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("act", ACTS)
def test_what_comes_while_an_act_is_under_way_is_left_alone_wherever_it_comes(
    raw: redis.Redis, kiq_client: kiq.Client, kind: type[JobSet], act: str
) -> None:
    if act == "kill_all" and kind is DeadSet:
        return
    fill(raw, kind.key, 450)
    came: list[bytes] = []

    def more_comes(looked_at: int, total: int) -> None:
        for after in (0, 55, 1500):  # right here, a little on, and beyond what was there last
            came.append(job(10_000 + len(came)))
            raw.zadd(kind.key, {came[-1]: DUE + 10 * looked_at + after + 5})

    done = ACTS[act](kind(), progress=more_comes)
    assert done == 450
    assert not done.left
    left: Any = raw.zrange(kind.key, 0, -1)
    assert sorted(left) == sorted(came)


@pytest.mark.parametrize("kind", [RetrySet, ScheduledSet])
def test_a_job_that_runs_and_comes_back_meanwhile_is_handled_once(
    raw: redis.Redis, kiq_client: kiq.Client, kind: type[JobSet]
) -> None:
    fill(raw, kind.key, 300)

    def they_run_and_come_back(looked_at: int, total: int) -> None:
        jobs: Any = raw.lrange("queue:work", 0, -1)
        raw.delete("queue:work")
        raw.rpush("ran", *jobs)
        for at, each in enumerate(jobs):  # a snoozed one with the very bytes that it had
            raw.zadd(kind.key, {each: DUE + 10 * looked_at + at})

    assert kind().retry_all(progress=they_run_and_come_back) == 300
    assert raw.llen("ran") == 300
    assert raw.zcard(kind.key) == 300


def test_a_selection_by_text_means_what_it_meant(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    raws = fill(raw, "retry", 1_200)
    assert RetrySet().delete_all(text='"args": [11') == 111
    assert raw.zcard("retry") == len(raws) - 111


def test_what_names_no_queue_is_counted_and_the_others_go(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    fill(raw, "dead", 3)
    raw.zadd("dead", {b"\xffjunk": 1, b"\xffmore": 2, job(9, queue=""): 3, job(10, queue=7): 4})
    done = DeadSet().retry_all()
    assert done == 3
    assert sum(done.left.values()) == 4
    assert all("names no queue to go to" in why for why in done.left)
    assert raw.zcard("dead") == 4


def test_a_queue_that_refuses_is_asked_once_and_the_other_queues_get_theirs(
    raw: redis.Redis, server: TestServer, kiq_client: kiq.Client
) -> None:
    raw.set("queue:broken", "of the wrong type")
    raw.zadd("retry", {job(n, queue="broken" if n % 3 else "work"): DUE + n for n in range(900)})
    raw.config_resetstat()
    done = RetrySet().retry_all()
    assert done == 300
    ((why, count),) = done.left.items()
    assert (why.startswith("broken takes none"), count) == (True, 600)
    assert raw.zcard("retry") == 600
    assert raw.llen("queue:work") == 300


def test_what_another_process_takes_in_the_meantime_is_counted(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    fill(raw, "retry", 10)
    batch = list(RetrySet().entries())
    assert [entry.kill() for entry in list(RetrySet())[:4]] == [True] * 4
    bulk = Bulk(connection(), "retry", DeadLimits(10, 60.0))
    bulk.to_queues(batch)
    assert (bulk._tally.acted, bulk._tally.acted.left) == (6, {GONE: 4})


def test_a_dead_set_that_refuses_keeps_the_jobs_where_they_are(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    fill(raw, "retry", 250)
    raw.set("dead", "of the wrong type")
    done = RetrySet().kill_all()
    assert done == 0
    assert sum(done.left.values()) == 250
    assert raw.zcard("retry") == 250


def test_what_the_dead_set_drops_is_told(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    fill(raw, "retry", 30)
    done = RetrySet(dead_max_jobs=10).kill_all()
    assert (done, done.dropped) == (30, 20)
    (entry,) = (raw.zadd("retry", {job(99): DUE}), *RetrySet(dead_max_jobs=10))[1:]
    assert entry.kill()
    assert entry.dropped == 1


@pytest.mark.bare_names
def test_an_act_that_redis_denies_altogether_raises(
    raw: redis.Redis, server: TestServer, kiq_client: kiq.Client
) -> None:
    fill(raw, "retry", 5)
    raw.execute_command(
        *("ACL", "SETUSER", "reader", "on", "nopass", "~*", "&*", "+@read", "+eval", "+ping")
    )
    try:
        url = f"redis://reader:x@127.0.0.1:{server.port}/0"
        with pytest.raises(StoreDenied) as raised:
            RetrySet(url).retry_all()
        assert raised.value.acted == 0
    finally:
        raw.execute_command("ACL", "DELUSER", "reader")
    assert raw.zcard("retry") == 5


def test_an_act_that_breaks_off_says_what_was_done_before(
    private_server: Callable[..., TestServer],
) -> None:
    own = private_server()
    store = own.client()
    store.zadd("retry", {job(n): DUE + n for n in range(250)})

    def gone(looked_at: int, total: int) -> None:
        own.kill()

    with pytest.raises(StoreUnavailable) as raised:
        RetrySet(own.url).retry_all(progress=gone)
    assert raised.value.acted == 100


# The commands


def test_a_command_says_what_stayed_and_why_and_ends_with_1(command_store: redis.Redis) -> None:
    fill(command_store, "dead", 3)
    command_store.zadd("dead", {bytes([0xFF, n]): n for n in range(5)})
    done = command("dead", "retry", "--all", "-y")
    assert (done.code, done.out) == (1, "retried 3 jobs\n")
    assert "not retried: 5 jobs: names no queue to go to" in done.err
    shown = command("dead", "retry", "--all", "-y", "--json")
    assert shown.code == 1
    assert (shown.document["retried"], *shown.document["left"].values()) == (0, 5)


def test_a_command_goes_on_past_a_queue_that_refuses(command_store: redis.Redis) -> None:
    command_store.set("queue:broken", "of the wrong type")
    members = {job(n, queue="broken" if n == 98 else "work"): DUE + n for n in range(300)}
    command_store.zadd("retry", members)
    done = command("retries", "retry", "--all", "-y")
    assert (done.code, done.out) == (1, "retried 299 jobs\n")
    assert "not retried: 1 job: broken takes none: " in done.err
    one = command("retries", "retry", "j98")
    assert (one.code, one.out) == (1, "retried 0 jobs\n")
    assert "WRONGTYPE" in one.err
    assert "is not in the set" not in one.err


def test_of_a_refused_entry_only_the_true_reason_is_told(command_store: redis.Redis) -> None:
    command_store.zadd("dead", {job(1, queue=""): 1, job(2): 2})
    done = command("dead", "retry", "j1", "j2", "nobody", "--json")
    assert done.code == 1
    document = done.document
    assert (document["jids"], document["missing"]) == (["j2"], ["nobody"])
    assert "names no queue" in document["refused"]["j1"]
    assert [line.count("j1") for line in done.err.splitlines()] == [1, 0]
    assert "nobody is not in the set dead" in done.err


@pytest.mark.parametrize("which", [["--all", "-y"], ["j0", "j1", "j2"]])
def test_a_command_tells_what_the_dead_set_drops(
    command_store: redis.Redis, tmp_path: Any, which: list[str]
) -> None:
    (tmp_path / "small.yml").write_text("dead_max_jobs: 1\n")
    fill(command_store, "schedule", 3)
    done = command("scheduled", "kill", *which, "-C", str(tmp_path / "small.yml"))
    assert (done.code, done.out) == (0, "killed 3 jobs\n")
    assert "it dropped its oldest 2 jobs" in done.err


@pytest.mark.parametrize("flag", ["--class", "--text"])
def test_a_class_or_text_that_is_nowhere_is_told_and_an_age_is_not(
    command_store: redis.Redis, flag: str
) -> None:
    fill(command_store, "dead", 2)
    done = command("dead", "delete", flag, "app.Nobody", "-y")
    assert (done.code, done.out) == (1, "deleted 0 jobs\n")
    assert "nothing like that is in the set dead" in done.err
    assert command("dead", "delete", "--older-than", "7d", "-y").code == 0

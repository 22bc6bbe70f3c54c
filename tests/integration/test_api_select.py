"""kiq.api: entries chosen by text, class and age, and bulk operations on what is chosen."""

from __future__ import annotations

import datetime
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.api import DeadSet, JobSet, Queue, RetrySet, ScheduledSet, Stats, connection, moves
from kiq.codec import decode, encode
from kiq.errors import ConfigError, Kill
from tests.helpers.counting_proxy import CountingProxy
from tests.helpers.server import TestServer

DUE = 4_000_000_000
DAY = 86_400


class Mail(kiq.Job, name="select.Mail", aliases=("old.Mail",)):
    def perform(self) -> None: ...


@kiq.job(name="select.tidy")
def tidy() -> None: ...


def member(number: int, kind: str = "X", **more: object) -> bytes:
    payload = {"class": kind, "args": [number], "jid": f"j{number}", "queue": "work", **more}
    return json.dumps(payload, indent=1).encode()


def numbers(entries: Any) -> list[int]:
    return [entry.args[0] for entry in entries]


def fill(raw: redis.Redis, key: str, count: int, **more: object) -> None:
    members: Any = {member(n, f"K{n % 2}", **more): DUE + n for n in range(count)}
    raw.zadd(key, members)


def ago(days: float) -> int:
    return int((time.time() - days * DAY) * 1000)


def test_text_chooses_by_bytes_in_the_order_of_the_scores(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    members: Any = {
        member(n, note="[a-z]* %d" if n % 3 == 0 else "no"): DUE + n for n in range(3000)
    }
    raw.zadd("retry", members)
    chosen = numbers(RetrySet().select(text="[a-z]* %d", newest_first=False))
    assert chosen == list(range(0, 3000, 3))
    assert numbers(RetrySet().select(text="[a-z]* %d")) == chosen[::-1]
    assert numbers(RetrySet().select(text="nowhere")) == []


def test_a_class_is_named_or_given_and_counts_under_its_old_name_too(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    members: Any = {
        member(n, kind): DUE + n
        for n, kind in enumerate(("select.Mail", "old.Mail", "select.tidy", "select.Mail2", "Été"))
    }
    raw.zadd("retry", members)
    raw.zadd("retry", {member(9, error_message="select.Mail"): DUE + 9})
    retries = RetrySet()
    assert numbers(retries.select(job_class="select.Mail", newest_first=False)) == [0]
    assert numbers(retries.select(job_class=Mail, newest_first=False)) == [0, 1]
    assert numbers(retries.select(job_class=tidy)) == [2]
    assert numbers(retries.select(job_class="Été")) == [4]
    assert numbers(retries.select(job_class="select.Mail", text="j3")) == []


def test_age_counts_from_death_first_failure_or_making(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    now = time.time()
    raw.zadd("dead", {member(1, created_at=ago(9)): now - DAY, member(2): now - 5 * DAY})
    for key in ("retry", "schedule"):
        failing = member(1, created_at=ago(9), failed_at=ago(1))
        raw.zadd(key, {failing: DUE, member(2, created_at=ago(5)): DUE, member(3): DUE})
    old = datetime.timedelta(days=2)
    assert numbers(DeadSet().select(older_than=old)) == [2]
    assert numbers(RetrySet().select(older_than=2 * DAY)) == [2]
    assert sorted(numbers(ScheduledSet().select(older_than=old))) == [1, 2]
    assert numbers(RetrySet().select(older_than=8 * DAY)) == []


@pytest.mark.parametrize("wrong", [{"text": ""}, {"job_class": ""}, {"job_class": int}])
def test_a_selection_that_could_mean_everything_is_refused(
    raw: redis.Redis, kiq_client: kiq.Client, wrong: dict[str, Any]
) -> None:
    fill(raw, "dead", 3)
    for call in (DeadSet().delete_all, DeadSet().retry_all, RetrySet().kill_all):
        with pytest.raises(ConfigError):
            call(**wrong)
    assert raw.zcard("dead") == 3


@pytest.mark.parametrize("span", [-1, float("nan"), float("inf"), True, "1d"])
def test_an_impossible_age_is_refused(raw: redis.Redis, kiq_client: kiq.Client, span: Any) -> None:
    with pytest.raises(ConfigError, match="older_than"):
        DeadSet().delete_all(older_than=span)


@pytest.mark.parametrize(
    ("method", "target"), [("retry_all", "queue:work"), ("kill_all", "dead"), ("delete_all", None)]
)
def test_what_is_chosen_is_handled_and_the_rest_stays(
    raw: redis.Redis, kiq_client: kiq.Client, method: str, target: str | None
) -> None:
    fill(raw, "retry", 1500)
    told: list[tuple[int, int]] = []
    handle = getattr(RetrySet(), method)
    done = handle(job_class="K1", text="class", progress=lambda *how_far: told.append(how_far))
    assert done == 750
    assert raw.zcard("retry") == 750
    assert numbers(RetrySet().select(newest_first=False)) == list(range(0, 1500, 2))
    if target:
        there: Any = (raw.llen if target.startswith("queue") else raw.zcard)(target)
        assert there == 750
    assert told == sorted(told)
    assert told[-1] == (1500, 1500)


def test_deleting_what_died_long_ago_does_not_look_at_the_rest(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    now = time.time()
    members: Any = {member(n): now - (50 if n < 250 else 5) * DAY for n in range(2000)}
    raw.zadd("dead", members)
    told: list[tuple[int, int]] = []
    old = DeadSet().delete_all(older_than=10 * DAY, progress=lambda *how_far: told.append(how_far))
    assert old == 250
    assert told == [(100, 250), (200, 250), (250, 250)]
    assert raw.zcard("dead") == 1750


@pytest.mark.parametrize("method", ["retry_all", "kill_all", "delete_all"])
def test_a_bulk_loads_a_page_at_a_time_whatever_the_size(
    raw: redis.Redis, server: TestServer, kiq_client: kiq.Client, method: str
) -> None:
    fill(raw, "retry", 5000, filler="x" * 200)
    with CountingProxy(server.port) as proxy:
        retries = RetrySet(proxy.url, dead_max_jobs=100_000)
        assert retries.size == 5000
        before = proxy.round_trips
        loaded = []
        getattr(retries, method)(progress=lambda done, _: loaded.append(done))
        trips = proxy.round_trips - before
    assert loaded == list(range(100, 5001, 100))
    assert 100 <= trips <= 112  # a look and a move for each hundred, and what is there before


@pytest.mark.parametrize(("size", "trips"), [(1_500_000, 8), (400_000, 4)])
def test_large_entries_and_jobs_are_loaded_a_megabyte_or_one_at_a_time(
    raw: redis.Redis, server: TestServer, kiq_client: kiq.Client, size: int, trips: int
) -> None:
    large = [member(n, text="x" * size) for n in range(8)]
    raw.zadd("dead", {each: DUE + n for n, each in enumerate(large)})
    raw.lpush("queue:work", *large)
    with CountingProxy(server.port) as proxy:
        dead, queue = DeadSet(proxy.url), Queue("work", proxy.url)
        assert dead.size == queue.size == 8
        for jobs, order in ((dead, list(range(8))[::-1]), (queue, list(range(8)))):
            before = proxy.round_trips
            assert numbers(jobs) == order
            assert trips <= proxy.round_trips - before <= trips + 1


def test_looking_for_text_costs_a_round_trip_for_a_thousand(
    raw: redis.Redis, server: TestServer, kiq_client: kiq.Client
) -> None:
    fill(raw, "dead", 10_000)
    raw.zadd("dead", {member(7, note="needle"): DUE + 20_000})
    with CountingProxy(server.port) as proxy:
        dead = DeadSet(proxy.url)
        assert dead.size == 10_001
        before = proxy.round_trips
        assert numbers(dead.select(text="needle")) == [7]
        assert proxy.round_trips - before <= 13


def test_a_bulk_that_breaks_goes_on_with_the_same_call(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    fill(raw, "retry", 250)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RetrySet().retry_all(progress=stop)
    assert (raw.zcard("retry"), raw.llen("queue:work")) == (150, 100)
    assert RetrySet().retry_all() == 150
    there: Any = raw.lrange("queue:work", 0, -1)
    assert [json.loads(each)["args"][0] for each in there[::-1]] == list(range(250))


# What retrying changes


@pytest.mark.parametrize(("before", "after"), [(5, 4), (0, -1), (-1, -1)])
@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_retry_by_hand_uses_up_no_attempt(
    raw: redis.Redis, kiq_client: kiq.Client, before: int, after: int, codec: Any, at_once: bool
) -> None:
    payload = {"class": "X", "args": [2**60, 1.5, "é"], "jid": "j", "queue": "work", "odd": {}}
    payload["retry_count"] = before
    for key, jobs in (("retry", RetrySet()), ("dead", DeadSet())):
        raw.zadd(key, {encode(payload, codec): DUE})
        assert jobs.retry_all() == 1 if at_once else next(iter(jobs)).retry()
        there: Any = raw.rpop("queue:work")
        assert decode(there) == ({**payload, "retry_count": after}, codec)
        assert raw.zcard(key) == 0


def test_what_is_added_to_its_queue_or_never_failed_keeps_its_bytes(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    failed = member(1, retry_count=3)
    raw.zadd("retry", {failed: DUE})
    assert next(iter(RetrySet())).add_to_queue()
    raw.zadd("schedule", {failed: DUE})
    assert next(iter(ScheduledSet())).retry()
    fresh = member(2, retry_count="three")
    raw.zadd("dead", {fresh: DUE})
    assert DeadSet().retry_all() == 1
    assert raw.lrange("queue:work", 0, -1) == [fresh, failed, failed]


def test_of_a_batch_only_what_is_still_there_enters_the_queue(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    members: Any = {member(n, retry_count=n): DUE + n for n in range(10)}
    raw.zadd("retry", members)
    page = list(RetrySet().entries(newest_first=False))
    for entry in page[::2]:
        raw.zrem("retry", entry.raw)
    assert [entry.retry() for entry in page] == [False, True] * 5
    assert RetrySet().size == 0
    there: Any = raw.lrange("queue:work", 0, -1)
    found = [json.loads(each) for each in there[::-1]]
    assert [job["args"][0] for job in found] == [1, 3, 5, 7, 9]
    assert [job["retry_count"] for job in found] == [0, 2, 4, 6, 8]


def test_of_a_batch_each_job_enters_the_queue_as_its_own_bytes_say(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    raws = [member(n, retry_count=n) for n in range(10)]
    changed = [member(n, retry_count=n - 1) for n in range(10)]
    there: Any = {each: DUE + n for n, each in enumerate(raws) if n % 3}
    raw.zadd("retry", there)
    leaving = [moves.Leaving(raw_, "", job) for raw_, job in zip(raws, changed, strict=True)]
    moved = connection().call(moves.to_queue("retry", "work", leaving))
    assert moved == 6
    found: Any = raw.lrange("queue:work", 0, -1)
    assert found[::-1] == [each for n, each in enumerate(changed) if n % 3]


# Death


def test_death_handlers_are_told_of_a_kill_unless_they_are_not_to_be(
    raw: redis.Redis, kiq_client: kiq.Client, fresh_host: kiq.Host
) -> None:
    told: list[tuple[int, BaseException]] = []

    @fresh_host.on_death
    def bad(payload: dict[str, Any], error: BaseException) -> None:
        raise RuntimeError("a handler that fails")

    fresh_host.error_handlers = [lambda error, context: None]
    fresh_host.on_death(lambda payload, error: told.append((payload["args"][0], error)))
    raw.zadd("retry", {member(n): DUE + n for n in range(5)})
    raw.zadd("retry", {b"junk": DUE - 1})
    junk, first, second, third, *_ = RetrySet().entries(newest_first=False)
    why = LookupError("too old")
    assert junk.kill()
    assert first.kill()
    assert second.kill(error=why)
    assert third.kill(notify=False)
    assert first.kill()  # once more: nobody need be told
    assert [number for number, _ in told] == [0, 1]
    assert isinstance(told[0][1], Kill)
    assert told[1][1] is why
    assert RetrySet().kill_all() == 2
    assert len(told) == 2
    raw.zadd("schedule", {member(n): DUE + n for n in range(150)})
    assert ScheduledSet().kill_all(notify=True, error=why) == 150
    assert [number for number, _ in told[2:]] == list(range(150))


def test_an_entry_says_why_it_is_dead(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    known, unknown = b"\xffjunk", b"more junk"
    raw.zadd("dead", {known: 1, unknown: 2})
    raw.zadd("dead", {member(1, error_class="KeyError", error_message="'x'"): 3, member(2): 4})
    raw.hset("kiq:dead-reason", hashlib.sha1(known).hexdigest(), "no job: it is junk")
    reasons = [entry.dead_reason for entry in DeadSet().entries(newest_first=False)]
    assert reasons[0] == "no job: it is junk"
    assert reasons[1]
    assert "neither a JSON object" in reasons[1]
    assert reasons[2:] == ["KeyError: 'x'", None]
    raw.zadd("retry", {member(1, error_class="KeyError"): 3})
    assert next(iter(RetrySet())).dead_reason is None


def test_a_kill_trims_to_the_limits_of_the_configuration(
    raw: redis.Redis, redis_url: str, kiq_client: kiq.Client, tmp_path: Path
) -> None:
    file = tmp_path / "kiq.yml"
    file.write_text(f"redis: {{url: '{redis_url}'}}\ndead_max_jobs: 3\ndead_timeout: 172800\n")
    kiq.configure(file)
    now = time.time()
    raw.zadd("dead", {f"d{n}": now - n * DAY for n in range(1, 7)})
    raw.zadd("retry", {member(1): DUE})
    limits = RetrySet()._limits
    assert (limits.size, limits.age) == (3, 2 * DAY)
    assert next(iter(RetrySet())).kill()
    assert raw.zrange("dead", 0, -1) == [b"d1", member(1)]
    assert RetrySet(redis_url)._limits.size == 10_000
    assert RetrySet(dead_max_jobs=7)._limits.size == 7


# Counters


def test_reset_sets_the_all_time_counters_to_zero(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    raw.mset({"stat:processed": 5, "stat:failed": 3, "stat:failed:2026-03-01": 2})
    Stats().reset("failed")
    assert (Stats().processed, Stats().failed) == (5, 0)
    Stats().reset()
    assert (Stats().processed, Stats().failed) == (0, 0)
    assert raw.get("stat:failed:2026-03-01") == b"2"
    with pytest.raises(ConfigError, match="no counter 'done'"):
        Stats().reset("done")


def test_every_set_is_a_job_set() -> None:
    assert all(issubclass(kind, JobSet) for kind in (ScheduledSet, RetrySet, DeadSet))

"""kiq.api's sorted sets on a real server: looking, and moving single entries."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

import kiq
from kiq.api import DeadSet, RetrySet, ScheduledSet, SortedEntry
from kiq.api.job_set import JobSet
from kiq.errors import PayloadError, StoreError, UndecodablePayload

DUE = 4_000_000_000.0
SETS = [ScheduledSet, RetrySet, DeadSet]


def member(jid: str, queue: str = "work", **more: object) -> bytes:
    """A payload in Sidekiq's JSON, spaces and all: bytes that no encoder of ours would write."""
    payload = {"class": "X", "args": [1], "jid": jid, "queue": queue, **more}
    return json.dumps(payload, indent=1).encode()


def only(jobs: JobSet) -> SortedEntry:
    (entry,) = jobs
    return entry


@pytest.fixture(params=SETS, ids=lambda kind: kind.__name__)
def jobs(request: pytest.FixtureRequest, raw: redis.Redis, kiq_client: kiq.Client) -> JobSet:
    """Each of the three sets, empty."""
    kind: type[JobSet] = request.param
    return kind()


def test_pages_go_by_score_in_either_direction(raw: redis.Redis, jobs: JobSet) -> None:
    raw.zadd(jobs.key, {member(f"j{n}"): DUE + n // 100 for n in range(350)})
    stored: Any = raw.zrange(jobs.key, 0, -1)
    assert jobs.size == 350
    assert [entry.raw for entry in jobs] == stored[::-1]
    assert [entry.raw for entry in jobs.entries(newest_first=False)] == stored


@pytest.mark.parametrize("newest_first", [True, False])
def test_deleting_what_it_visits_iteration_visits_each_entry_once(
    raw: redis.Redis, jobs: JobSet, newest_first: bool
) -> None:
    # One score, and bytes that text order would sort otherwise.
    raws = [bytes([n % 256, n // 256, 0xC3]) for n in range(350)]
    raw.zadd(jobs.key, dict.fromkeys(raws, DUE))
    seen = []
    for at, entry in enumerate(jobs.entries(newest_first=newest_first)):
        seen.append(entry.raw)
        if at % 3:
            assert entry.delete()
            assert not entry.delete()
    assert sorted(seen) == sorted(raws)
    assert jobs.size == 117


def test_an_entry_of_the_same_score_is_told_apart_by_its_jid(
    raw: redis.Redis, jobs: JobSet
) -> None:
    raw.zadd(jobs.key, {member(jid): DUE for jid in ("a1", "a2", "a3")})
    (found,) = jobs.fetch(DUE, "a2")
    assert found.delete()
    assert [entry.jid for entry in jobs.fetch(DUE)] == ["a1", "a3"]
    assert [entry.jid for entry in jobs.fetch((DUE - 1, DUE + 1))] == ["a1", "a3"]
    assert jobs.fetch(DUE + 1) == []


def test_scan_finds_text_and_find_a_jid(raw: redis.Redis, jobs: JobSet) -> None:
    raw.zadd(jobs.key, {member(f"jid{n}"): DUE for n in range(300)})
    raw.zadd(jobs.key, {member("odd[1]*", error_message="[1]? yes", args=["jid7"]): DUE})
    assert {entry.jid for entry in jobs.scan("[1]?")} == {"odd[1]*"}
    assert {entry.jid for entry in jobs.scan("*jid1*jid1*")} == set()
    assert len({entry.jid for entry in jobs.scan("jid29")}) == 11
    for jid in ("jid7", "odd[1]*"):
        found = jobs.find(jid)
        assert found
        assert found.jid == jid
    assert jobs.find("jid") is None


def test_retry_moves_the_very_bytes_to_the_queue(raw: redis.Redis, jobs: JobSet) -> None:
    raw.zadd(jobs.key, {member(jid): DUE for jid in ("a1", "a2")})
    found = jobs.find("a2")
    assert found
    assert found.retry()
    assert raw.lrange("queue:work", 0, -1) == [member("a2")]
    assert raw.smembers("queues") == {b"work"}
    assert only(jobs).jid == "a1"
    assert not found.retry()
    assert raw.llen("queue:work") == 1


def test_kill_moves_the_very_bytes_to_the_dead_set(raw: redis.Redis, jobs: JobSet) -> None:
    raw.zadd(jobs.key, {member("a1"): DUE})
    before = time.time()
    assert only(jobs).kill()
    dead: Any = raw.zrange("dead", 0, -1, withscores=True)
    ((bytes_, score),) = dead
    assert bytes_ == member("a1")
    assert before <= score <= time.time()


def test_reschedule_changes_redis_and_the_entry(raw: redis.Redis, jobs: JobSet) -> None:
    raw.zadd(jobs.key, {member(jid): DUE for jid in ("a1", "a2")})
    (entry,) = jobs.fetch(DUE, "a2")
    when = datetime(2050, 1, 1, tzinfo=UTC)
    assert entry.reschedule(when)
    assert entry.at == when
    target = "schedule" if jobs.key == "dead" else jobs.key
    assert raw.zscore(target, member("a2")) == when.timestamp()
    assert raw.zscore(jobs.key, member("a1")) == DUE
    assert entry.reschedule(DUE + 5)
    assert raw.zscore(target, member("a2")) == DUE + 5
    assert entry.delete()
    assert not entry.reschedule(DUE)
    for wrong in (5, datetime(2050, 1, 1), float("nan")):
        with pytest.raises(PayloadError):
            entry.reschedule(wrong)


@pytest.mark.parametrize(
    ("kind", "move", "blocked"),
    [
        *[(kind, "retry", "queue:work") for kind in SETS],
        (ScheduledSet, "kill", "dead"),
        (RetrySet, "kill", "dead"),
        (DeadSet, "reschedule", "schedule"),
    ],
)
def test_a_move_that_redis_refuses_leaves_the_entry_where_it_was(
    raw: redis.Redis, kiq_client: kiq.Client, kind: type[JobSet], move: str, blocked: str
) -> None:
    raw.zadd(kind.key, {member("a1"): DUE})
    raw.set(blocked, "of the wrong type")
    entry = only(kind())
    moves = {
        "retry": entry.retry,
        "kill": entry.kill,
        "reschedule": lambda: entry.reschedule(DUE),
    }
    with pytest.raises(StoreError, match="WRONGTYPE"):
        moves[move]()
    assert raw.zrange(kind.key, 0, -1, withscores=True) == [(member("a1"), DUE)]
    assert raw.scard("queues") == 0


def test_an_undecodable_entry_is_shown_and_stays_until_it_is_deleted(
    raw: redis.Redis, jobs: JobSet
) -> None:
    raw.zadd(jobs.key, {b"\xffjunk": DUE})
    entry = only(jobs)
    assert (entry.class_name, entry.args, entry.queue) == ("(undecodable)", [b"\xffjunk"], None)
    with pytest.raises(UndecodablePayload, match="names no queue"):
        entry.retry()
    assert jobs.retry_all() == 0
    assert jobs.size == 1
    assert entry.delete()


def test_what_is_known_of_a_dead_entry_goes_with_it(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    def put_off(entry: SortedEntry) -> bool:
        return entry.reschedule(DUE)

    ways: list[Callable[[SortedEntry], bool]] = [SortedEntry.delete, SortedEntry.retry, put_off]
    for leave in ways:
        raw.zadd("dead", {member("a1"): DUE})
        sha = hashlib.sha1(member("a1")).hexdigest()
        raw.hset("kiq:dead-reason", sha, "why")
        raw.hset("kiq:suspects", sha, "3:4000000000")
        assert leave(only(DeadSet()))
        assert not raw.exists("kiq:dead-reason", "kiq:suspects")

"""Suspects: what was in flight at a crash is watched, and convicted only when it was running."""

from __future__ import annotations

import time
from hashlib import sha1

import redis

from kiq import keys
from kiq.store.flight import SUSPICION_TTL, read_jobs
from kiq.verdict import Done, Dropped, ToDead, ToQueue, ToRetry, ToSchedule
from tests.helpers.depot import NOW, Depot, numbered

PILL = b"pill\0|"
DIGEST = sha1(PILL, usedforsecurity=False).hexdigest()


def crash(url: str, name: str, *, marked: bool, queue_jobs: list[bytes] | None = None) -> int:
    """Take the pill as owner *name*, perhaps mark it, and die; return its level when taken."""
    depot = Depot(url, name)
    if queue_jobs:
        depot.push("a", queue_jobs)
    jobs = depot.take(10)
    (pill,) = [job for job in jobs if job.raw == PILL]
    if marked:
        depot.mark([pill])
    depot.die(Depot(url, "reclaimer").link)
    return pill.suspicion


def test_the_level_rises_only_when_the_suspect_was_marked_as_running(redis_url: str) -> None:
    assert crash(redis_url, "one", marked=False, queue_jobs=[PILL]) == 0
    assert crash(redis_url, "two", marked=False) == 1
    assert crash(redis_url, "three", marked=True) == 1
    assert crash(redis_url, "four", marked=False) == 2
    assert crash(redis_url, "five", marked=True) == 2
    assert crash(redis_url, "six", marked=True) == 3
    assert crash(redis_url, "seven", marked=False) == 3


def test_innocents_beside_a_pill_stay_at_the_first_level(redis_url: str, raw: redis.Redis) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL, *numbered(5)])
    crash(redis_url, "two", marked=True)
    crash(redis_url, "three", marked=True)
    levels = {job.raw: job.suspicion for job in Depot(redis_url, "last").take(10)}
    assert levels == {PILL: 3, **dict.fromkeys(numbered(5), 1)}


def test_settling_clears_marker_and_suspicion(redis_url: str, raw: redis.Redis) -> None:
    for verdict in (
        Done(),
        Dropped("veto"),
        ToRetry(b"x", NOW),
        ToSchedule(b"x", NOW),
        ToDead(b"x", NOW),
    ):
        crash(redis_url, "one", marked=False, queue_jobs=[PILL])
        depot = Depot(redis_url, f"settles {verdict}")
        (job,) = depot.take(10)
        assert job.suspicion == 1
        depot.mark([job])
        assert depot.move(job, verdict)[0] == 1
        assert not raw.exists(keys.MARKERS, keys.SUSPECTS)


def test_going_back_unrun_clears_the_marker_and_keeps_the_suspicion(
    redis_url: str, raw: redis.Redis
) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    depot = Depot(redis_url, "two")
    (job,) = depot.take(10)
    depot.mark([job])
    depot.move(job, ToQueue())
    assert not raw.exists(keys.MARKERS)
    assert [job.suspicion for job in depot.take(10)] == [1]


def test_leaving_in_order_clears_the_marker_and_accuses_nobody(
    redis_url: str, raw: redis.Redis
) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    depot = Depot(redis_url, "two")
    depot.mark(depot.take(10))
    depot.die(crashed=False)
    assert not raw.exists(keys.MARKERS)
    assert [job.suspicion for job in Depot(redis_url, "three").take(10)] == [1]


def test_a_marker_of_another_delivery_is_no_evidence(redis_url: str, raw: redis.Redis) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    raw.hset(keys.MARKERS, DIGEST, "elsewhere 1.1")
    crash(redis_url, "two", marked=False)
    assert [job.suspicion for job in Depot(redis_url, "three").take(10)] == [1]


def test_a_mark_that_comes_after_the_reclaim_marks_nothing(
    redis_url: str, raw: redis.Redis
) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    old, new = Depot(redis_url, "two"), Depot(redis_url, "three")
    late = old.take(10)
    old.die(new.link)
    running = new.take(10)
    new.mark(running)
    old.mark(late)  # would hide that `three` runs it
    assert raw.hgetall(keys.MARKERS) == {DIGEST.encode(): b"three 1.1"}


def test_one_of_two_identical_suspects_is_convicted_not_both_counted_twice(
    redis_url: str,
) -> None:
    crash_one = Depot(redis_url, "one")
    crash_one.push("a", [PILL, PILL])
    crash_one.take(2)
    assert crash_one.die(Depot(redis_url, "r").link).suspects == 2
    depot = Depot(redis_url, "two")
    jobs = depot.take(2)
    assert [job.suspicion for job in jobs] == [1, 1]
    depot.mark(jobs)
    depot.die(Depot(redis_url, "r").link)
    assert [job.suspicion for job in Depot(redis_url, "three").take(2)] == [2, 2]


def test_a_suspicion_ends_after_72_hours(redis_url: str, raw: redis.Redis) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    level, expiry = (raw.hget(keys.SUSPECTS, DIGEST) or b"").split(b":")
    assert level == b"1"
    assert SUSPICION_TTL == 72 * 3600
    assert int(expiry) - time.time() - SUSPICION_TTL < 5
    raw.hset(keys.SUSPECTS, DIGEST, f"2:{int(time.time()) - 1}")
    depot = Depot(redis_url, "two")
    (job,) = depot.take(10)
    assert job.suspicion == 0
    assert read_jobs(depot.link, job.flight, [job.delivery], 0.0)[0].suspicion == 0
    depot.mark([job])
    depot.die(Depot(redis_url, "r").link)
    assert [job.suspicion for job in Depot(redis_url, "three").take(10)] == [1]


def test_suspicions_and_markers_of_jobs_that_never_come_back_go_away(
    redis_url: str, raw: redis.Redis
) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    depot = Depot(redis_url, "two")
    depot.mark(depot.take(10))
    for key in (keys.SUSPECTS, keys.MARKERS):
        assert 0 < raw.ttl(key) <= SUSPICION_TTL


def test_an_adopted_job_brings_its_suspicion(redis_url: str) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    depot = Depot(redis_url, "two")
    (job,) = depot.take(10)
    found = read_jobs(depot.link, job.flight, [job.delivery, "9.9"], 0.0)
    assert [(each.raw, each.suspicion) for each in found] == [(PILL, 1)]


def test_claims_of_the_poller_are_no_suspects(redis_url: str, raw: redis.Redis) -> None:
    raw.zadd(keys.RETRY, {PILL: 1.0})
    poller = Depot(redis_url, "poller", keys.RETRY)
    assert poller.claim(keys.RETRY).raws == [PILL]
    assert poller.die(Depot(redis_url, "r").link).suspects == 0
    assert not raw.exists(keys.SUSPECTS)

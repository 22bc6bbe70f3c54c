"""Suspects: what was in flight at a crash is watched, and convicted only when it was running."""

from __future__ import annotations

import time
from hashlib import sha1
from typing import Any

import pytest
import redis

from kiq import keys
from kiq.store import owners, promotion
from kiq.store.flight import SUSPICION_TTL
from kiq.store.held import read_jobs
from kiq.verdict import Done, Dropped, PutOff, Taken, ToDead, ToQueue, ToRetry, ToSchedule
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
    marker: Any = raw.hget(keys.MARKERS, DIGEST)
    assert marker.startswith(b"three 1.1 ")


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
    now = int(time.time())
    ended = {f"{level}:ended": f"{level}:{now - 1}" for level in range(1500)}
    raw.hset(keys.SUSPECTS, mapping={**ended, "late": f"1:{now - 1}:2", "runs": f"2:{now + 60}:1"})
    long_ago = now - SUSPICION_TTL - 60
    forgotten = {"gone": f"owner 1.1 {long_ago}", "runs": f"owner 1.2 {now - 60}", "odd": "text"}
    raw.hset(keys.MARKERS, mapping=forgotten)
    owners.tidy(depot.link)
    assert set(raw.hkeys(keys.SUSPECTS)) == {DIGEST.encode(), b"runs"}
    assert set(raw.hkeys(keys.MARKERS)) == {DIGEST.encode(), b"runs"}


def test_suspicions_and_markers_have_no_ttl_by_which_a_full_redis_might_evict_them(
    redis_url: str, raw: redis.Redis
) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    depot = Depot(redis_url, "two")
    (job,) = depot.take(10)
    depot.mark([job])
    assert raw.ttl(keys.SUSPECTS) == raw.ttl(keys.MARKERS) == -1
    depot.move(job, ToQueue())
    assert raw.ttl(keys.SUSPECTS) in (-1, -2)


def test_tidying_leaves_alone_what_is_of_another_type(redis_url: str, raw: redis.Redis) -> None:
    raw.set(keys.SUSPECTS, "text")
    raw.hset(keys.MARKERS, "odd", "text")
    owners.tidy(Depot(redis_url, "one").link)
    assert raw.get(keys.SUSPECTS) == b"text"
    assert not raw.exists(keys.MARKERS)


def test_an_adopted_job_brings_its_suspicion(redis_url: str) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    depot = Depot(redis_url, "two")
    (job,) = depot.take(10)
    found = read_jobs(depot.link, job.flight, [job.delivery, "9.9"], 0.0)
    assert [(each.raw, each.suspicion) for each in found] == [(PILL, 1)]


def claimed(redis_url: str, owner: str) -> tuple[Depot, promotion.Claimed]:
    """Let a poller claim what is due."""
    poller = Depot(redis_url, owner, keys.RETRY, keys.SCHEDULE)
    return poller, poller.claim(keys.RETRY)


def test_what_a_poller_had_claimed_at_a_crash_is_suspect_and_what_it_had_marked_is_put_off(
    redis_url: str, raw: redis.Redis
) -> None:
    other = Depot(redis_url, "r").link
    raw.zadd(keys.RETRY, {PILL: 1.0, b"a|b": 2.0})
    for crash, levels in enumerate([{}, {0: 1, 1: 1}, {0: 1, 1: 2}]):
        poller, found = claimed(redis_url, f"poller-{crash}")
        assert found.suspicions == levels
        pill = found.raws.index(PILL)
        taken = Taken(f"1.{pill + 1}", poller.flight(keys.RETRY), PILL, NOW)
        if crash > 0:
            poller.mark([taken])
        assert poller.die(other).suspects == 2
        assert raw.zscore(keys.RETRY, b"a|b") == 2.0
        later = pytest.approx(time.time() + 30, abs=5)
        assert raw.zscore(keys.RETRY, PILL) == (later if crash else 1.0)
        raw.zadd(keys.RETRY, {PILL: 3.0})
    assert claimed(redis_url, "last")[1].suspicions == {0: 1, 1: 3}


def test_claims_that_go_back_without_a_crash_are_no_suspects(
    redis_url: str, raw: redis.Redis
) -> None:
    raw.zadd(keys.RETRY, {PILL: 1.0})
    poller, _ = claimed(redis_url, "poller")
    poller.mark([Taken("1.1", poller.flight(keys.RETRY), PILL, NOW)])
    assert poller.die(Depot(redis_url, "r").link, crashed=False).suspects == 0
    assert not raw.exists(keys.SUSPECTS, keys.MARKERS)


def test_a_suspect_that_reaches_its_queue_is_cleared(redis_url: str, raw: redis.Redis) -> None:
    raw.zadd(keys.RETRY, {PILL: 1.0, b"other": 2.0})
    claimed(redis_url, "first")[0].die(Depot(redis_url, "r").link)
    poller, _ = claimed(redis_url, "second")
    poller.mark([Taken("1.1", poller.flight(keys.RETRY), PILL, NOW)])
    moves = [promotion.Promotion("1.1", "a", b"job")]
    assert promotion.commit(poller.link, poller.owner, keys.RETRY, moves, [PILL]).plain == (1, [])
    assert not raw.exists(keys.MARKERS)
    assert raw.hlen(keys.SUSPECTS) == 1


def test_a_claim_is_put_off_as_it_is_and_as_suspect_as_is_said(
    redis_url: str, raw: redis.Redis
) -> None:
    raw.zadd(keys.SCHEDULE, {b"a|b": 1.0})
    poller = Depot(redis_url, "poller", keys.SCHEDULE)
    poller.claim(keys.SCHEDULE)
    taken = Taken("1.1", poller.flight(keys.SCHEDULE), b"a|b", NOW)
    poller.mark([taken])
    assert poller.move(taken, PutOff(30.0, 2)) == [1, 0]
    ((member, score),) = raw.zrange(keys.SCHEDULE, 0, -1, withscores=True)
    assert (member, score) == (b"a|b", pytest.approx(time.time() + 30, abs=5))
    assert not raw.exists(keys.MARKERS)
    raw.zadd(keys.SCHEDULE, {b"a|b": 1.0})
    assert poller.claim(keys.SCHEDULE).suspicions == {0: 2}
    again = Taken("2.1", poller.flight(keys.SCHEDULE), b"a|b", NOW, 2)
    assert poller.move(again, PutOff(0.0)) == [1, 0]
    assert poller.claim(keys.SCHEDULE).suspicions == {0: 2}


def late_crash(url: str, raw: redis.Redis, name: str, ran: float) -> int:
    """Take the pill as *name*, mark it, run it for *ran* seconds, and die; return its level when taken."""
    depot = Depot(url, name)
    (pill,) = depot.take(10)
    depot.mark([pill])
    owners.beat(depot.link, [name])
    raw.hset(keys.record(name), "beat", int(time.time() + ran))
    depot.die(Depot(url, "reclaimer").link)
    return pill.suspicion


def test_a_crash_late_in_a_run_counts_a_third(redis_url: str, raw: redis.Redis) -> None:
    assert crash(redis_url, "one", marked=False, queue_jobs=[PILL]) == 0
    levels = [late_crash(redis_url, raw, f"late {n}", 3_600) for n in range(7)]
    assert levels == [1, 1, 1, 2, 2, 2, 3]


def test_a_crash_soon_after_the_start_counts_whole_between_late_ones_too(
    redis_url: str, raw: redis.Redis
) -> None:
    crash(redis_url, "one", marked=False, queue_jobs=[PILL])
    levels = [
        late_crash(redis_url, raw, f"n {n}", ran) for n, ran in enumerate((600, 3, 600, 59, 1))
    ]
    assert levels == [1, 1, 2, 2, 3]


def test_who_was_told_to_end_and_is_killed_then_accuses_nobody(
    redis_url: str, raw: redis.Redis
) -> None:
    for number in range(5):
        depot = Depot(redis_url, f"told {number}")
        if not number:
            depot.push("a", [PILL])
        (job,) = depot.take(10)
        assert job.suspicion == 0
        depot.mark([job])
        owners.leaving(depot.link, depot.owner)
        depot.die(Depot(redis_url, "reclaimer").link)
    assert not raw.exists(keys.SUSPECTS, keys.MARKERS)


def test_who_was_reclaimed_is_not_brought_back_by_a_late_note(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url, "gone")
    depot.die(Depot(redis_url, "reclaimer").link)
    owners.leaving(depot.link, depot.owner)
    assert not raw.exists(keys.record("gone"))

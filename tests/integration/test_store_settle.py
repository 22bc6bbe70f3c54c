"""Settling: done and moves leave flight once, count once, and lose nothing when refused."""

from __future__ import annotations

import time
from hashlib import sha1
from typing import Any

import pytest
import redis

from kiq import keys
from kiq.errors import StoreError
from kiq.store import flight
from kiq.store.flight import DeadLimits
from kiq.verdict import Done, Dropped, ToDead, ToQueue, ToRetry, ToSchedule, Verdict
from tests.helpers.depot import LIMITS, NOW, Depot, in_flight, numbered, waiting

ELSEWHERE: list[tuple[Verdict, str]] = [
    (ToRetry(b"again", NOW), keys.RETRY),
    (ToSchedule(b"again", NOW), keys.SCHEDULE),
    (ToDead(b"again", NOW), keys.DEAD),
]


def digest(raw: bytes) -> str:
    return sha1(raw, usedforsecurity=False).hexdigest()


def stats(raw: redis.Redis) -> tuple[int, int]:
    return int(raw.get(keys.STAT_PROCESSED) or 0), int(raw.get(keys.STAT_FAILED) or 0)


# Done


def test_done_jobs_leave_flight_and_count_once_however_often_it_is_sent(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(3))
    jobs = depot.take(3)
    assert [depot.done(jobs)[0], depot.done(jobs)[0]] == [3, 0]
    assert in_flight(raw, depot) == []
    assert stats(raw) == (3, 0)
    day = keys.stat_day(keys.STAT_PROCESSED, NOW)
    assert raw.get(day) == b"3"
    assert 0 < raw.ttl(day) <= keys.STAT_TTL


def test_done_counts_even_when_the_owner_was_fenced_before_its_field_moved(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(1))
    jobs = depot.take(1)
    raw.delete(keys.record(depot.owner))
    assert depot.done(jobs) == [1]


def test_thousands_of_done_jobs_fit_one_call(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(9000))
    jobs = depot.take(9000)
    assert depot.done(jobs) == [9000]
    assert in_flight(raw, depot) == []


def test_a_hash_of_the_wrong_type_is_reported_and_the_others_are_settled(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(1))
    depot.push("b", numbered(1))
    jobs = depot.take(2, "a", "b")
    raw.rename(depot.flight("a").key, "aside")
    raw.set(depot.flight("a").key, "text")
    settled, index, text = depot.done(jobs)
    assert (settled, index) == (1, 1)
    assert b"WRONGTYPE" in text
    raw.rename("aside", depot.flight("a").key)
    assert depot.done(jobs) == [1]


@pytest.mark.parametrize("broken", [keys.STAT_PROCESSED, keys.stat_day(keys.STAT_PROCESSED, NOW)])
def test_a_broken_counter_never_stops_a_settle(
    redis_url: str, raw: redis.Redis, broken: str
) -> None:
    depot = Depot(redis_url)
    raw.rpush(broken, "text")
    depot.push("a", numbered(2))
    first, second = depot.take(2)
    assert depot.done([first]) == [1]
    assert depot.move(second, ToRetry(b"again", NOW)) == [1, 0]
    assert in_flight(raw, depot) == []


# Moves


@pytest.mark.parametrize(("verdict", "target"), ELSEWHERE)
def test_a_job_moves_once_however_often_it_is_sent(
    redis_url: str, raw: redis.Redis, verdict: Verdict, target: str
) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"job"])
    (job,) = depot.take(1)
    assert [depot.move(job, verdict)[0], depot.move(job, verdict)[0]] == [1, 0]
    ((member, score),) = raw.zrange(target, 0, -1, withscores=True)
    assert (member, score) == (b"again", pytest.approx(time.time(), abs=5))
    assert in_flight(raw, depot) == []
    assert stats(raw)[0] == 1


@pytest.mark.parametrize(
    ("verdict", "counted"),
    [
        (Done(), (1, 0)),
        (Dropped("veto"), (1, 0)),
        (Dropped("gave up", failed=True), (1, 1)),
        (ToRetry(b"x", NOW), (1, 1)),
        (ToSchedule(b"x", NOW), (1, 0)),
        (ToDead(b"x", NOW), (1, 1)),
        (ToDead(b"x", NOW, "garbled", ran=False), (0, 0)),
        (ToQueue(), (0, 0)),
        (ToQueue(last=True), (0, 0)),
    ],
)
def test_each_verdict_counts_what_it_says(
    redis_url: str, raw: redis.Redis, verdict: Verdict, counted: tuple[int, int]
) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"job"])
    (job,) = depot.take(1)
    depot.move(job, verdict)
    depot.move(job, verdict)
    assert stats(raw) == counted


@pytest.mark.parametrize(("last", "order"), [(False, [0, 1]), (True, [1, 0])])
def test_a_job_goes_back_to_the_end_it_was_told(
    redis_url: str, raw: redis.Redis, last: bool, order: list[int]
) -> None:
    depot = Depot(redis_url)
    payloads = [b"\0back\xff|\n", b"other"]
    depot.push("a", payloads)
    (job,) = depot.take(1)
    raw.srem(keys.QUEUES, "a")
    assert depot.move(job, ToQueue(last=last)) == [1, 0]
    assert waiting(raw) == [payloads[at] for at in order]
    assert raw.sismember(keys.QUEUES, "a")


@pytest.mark.parametrize(("verdict", "target"), [*ELSEWHERE, (ToQueue(), "queue:a")])
def test_a_target_of_the_wrong_type_leaves_the_job_in_flight_as_it_was(
    redis_url: str, raw: redis.Redis, verdict: Verdict, target: str
) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"j\0b"])
    (job,) = depot.take(1)
    raw.set(target, "text")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        depot.move(job, verdict)
    assert raw.hgetall(depot.flight("a").key) == {job.delivery.encode(): b"j\0b"}
    assert stats(raw) == (0, 0)
    raw.delete(target)
    assert depot.move(job, verdict) == [1, 0]


def test_a_score_that_is_no_number_leaves_the_job_in_flight(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"job"])
    (job,) = depot.take(1)
    with pytest.raises(StoreError, match="float"):
        depot.move(job, ToRetry(b"again", float("nan")))
    assert in_flight(raw, depot) == [b"job"]


@pytest.mark.parametrize(
    "broken",
    [keys.SUSPECTS, keys.MARKERS, keys.DEAD_REASON, keys.idle("a"), keys.QUEUES, keys.STAT_FAILED],
)
def test_side_keys_of_the_wrong_type_never_stop_a_move(
    redis_url: str, raw: redis.Redis, broken: str
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    dead, back = depot.take(2)
    dead.suspicion = back.suspicion = 1
    raw.delete(broken)
    raw.rpush(broken, "text") if broken != keys.QUEUES else raw.set(broken, "text")
    assert depot.move(dead, ToDead(b"dead", NOW, "why")) == [1, 0]
    assert depot.move(back, ToQueue()) == [1, 0]
    assert raw.zrange(keys.DEAD, 0, -1) == [b"dead"]
    assert waiting(raw) == [b"job-1"]
    assert in_flight(raw, depot) == []


def test_a_move_after_a_reclaim_does_nothing(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", [b"job"])
    (job,) = depot.take(1)
    depot.die(other.link)
    for verdict in (ToRetry(b"again", NOW), ToQueue(), ToDead(b"again", NOW), Dropped("veto")):
        assert depot.move(job, verdict) == [0]
    assert waiting(raw) == [b"job"]
    assert not raw.exists(keys.RETRY, keys.DEAD)
    assert stats(raw) == (0, 0)


# Moves that go together

TOGETHER: list[tuple[type[ToRetry] | type[ToSchedule], str, tuple[int, int]]] = [
    (ToRetry, keys.RETRY, (100, 100)),
    (ToSchedule, keys.SCHEDULE, (100, 0)),
]


@pytest.mark.parametrize(("verdict", "target", "counted"), TOGETHER)
def test_jobs_that_go_together_move_and_count_once_however_often_they_are_sent(
    redis_url: str,
    raw: redis.Redis,
    verdict: type[ToRetry] | type[ToSchedule],
    target: str,
    counted: tuple[int, int],
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(100))
    jobs = depot.take(100)
    verdicts = [verdict(b"again-" + job.raw, NOW + n) for n, job in enumerate(jobs)]
    assert depot.delay(jobs, verdicts) == [100]
    assert depot.delay(jobs, verdicts) == [0, *range(1, 101)]
    found = raw.zrange(target, 0, -1, withscores=True)
    assert [member for member, _ in found] == [b"again-" + job for job in numbered(100)]
    assert [score for _, score in found] == pytest.approx(
        [time.time() + n for n in range(100)], abs=5
    )
    assert in_flight(raw, depot) == []
    assert stats(raw) == counted


def test_of_jobs_that_go_together_those_that_others_took_stay_where_they_are(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(3))
    jobs = depot.take(3)
    depot.move(jobs[1], ToDead(b"dead", NOW))
    assert depot.delay(jobs, [ToRetry(job.raw, NOW) for job in jobs]) == [2, 2]
    assert raw.zrange(keys.RETRY, 0, -1) == [jobs[0].raw, jobs[2].raw]
    assert stats(raw) == (3, 3)


@pytest.mark.parametrize(("verdict", "target", "counted"), TOGETHER)
def test_jobs_that_go_together_stay_in_flight_when_their_set_refuses(
    redis_url: str,
    raw: redis.Redis,
    verdict: type[ToRetry] | type[ToSchedule],
    target: str,
    counted: tuple[int, int],
) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"j\0b", b"other"])
    jobs = depot.take(2)
    raw.set(target, "text")
    verdicts = [verdict(b"again", NOW), verdict(b"too", NOW)]
    with pytest.raises(StoreError, match="WRONGTYPE"):
        depot.delay(jobs, verdicts)
    assert raw.hgetall(depot.flight("a").key) == {job.delivery.encode(): job.raw for job in jobs}
    assert stats(raw) == (0, 0)
    raw.delete(target)
    with pytest.raises(StoreError, match="float"):
        depot.delay(jobs, [verdict(b"again", float("nan")), verdict(b"too", NOW)])
    assert len(in_flight(raw, depot)) == 2
    assert depot.delay(jobs, verdicts) == [2]


@pytest.mark.parametrize("broken", [keys.STAT_PROCESSED, keys.STAT_FAILED])
def test_a_broken_counter_never_stops_jobs_that_go_together(
    redis_url: str, raw: redis.Redis, broken: str
) -> None:
    depot = Depot(redis_url)
    raw.rpush(broken, "text")
    depot.push("a", numbered(2))
    jobs = depot.take(2)
    assert depot.delay(jobs, [ToRetry(job.raw, NOW) for job in jobs]) == [2]
    assert in_flight(raw, depot) == []


# The dead set


def bury(depot: Depot, raws: list[bytes], limits: DeadLimits, at: float = NOW) -> list[int]:
    depot.push("a", raws)
    replies: list[Any] = [
        depot.move(job, ToDead(job.raw, at + n / 1000, "why"), limits)
        for n, job in enumerate(depot.take(len(raws)))
    ]
    return [reply[1] for reply in replies]


def test_exactly_as_many_dead_jobs_are_kept_as_allowed(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    limits = DeadLimits(size=5, age=3600)
    assert bury(depot, numbered(5), limits) == [0] * 5
    assert raw.zcard(keys.DEAD) == 5
    assert bury(depot, numbered(2, 5), limits, NOW + 1) == [1, 1]
    assert raw.zrange(keys.DEAD, 0, -1) == numbered(5, 2)


def test_reasons_are_trimmed_with_their_jobs(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    bury(depot, numbered(8), DeadLimits(size=3, age=3600))
    assert raw.hgetall(keys.DEAD_REASON) == {digest(j).encode(): b"why" for j in numbered(3, 5)}


def test_dead_jobs_older_than_the_age_go_first(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    now = time.time()
    raw.zadd(keys.DEAD, {b"ancient": now - 3610, b"old": now - 3590})
    assert bury(depot, [b"new"], DeadLimits(size=100, age=3600)) == [1]
    assert raw.zrange(keys.DEAD, 0, -1) == [b"old", b"new"]


def test_age_and_size_together_leave_exactly_the_size(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    now = time.time()
    raw.zadd(keys.DEAD, {b"ancient-%d" % n: now - 4000 + n for n in range(3)})
    raw.zadd(keys.DEAD, {b"young-%d" % n: now - 10 + n for n in range(6)})
    assert bury(depot, [b"new"], DeadLimits(size=4, age=3600)) == [6]
    assert raw.zrange(keys.DEAD, 0, -1) == [b"young-3", b"young-4", b"young-5", b"new"]


@pytest.mark.parametrize("ahead", [-3600.0, 0.0, 3600.0])
def test_when_a_job_is_due_again_is_counted_by_the_clock_of_redis(
    redis_url: str, raw: redis.Redis, ahead: float
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(3))
    jobs = depot.take(3)
    clock = time.time() + ahead  # of the worker
    verdicts = [ToRetry(b"r", clock + 60), ToSchedule(b"s", clock + 70), ToDead(b"d", clock)]
    for job, verdict in zip(jobs, verdicts, strict=True):
        depot.link.call(flight.move_command((job, verdict), clock, LIMITS))
    now = pytest.approx(time.time(), abs=5)
    assert raw.zscore(keys.RETRY, b"r") - 60 == now
    assert raw.zscore(keys.SCHEDULE, b"s") - 70 == now
    assert raw.zscore(keys.DEAD, b"d") == now


@pytest.mark.parametrize("ahead", [-1e9, 1e9])
def test_a_worker_whose_clock_is_far_off_trims_no_dead_job_too_early(
    redis_url: str, raw: redis.Redis, ahead: float
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(1))
    (job,) = depot.take(1)
    raw.zadd(keys.DEAD, {b"old": time.time() - 3000, b"ancient": time.time() - 4000})
    clock = time.time() + ahead
    limits = DeadLimits(size=100, age=3600)
    depot.link.call(flight.move_command((job, ToDead(b"d", clock)), clock, limits))
    assert raw.zrange(keys.DEAD, 0, -1) == [b"old", b"d"]


def test_a_limit_that_was_lowered_is_reached_a_thousand_at_a_time(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    now = time.time()
    raw.zadd(keys.DEAD, {b"%04d" % n: now - 3000 + n / 10 for n in range(1500)})
    assert bury(depot, [b"x", b"y"], DeadLimits(size=10, age=3600)) == [1000, 492]
    assert raw.zcard(keys.DEAD) == 10


def test_a_garbled_job_dies_with_its_bytes_intact(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    garbled = b"\xff\0|{\n"
    assert bury(depot, [garbled, b""], DeadLimits(size=10, age=3600)) == [0, 0]
    assert raw.zrange(keys.DEAD, 0, -1) == [garbled, b""]
    assert raw.hget(keys.DEAD_REASON, digest(garbled)) == b"why"

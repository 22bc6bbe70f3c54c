"""Promotion: due members reach their queues through the poller's in-flight hash, lost at no point."""

from __future__ import annotations

import time

import pytest
import redis

from kiq import keys
from kiq.errors import StoreError
from kiq.store import promotion
from kiq.verdict import Dropped, Taken, ToDead, ToSchedule, Verdict
from tests.helpers.depot import NOW, Depot, in_flight, numbered, waiting

SCORE = 1_600_000_000.1234567


@pytest.fixture
def poller(redis_url: str) -> Depot:
    return Depot(redis_url, "poller", keys.RETRY, keys.SCHEDULE)


def due(raw: redis.Redis, members: list[bytes], source: str = keys.RETRY) -> None:
    for first in range(0, len(members), 1000):
        chunk = members[first : first + 1000]
        raw.zadd(source, {m: SCORE + first + n for n, m in enumerate(chunk)})


def test_due_members_are_claimed_in_order_and_keep_their_scores(
    poller: Depot, raw: redis.Redis
) -> None:
    due(raw, numbered(3))
    raw.zadd(keys.RETRY, {b"later": time.time() + 1000})
    claimed = poller.claim(keys.RETRY)
    assert claimed.raws == numbered(3)
    assert claimed.next_due == raw.zscore(keys.RETRY, b"later")
    assert claimed.now == pytest.approx(time.time(), abs=5)
    held = raw.hget(poller.flight(keys.RETRY).key, "1.1")
    score, _, payload = (held or b"").partition(b"|")
    assert (float(score), payload) == (SCORE, b"job-0")
    assert raw.zrange(keys.RETRY, 0, -1) == [b"later"]


def test_a_commit_moves_each_claim_once(poller: Depot, raw: redis.Redis) -> None:
    due(raw, numbered(3))
    poller.claim(keys.RETRY)
    moves = (("1.1", "a", b"A"), ("1.2", "b", b"B\0"), ("1.3", "a", b""))
    assert poller.commit(keys.RETRY, *moves) == (3, [])
    assert poller.commit(keys.RETRY, *moves) == (0, [])
    assert waiting(raw, "a") == [b"A", b""]
    assert waiting(raw, "b") == [b"B\0"]
    assert raw.smembers(keys.QUEUES) == {b"a", b"b"}
    assert in_flight(raw, poller, keys.RETRY) == []


@pytest.mark.parametrize("payload", [b"\0", b"|", b"a|b|c", b"", b"\xff\n\r|\0", b"1|2"])
def test_reclaimed_claims_return_with_score_and_bytes(
    poller: Depot, raw: redis.Redis, redis_url: str, payload: bytes
) -> None:
    raw.zadd(keys.SCHEDULE, {payload: SCORE})
    poller.claim(keys.SCHEDULE)
    assert not raw.exists(keys.SCHEDULE)
    assert poller.die(Depot(redis_url, "other").link).moved == 1
    assert raw.zrange(keys.SCHEDULE, 0, -1, withscores=True) == [(payload, SCORE)]
    assert poller.commit(keys.SCHEDULE, ("1.1", "a", payload)) == (0, [])
    assert not raw.exists("queue:a")


@pytest.mark.parametrize("count", [1000, 3999, 4000, 4001, 9000])
def test_any_number_of_due_members_is_claimed_without_loss(
    poller: Depot, raw: redis.Redis, redis_url: str, count: int
) -> None:
    members = numbered(count)
    due(raw, members)
    assert poller.claim(keys.RETRY, count).raws == members
    assert raw.hlen(poller.flight(keys.RETRY).key) == count
    poller.die(Depot(redis_url, "other").link)
    assert raw.zrange(keys.RETRY, 0, -1) == members


def test_large_members_are_cut_at_about_a_megabyte(poller: Depot, raw: redis.Redis) -> None:
    large = [b"%02d" % n + b"x" * 300_000 for n in range(10)]
    due(raw, large)
    claimed = poller.claim(keys.RETRY)
    assert claimed.raws == large[:4]
    assert claimed.next_due == SCORE + 4
    assert raw.zcard(keys.RETRY) == 6


def test_a_member_larger_than_the_budget_is_claimed_alone(poller: Depot, raw: redis.Redis) -> None:
    due(raw, [b"h" * 5_000_000, b"next"])
    assert len(poller.claim(keys.RETRY).raws) == 1
    assert poller.claim(keys.RETRY).raws == [b"next"]


def test_a_claim_that_is_sent_twice_overwrites_nothing(poller: Depot, raw: redis.Redis) -> None:
    due(raw, numbered(4))
    promotion.claim(poller.link, poller.owner, keys.RETRY, 7, 2)
    with pytest.raises(StoreError, match="call number"):
        promotion.claim(poller.link, poller.owner, keys.RETRY, 7, 2)
    assert raw.hlen(poller.flight(keys.RETRY).key) == 2
    assert raw.zcard(keys.RETRY) == 2
    # The other set counts for itself.
    raw.zadd(keys.SCHEDULE, {b"x": 1.0})
    assert promotion.claim(poller.link, poller.owner, keys.SCHEDULE, 3, 2).raws == [b"x"]


def test_a_fenced_poller_claims_nothing(poller: Depot, raw: redis.Redis, redis_url: str) -> None:
    due(raw, numbered(2))
    poller.die(Depot(redis_url, "other").link)
    assert poller.claim(keys.RETRY).fenced
    assert raw.zcard(keys.RETRY) == 2


def test_an_undecodable_claim_goes_to_the_dead_set_without_its_score(
    poller: Depot, raw: redis.Redis
) -> None:
    garbled = b"\xff|\0"
    due(raw, [garbled])
    poller.claim(keys.RETRY)
    taken = Taken("1.1", poller.flight(keys.RETRY), garbled, NOW)
    assert poller.move(taken, ToDead(garbled, NOW, "garbled", ran=False)) == [1, 0]
    assert raw.zrange(keys.DEAD, 0, -1) == [garbled]
    assert in_flight(raw, poller, keys.RETRY) == []


@pytest.mark.parametrize(
    "verdict", [ToSchedule(b"x", NOW), ToDead(b"x", NOW, "garbled"), Dropped("a veto")]
)
def test_what_becomes_of_a_claim_counts_as_no_run(
    poller: Depot, raw: redis.Redis, verdict: Verdict
) -> None:
    due(raw, [b"job"])
    poller.claim(keys.RETRY)
    taken = Taken("1.1", poller.flight(keys.RETRY), b"job", NOW)
    assert poller.move(taken, verdict) == [1, 0]
    assert not raw.exists(keys.STAT_PROCESSED, keys.STAT_FAILED)


# Keys of the wrong type


def test_a_hash_of_the_wrong_type_leaves_the_set_as_it_was(poller: Depot, raw: redis.Redis) -> None:
    due(raw, numbered(3))
    raw.set(poller.flight(keys.RETRY).key, "text")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        poller.claim(keys.RETRY)
    assert raw.zrange(keys.RETRY, 0, -1, withscores=True) == [
        (b"job-%d" % n, SCORE + n) for n in range(3)
    ]


def test_a_set_of_the_wrong_type_refuses_the_claim(poller: Depot, raw: redis.Redis) -> None:
    raw.set(keys.RETRY, "text")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        poller.claim(keys.RETRY)
    assert in_flight(raw, poller, keys.RETRY) == []


def test_a_queue_of_the_wrong_type_keeps_its_claims_and_the_others_go_on(
    poller: Depot, raw: redis.Redis
) -> None:
    due(raw, numbered(3))
    poller.claim(keys.RETRY)
    raw.set("queue:bad", "text")
    pushed, refused = poller.commit(
        keys.RETRY, ("1.1", "bad", b"x"), ("1.2", "a", b"y"), ("1.3", "bad", b"z")
    )
    assert pushed == 1
    assert len(refused) == 1
    assert "WRONGTYPE" in refused[0]
    assert waiting(raw, "a") == [b"y"]
    assert raw.hkeys(poller.flight(keys.RETRY).key) == [b"1.1", b"1.3"]
    assert not raw.sismember(keys.QUEUES, "bad")


def test_a_set_of_the_wrong_type_keeps_reclaimed_claims_in_flight(
    poller: Depot, raw: redis.Redis, redis_url: str
) -> None:
    due(raw, numbered(2))
    poller.claim(keys.RETRY)
    raw.set(keys.RETRY, "text")
    other = Depot(redis_url, "other")
    assert not poller.die(other.link).complete
    assert len(in_flight(raw, poller, keys.RETRY)) == 2
    raw.delete(keys.RETRY)
    assert poller.die(other.link).complete
    assert raw.zrange(keys.RETRY, 0, -1) == numbered(2)

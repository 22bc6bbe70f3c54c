"""Owners, their leases, and the duties that one of them does for all."""

from __future__ import annotations

import redis

from kiq import keys
from kiq.store import owners, processes
from tests.helpers.depot import Depot, open_link
from tests.helpers.waiting import eventually


def test_a_registered_owner_is_known_with_lease_and_facts(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url, "one", "queue:a", "queue:b")
    assert owners.all_owners(depot.link) == ["one"]
    facts = owners.facts(depot.link, "one")
    assert facts == {"epoch": "0", "sources": "queue:a\nqueue:b", "host": "host"}
    assert 59_000 < raw.pttl(keys.live("one")) <= 60_000
    assert owners.facts(depot.link, "nobody") == {}


def test_a_record_of_another_type_tells_nothing_and_stops_nobody(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url, "one")
    raw.delete(keys.record("one"))
    raw.set(keys.record("one"), "text")
    assert owners.facts(depot.link, "one") == {}


def test_a_beat_renews_the_leases_of_those_that_have_a_record(
    redis_url: str, raw: redis.Redis
) -> None:
    one, two = Depot(redis_url, "one"), Depot(redis_url, "two")
    raw.pexpire(keys.live("one"), 5000)
    two.die(one.link)
    assert owners.beat(one.link, ["one", "two"], 60) == {"one": True, "two": False}
    assert raw.pttl(keys.live("one")) > 50_000
    assert not raw.exists(keys.live("two"))


def test_a_lease_key_of_another_type_is_written_over(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url, "one")
    raw.delete(keys.live("one"))
    raw.rpush(keys.live("one"), "text")
    assert owners.beat(depot.link, ["one"], 60) == {"one": True}
    assert raw.get(keys.live("one")) == b"1"


def test_one_candidate_is_elected_until_its_term_ends_or_it_resigns(redis_url: str) -> None:
    link = open_link(redis_url)
    assert owners.elect(link, keys.POLLER, "one", 60)
    assert not owners.elect(link, keys.POLLER, "two", 60)
    assert owners.elect(link, keys.POLLER, "one", 60)
    owners.resign(link, keys.POLLER, "two")
    assert not owners.elect(link, keys.POLLER, "two", 60)
    owners.resign(link, keys.POLLER, "one")
    assert owners.elect(link, keys.POLLER, "two", 0.05)
    eventually(lambda: owners.elect(link, keys.POLLER, "one", 60))


def test_an_election_key_of_another_type_does_not_leave_the_duty_undone(
    redis_url: str, raw: redis.Redis
) -> None:
    raw.rpush(keys.POLLER, "text")
    link = open_link(redis_url)
    assert owners.elect(link, keys.POLLER, "one", 60)
    assert not owners.elect(link, keys.POLLER, "two", 60)


def test_a_database_has_one_name(redis_url: str) -> None:
    one, two = open_link(redis_url), open_link(redis_url)
    assert processes.store_id(one) == processes.store_id(two)


def test_orphans_are_found_by_source_and_owner(redis_url: str, raw: redis.Redis) -> None:
    raw.hset(keys.inflight("queue:a", "host:1:x:default"), "1.1", "job")
    raw.hset(keys.inflight("retry", "host:2:y:poller"), "1.1", "1|job")
    raw.set("kiq:inflight:nonsense", "text")
    assert sorted(owners.orphans(open_link(redis_url))) == [
        ("queue:a", "host:1:x:default"),
        ("retry", "host:2:y:poller"),
    ]


def test_what_an_unknown_owner_holds_goes_back_to_where_it_came_from(
    redis_url: str, raw: redis.Redis
) -> None:
    raw.hset(keys.inflight("queue:a", "gone"), "1.1", "job")
    raw.hset(keys.inflight("retry", "gone"), "1.1", "7.5|due")
    reclaimed = owners.reclaim(open_link(redis_url), "gone", proven=False, crashed=False)
    assert reclaimed is not None
    assert (reclaimed.moved, reclaimed.complete) == (2, True)
    assert raw.lrange("queue:a", 0, -1) == [b"job"]
    assert raw.zrange("retry", 0, -1, withscores=True) == [(b"due", 7.5)]

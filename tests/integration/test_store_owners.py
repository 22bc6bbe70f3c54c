"""Owners, their leases, and the duties that one of them does for all."""

from __future__ import annotations

import time

import pytest
import redis

from kiq import keys
from kiq.store import elections, owners, processes
from kiq.store.connection import Link
from tests.helpers.depot import Depot, open_link
from tests.helpers.waiting import eventually


def test_a_registered_owner_is_known_with_lease_and_facts(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url, "one", "queue:a", "queue:b")
    assert owners.all_owners(depot.link) == ["one"]
    facts = owners.facts(depot.link, "one")
    assert facts == {"epoch": "0", "lease": "60", "sources": "queue:a\nqueue:b", "host": "host"}
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


def elect(link: Link, candidate: str, term: float = 60) -> tuple[bool, str]:
    return elections.elect(link, keys.POLLER, candidate, term, 120)[:2]


def test_one_candidate_is_elected_until_its_term_ends_or_it_resigns(redis_url: str) -> None:
    link = open_link(redis_url)
    assert elect(link, "one") == (True, "")
    assert elect(link, "two") == (False, "one")
    assert elect(link, "one") == (True, "one")
    elections.resign(link, keys.POLLER, "two")
    assert elect(link, "two") == (False, "one")
    elections.resign(link, keys.POLLER, "one")
    assert elect(link, "two", 0.05) == (True, "")
    eventually(lambda: elect(link, "one")[0])


def test_an_election_key_of_another_type_does_not_leave_the_duty_undone(
    redis_url: str, raw: redis.Redis
) -> None:
    raw.rpush(keys.POLLER, "text")
    link = open_link(redis_url)
    assert elect(link, "one") == (True, "")
    assert elect(link, "two") == (False, "one")


@pytest.mark.parametrize("seconds", [None, 121, 3600])
def test_an_election_that_no_term_can_have_is_none(
    redis_url: str, raw: redis.Redis, seconds: int | None
) -> None:
    raw.set(keys.POLLER, "dead", ex=seconds)
    link = open_link(redis_url)
    assert elect(link, "one") == (True, "dead")
    assert 0 < raw.ttl(keys.POLLER) <= 60


def test_an_election_whose_term_runs_is_not_taken_away(redis_url: str, raw: redis.Redis) -> None:
    raw.set(keys.POLLER, "alive", ex=119)
    assert elect(open_link(redis_url), "one") == (False, "alive")


def test_the_elected_learns_that_another_wants_its_duty(redis_url: str, raw: redis.Redis) -> None:
    link = open_link(redis_url)

    def wanted() -> bool:
        return elections.elect(link, keys.POLLER, "one", 60, 120).wanted

    assert not wanted()
    assert not elect(link, "two")[0]
    assert wanted()
    raw.delete(keys.rival(keys.POLLER))
    assert not wanted()
    raw.rpush(keys.rival(keys.POLLER), "a key of another type")
    assert not wanted()


def absent(link: Link, owner: str, note: str) -> bool:
    return owners.note_absence(link, owner, owners.look_at(link, owner), note)


def test_that_an_owner_was_seen_without_a_lease_is_noted_until_it_beats(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url, "one")
    assert not absent(depot.link, "one", "1@5.0")  # it has its lease
    assert owners.look_at(depot.link, "one").note == ""
    raw.delete(keys.live("one"))
    assert absent(depot.link, "one", "1@5.0")
    sighting = owners.look_at(depot.link, "one")
    assert (sighting.known, sighting.lease, sighting.note) == (True, 60.0, "1@5.0")
    assert sighting.now == pytest.approx(time.time(), abs=5)
    owners.beat(depot.link, ["one"], 60)
    raw.delete(keys.live("one"))
    assert owners.look_at(depot.link, "one").note == ""
    assert not owners.note_absence(depot.link, "one", sighting, "2@9.0")  # it beat meanwhile


@pytest.mark.parametrize("seconds", [None, 62, 3600])
def test_a_lease_that_no_owner_can_have_is_as_good_as_none(
    redis_url: str, raw: redis.Redis, seconds: int | None
) -> None:
    depot = Depot(redis_url, "one")
    raw.set(keys.live("one"), "1", ex=seconds)
    assert owners.without_lease(depot.link, ["one"], 60) == ["one"]
    assert absent(depot.link, "one", "1@5.0")
    assert not raw.exists(keys.live("one"))


def test_a_lease_that_is_longer_than_ours_is_one(redis_url: str) -> None:
    depot = Depot(redis_url, "one")
    assert owners.without_lease(depot.link, ["one"], 5) == ["one"]
    assert not absent(depot.link, "one", "1@5.0")


def test_of_an_owner_without_a_record_nothing_is_known(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url, "one")
    raw.delete(keys.record("one"))
    assert not owners.look_at(depot.link, "one").known
    raw.set(keys.record("one"), "text")
    assert not owners.look_at(depot.link, "one").known


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

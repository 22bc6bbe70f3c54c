"""Owners, their leases, and the duties that one of them does for all."""

from __future__ import annotations

import time

import pytest
import redis

from kiq import keys
from kiq.store import elections, owners, processes
from kiq.store.connection import Link
from tests.helpers.depot import Depot, end_lease, has_lease, open_link
from tests.helpers.waiting import eventually


def test_a_registered_owner_is_known_with_lease_and_facts(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url, "one", "queue:a", "queue:b")
    assert owners.all_owners(depot.link) == ["one"]
    facts = owners.facts(depot.link, "one")
    assert float(facts.pop("beat")) == pytest.approx(time.time(), abs=5)
    assert facts == {"epoch": "0", "lease": "60", "sources": "queue:a\nqueue:b", "host": "host"}
    assert has_lease(depot.link, "one")
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
    end_lease(raw, "one")
    two.die(one.link)
    assert owners.beat(one.link, ["one", "two"]) == {"one": True, "two": False}
    assert has_lease(one.link, "one")
    assert not has_lease(one.link, "two")


@pytest.mark.parametrize("step", ["registered", "beaten", "seen absent", "being given back"])
def test_nothing_that_recovery_rests_on_has_a_ttl(
    redis_url: str, raw: redis.Redis, step: str
) -> None:
    depot = Depot(redis_url, "one")
    depot.push("a", [b"job", b"other"])
    jobs = depot.take(2)
    if step == "beaten":
        owners.beat(depot.link, ["one"])
    elif step == "seen absent":
        absent(depot.link, "one", "1@5.0")
    elif step == "being given back":
        raw.delete("queue:a")
        raw.set("queue:a", "a key of another type: nothing goes back")
        depot.die()
    assert len(jobs) == raw.hlen(depot.flight("a").key)
    assert not [key for key in raw.keys("kiq:*") if raw.ttl(key) != -1]


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


@pytest.mark.parametrize("seconds", [None, 180, 3600])
def test_an_election_that_no_term_can_have_is_none(
    redis_url: str, raw: redis.Redis, seconds: int | None
) -> None:
    raw.set(keys.POLLER, "dead", ex=seconds)
    link = open_link(redis_url)
    assert elect(link, "one") == (True, "dead")
    assert 0 < raw.ttl(keys.POLLER) <= 60


def test_an_election_whose_term_runs_is_not_taken_away(redis_url: str, raw: redis.Redis) -> None:
    raw.set(keys.POLLER, "alive", ex=100)
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
    return owners.note_absence(link, owner, look_at(link, owner), note)


def look_at(link: Link, owner: str) -> owners.Sighting:
    sighting = owners.look_at(link, [owner])[owner]
    assert isinstance(sighting, owners.Sighting)
    return sighting


def test_that_an_owner_was_seen_without_a_lease_is_noted_until_it_beats(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url, "one")
    assert look_at(depot.link, "one").note == ""
    end_lease(raw, "one")
    sighting = look_at(depot.link, "one")
    assert owners.note_absence(depot.link, "one", sighting, "1@5.0")
    assert not owners.note_absence(depot.link, "one", sighting, "1@5.0")  # another did meanwhile
    sighting = look_at(depot.link, "one")
    assert (sighting.known, sighting.leased, sighting.lease) == (True, False, 60.0)
    assert sighting.note == "1@5.0"
    assert sighting.now == pytest.approx(time.time(), abs=5)
    owners.beat(depot.link, ["one"])
    assert look_at(depot.link, "one").note == ""
    assert not owners.note_absence(depot.link, "one", sighting, "2@9.0")  # it beat meanwhile
    raw.hset(keys.record("one"), "absent", sighting.note)
    assert not owners.note_absence(depot.link, "one", sighting, "2@9.0")  # and is not the same


LEASES = {
    "just beaten": (0.0, True),
    "almost over": (59.0, True),
    "over": (60.5, False),
    "long over, or the clock was set forward": (3600.0, False),
    "the clock was corrected by a little": (-0.5, True),
    "the clock was set back, or a dump was restored": (-5.0, False),
    "it was set back by an hour": (-3600.0, False),
}


@pytest.mark.parametrize("case", LEASES)
def test_a_lease_runs_from_the_last_beat_by_the_clock_of_redis(
    redis_url: str, raw: redis.Redis, case: str
) -> None:
    age, runs = LEASES[case]
    depot = Depot(redis_url, "one")
    seconds, micros = raw.time()  # type: ignore[misc]
    raw.hset(keys.record("one"), "beat", seconds + micros / 1e6 - age)
    assert has_lease(depot.link, "one") == runs


@pytest.mark.parametrize("field", ["beat", "lease"])
@pytest.mark.parametrize("value", [None, "", "text", "nan"])
def test_a_record_that_does_not_say_how_long_its_lease_runs_has_none(
    redis_url: str, raw: redis.Redis, field: str, value: str | None
) -> None:
    depot = Depot(redis_url, "one")
    if value is None:
        raw.hdel(keys.record("one"), field)
    else:
        raw.hset(keys.record("one"), field, value)
    assert not has_lease(depot.link, "one")
    assert absent(depot.link, "one", "1@5.0")
    assert look_at(depot.link, "one").note == "1@5.0"


def test_an_owner_that_is_given_back_has_no_lease_however_lately_it_has_beaten(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url, "one")
    raw.rename(keys.record("one"), keys.lapsed("one"))
    sighting = look_at(depot.link, "one")
    assert (sighting.known, sighting.leased) == (True, False)
    assert absent(depot.link, "one", "1@5.0")


def test_of_many_owners_each_is_seen_as_it_is(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url, "one")
    Depot(redis_url, "two")
    end_lease(raw, "two")
    raw.set(keys.record("broken"), "text")
    seen = owners.look_at(depot.link, ["one", "two", "broken", "nobody"])
    leased = {
        name: isinstance(each, owners.Sighting) and each.leased for name, each in seen.items()
    }
    assert leased == {"one": True, "two": False, "broken": False, "nobody": False}
    assert owners.look_at(depot.link, []) == {}


def test_of_an_owner_without_a_record_nothing_is_known(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url, "one")
    raw.delete(keys.record("one"))
    assert not look_at(depot.link, "one").known
    raw.set(keys.record("one"), "text")
    assert not look_at(depot.link, "one").known


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

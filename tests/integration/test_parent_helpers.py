"""Processes that help a parent: whose jobs they give back, whose leases they renew, for how long."""

from __future__ import annotations

import redis

from kiq import keys
from kiq.clock import steady
from kiq.config import Config
from kiq.config import Redis as RedisSettings
from kiq.parent.giving_back import Dead, give_back
from kiq.parent.helpers import Helpers
from kiq.parent.keeping import keep
from kiq.parent.page import Page
from kiq.plugin import Host
from kiq.store import owners
from tests.helpers.depot import Depot, end_lease, has_lease, in_flight, numbered, waiting


def child(url: str, name: str, token: str) -> Depot:
    depot = Depot(url, name)
    owners.state(depot.link, name, {"child": token})
    return depot


def config(url: str) -> Config:
    return Config(redis=RedisSettings(url=url), lease=6)


def test_only_the_owners_with_the_token_of_the_dead_child_are_given_back(
    redis_url: str, raw: redis.Redis
) -> None:
    dead = child(redis_url, "host:4711:aaa:default", "mine")
    other = child(redis_url, "host:4711:bbb:default", "another host's")
    third = Depot(redis_url, "host:4711:ccc:default")
    dead.push("a", numbered(30))
    for depot in (dead, other, third):
        depot.take(10)
    counts: list[int] = []
    assert give_back(config(redis_url), Host(), [Dead(4711, "mine", True)], counts.append) == 0
    assert waiting(raw) == numbered(10)
    assert raw.smembers(keys.OWNERS) == {other.owner.encode(), third.owner.encode()}
    assert len(in_flight(raw, other)) == len(in_flight(raw, third)) == 10
    assert counts == [10]


def test_jobs_of_a_child_that_was_told_to_stop_are_no_suspects(
    redis_url: str, raw: redis.Redis
) -> None:
    dead = child(redis_url, "host:4711:aaa:default", "mine")
    dead.push("a", numbered(3))
    dead.take(3)
    give_back(config(redis_url), Host(), [Dead(4711, "mine", False)], [].append)
    assert waiting(raw) == numbered(3)
    assert not raw.exists(keys.SUSPECTS)


def test_a_keeper_beats_for_the_child_with_the_token_until_its_permit_is_over(
    redis_url: str, raw: redis.Redis
) -> None:
    silent = child(redis_url, "host:4711:aaa:default", "mine")
    other = child(redis_url, "host:4711:bbb:default", "another host's")
    page = Page()
    end_lease(raw, silent.owner)
    end_lease(raw, other.owner)
    page.permit = steady() - 1
    assert keep(config(redis_url), 4711, "mine", page) == 0
    assert not has_lease(silent.link, silent.owner), "its parent did not permit it"
    page.permit = steady() + 0.5
    assert keep(config(redis_url), 4711, "mine", page) == 0
    assert has_lease(silent.link, silent.owner)
    assert not has_lease(other.link, other.owner), "another's, with that number"
    page.close()


class Giving:
    """Forks nothing: notes who is to be given back."""

    def __init__(self) -> None:
        self.given: list[list[Dead]] = []
        self.refuses = False

    def give_back(self, dead: list[Dead]) -> int:
        if self.refuses:
            raise OSError("no process can be had")
        self.given.append(dead)
        return 100 + len(self.given)


def test_what_a_giver_left_undone_when_it_died_is_tried_again() -> None:
    nursery = Giving()
    helpers = Helpers(nursery)  # type: ignore[arg-type]
    one, two = Dead(1, "one", True), Dead(2, "two", True)
    helpers.owe(one)
    nursery.refuses = True
    helpers.give_back()
    nursery.refuses = False
    helpers.give_back()
    helpers.owe(two)
    helpers.give_back()
    assert nursery.given == [[one]], "one at a time"
    assert helpers.owed == [two, one], "what a parent that begins anew would have to know"
    helpers.ended(101, -9)
    helpers.give_back()
    assert nursery.given == [[one], [two, one]]
    helpers.ended(102, 0)
    helpers.give_back()
    assert not helpers.busy
    assert len(nursery.given) == 2

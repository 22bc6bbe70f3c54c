"""The bell: who found nothing is rung by who brings something; losing a ring loses no job."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis

from kiq import keys
from kiq.config import Redis as RedisSettings
from kiq.errors import StoreError
from kiq.store.connection import Connector, Link
from kiq.store.enqueue import RedisSender, schedule_command
from kiq.store.link_pool import LinkPool
from kiq.store.owners import register
from kiq.verdict import ToQueue
from tests.helpers.depot import NOW, Depot, numbered, open_link, waiting
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually


@pytest.fixture
def listener(redis_url: str) -> Callable[[str], Link]:
    def listen(owner: str) -> Link:
        link = open_link(redis_url)
        link.listen(keys.bell(owner))
        return link

    return listen


def rings(link: Link) -> int:
    """Wait until *link* was rung, and return how often."""
    return int(eventually(link.heard))


def test_a_fetch_that_finds_nothing_is_rung_by_the_next_push(
    redis_url: str, raw: redis.Redis, listener: Callable[[str], Link]
) -> None:
    depot = Depot(redis_url)
    ear = listener(depot.owner)
    fetched = depot.fetch(5, "a", "b")
    assert (fetched.idle_names_added, fetched.empty) == (2, [True, True])
    assert depot.fetch(5, "a", "b").idle_names_added == 0
    depot.push("b", numbered(3))
    assert rings(ear) == 1
    assert not raw.exists(keys.idle("b"))
    assert raw.smembers(keys.idle("a")) == {depot.owner.encode()}


def test_each_way_into_a_queue_rings(
    redis_url: str, raw: redis.Redis, listener: Callable[[str], Link]
) -> None:
    idle = Depot(redis_url, "idle")
    ear = listener("idle")

    def rung_by(action: Callable[[], object]) -> None:
        idle.fetch(1)
        assert raw.sismember(keys.idle("a"), "idle")
        action()
        assert rings(ear) == 1
        (job,) = idle.take(1)
        idle.done([job])

    worker = Depot(redis_url, "worker")
    poller = Depot(redis_url, "poller", keys.RETRY)
    worker.push("a", numbered(3))
    back, requeued, reclaimed = worker.take(3)
    rung_by(lambda: worker.hand_back([back]))
    rung_by(lambda: worker.move(requeued, ToQueue()))
    assert reclaimed.raw == b"job-2"
    rung_by(lambda: worker.die(poller.link))
    raw.zadd(keys.RETRY, {b"due": 1.0})
    poller.claim(keys.RETRY)
    rung_by(lambda: poller.commit(keys.RETRY, ("1.1", "a", b"due")))
    rung_by(
        lambda: RedisSender(LinkPool(Connector(RedisSettings(url=redis_url)))).push_one(
            "a", b"x", "jid"
        )
    )


def test_as_many_owners_are_rung_as_jobs_come(
    redis_url: str, raw: redis.Redis, listener: Callable[[str], Link]
) -> None:
    names = [f"owner-{n}" for n in range(5)]
    ears = []
    for name in names:
        Depot(redis_url, name).fetch(1)
        ears.append(listener(name))
    Depot(redis_url, "pusher").push("a", numbered(3))
    assert raw.scard(keys.idle("a")) == 2
    heard = 0

    def three_were_rung() -> bool:
        nonlocal heard
        heard += sum(ear.heard() for ear in ears)
        return heard == 3

    eventually(three_were_rung)


def test_names_that_nobody_answers_to_are_passed_over(
    redis_url: str, raw: redis.Redis, listener: Callable[[str], Link]
) -> None:
    raw.sadd(keys.idle("a"), *(f"gone-{n}" for n in range(50)))
    depot = Depot(redis_url)
    depot.fetch(1)
    ear = listener(depot.owner)
    depot.push("a", [b"x"])
    # Popped in any order until one answered: the one that is there was rung, whoever came first.
    assert rings(ear) == 1


def test_a_fetch_that_takes_something_takes_its_names_away(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.fetch(1, "a", "b")
    raw.lpush("queue:a", b"from another program")
    assert len(depot.fetch(1, "a", "b", named=True).jobs) == 1
    assert not raw.exists(keys.idle("a"), keys.idle("b"))


def test_reclaim_takes_the_names_of_the_dead_away(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.fetch(1)
    depot.die(open_link(redis_url))
    assert not raw.exists(keys.idle("a"))


def test_a_push_that_becomes_the_earliest_rings_the_poller(
    redis_url: str, listener: Callable[[str], Link]
) -> None:
    ear, link = listener(keys.POLLER_BELL), open_link(redis_url)
    soon = time.time() + 100
    link.call(schedule_command([(soon, b"first")]))
    assert rings(ear) == 1
    link.call(schedule_command([(soon + 1, b"second"), (soon + 2, b"third")]))
    link.call(schedule_command([(soon - 1, b"earlier")]))
    assert rings(ear) == 1


def test_the_pollers_bell_of_another_database_is_not_heard(
    redis_url: str, server: TestServer
) -> None:
    ears = [open_link(server.url_of(number)) for number in (0, 3)]
    for ear in ears:
        ear.listen(keys.bell(keys.POLLER_BELL))
    first, third = (open_link(server.url_of(number)) for number in (0, 3))
    third.call(schedule_command([(NOW, b"x")]))
    assert rings(ears[1]) == 1
    first.call(schedule_command([(NOW, b"x")]))
    assert rings(ears[0]) == 1
    # By now whatever was rung first has come to both.
    assert [ear.heard() for ear in ears] == [0, 0]


def test_an_owners_bell_rings_in_whatever_database_it_is(
    redis_url: str, server: TestServer
) -> None:
    depot = Depot(server.url_of(3))
    ear = open_link(server.url_of(3))
    ear.listen(keys.bell(depot.owner))
    depot.fetch(1)
    depot.push("a", [b"x"])
    assert rings(ear) == 1


def test_a_user_who_may_not_publish_pushes_and_works_all_the_same(
    redis_url: str, raw: redis.Redis, listener: Callable[[str], Link]
) -> None:
    Depot(redis_url, "idle").fetch(1)
    raw.execute_command("ACL", "SETUSER", "mute", "on", ">word", "~*", "+@all", "resetchannels")
    try:
        source = RedisSettings(url=redis_url, options={"username": "mute", "password": "word"})
        link = Connector(source).open()
        register(link, "mute", 60, ["queue:a"], {})
        depot = Depot(redis_url, "mute")
        depot.link = link
        assert depot.push("a", numbered(3)) == 3
        link.call(schedule_command([(1.0, b"x")]))
        assert raw.zcard(keys.SCHEDULE) == 1
        jobs = depot.take(3)
        raw.sadd(keys.idle("a"), "idle")
        assert depot.hand_back(jobs[2:]) == [b"ok", 1, b""]
        raw.sadd(keys.idle("a"), "idle")
        assert depot.move(jobs[1], ToQueue()) == [1, 0]
        raw.sadd(keys.idle("a"), "idle")
        assert depot.die(link).complete
    finally:
        raw.execute_command("ACL", "DELUSER", "mute")
    assert waiting(raw) == numbered(3)


# Pushing


def test_pushed_jobs_wait_in_the_order_given(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    payloads = [*numbered(9001), b"\0|\n\xff", b"", b"same", b"same"]
    assert depot.push("a", payloads) == len(payloads)
    assert waiting(raw) == payloads
    assert raw.smembers(keys.QUEUES) == {b"a"}


def test_thousands_of_jobs_are_scheduled_at_once(redis_url: str, raw: redis.Redis) -> None:
    link = open_link(redis_url)
    pairs = [(1000.5 + n, raw_job) for n, raw_job in enumerate(numbered(5001))]
    assert link.call(schedule_command(pairs)) == 5001
    assert raw.zrange(keys.SCHEDULE, 0, -1) == numbered(5001)
    assert raw.zscore(keys.SCHEDULE, b"job-7") == 1007.5


@pytest.mark.parametrize("broken", ["queue:a", keys.QUEUES])
def test_a_push_onto_a_key_of_the_wrong_type_is_refused_with_nothing_written(
    redis_url: str, raw: redis.Redis, broken: str
) -> None:
    raw.set(broken, "text")
    depot = Depot(redis_url)
    before = sorted(raw.keys())
    with pytest.raises(StoreError, match="WRONGTYPE"):
        depot.push("a", numbered(9000))
    assert sorted(raw.keys()) == before


def test_a_bell_of_the_wrong_type_stops_no_push(redis_url: str, raw: redis.Redis) -> None:
    raw.set(keys.idle("a"), "text")
    assert Depot(redis_url).push("a", numbered(2)) == 2
    assert waiting(raw) == numbered(2)

"""Reclaim: a dead owner's jobs return once, in order, whoever does it and wherever it stopped."""

from __future__ import annotations

import pytest
import redis

from kiq import keys
from kiq.store import owners, scripts
from kiq.store.fetch import Wanted, fetch_command
from kiq.verdict import ToQueue, ToRetry
from tests.helpers.depot import (
    NOW,
    Depot,
    end_lease,
    has_lease,
    in_flight,
    missed,
    numbered,
    open_link,
    waiting,
)


def reclaim_part(depot: Depot, count: int, by: Depot) -> list[object]:
    """Let *by* give back *count* jobs of queue a, and stop there."""
    ids = owners._held(by.link, "queue:a", depot.owner)
    reply: list[object] = by.link.call(
        scripts.reclaim(
            (
                *(depot.flight("a").key, "queue:a", keys.idle("a"), keys.SUSPECTS, keys.MARKERS),
                *(keys.QUEUES, keys.record(depot.owner)),
            ),
            (depot.owner, 1_000_000, "list", "a", "1", 100, 30, *ids[:count]),
        )
    )
    return reply


def lapse(depot: Depot, by: Depot) -> None:
    by.link.call(scripts.lapse((keys.record(depot.owner), keys.lapsed(depot.owner)), ("1",)))


def test_jobs_return_to_the_front_in_their_old_order(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(5000))
    for count in (9, 1, 1200, 1000, 3):  # call 10 comes after call 9, index 10 after index 9
        depot.take(count)
    for _ in range(7):
        depot.take(100)
    raw.srem(keys.QUEUES, "a")
    reclaimed = depot.die(other.link)
    assert (reclaimed.moved, reclaimed.complete, reclaimed.problems) == (2913, True, ())
    assert waiting(raw) == numbered(5000)
    assert raw.sismember(keys.QUEUES, "a")
    assert raw.smembers(keys.OWNERS) == {b"other"}
    assert not raw.keys("kiq:*host:1:abc*")


def test_what_a_reclaim_costs_grows_with_the_jobs_and_not_faster(
    redis_url: str, raw: redis.Redis
) -> None:
    costs = []
    for count in (2_000, 20_000):
        depot = Depot(redis_url)
        key = depot.flight("a").key
        raw.hset(key, mapping={f"{n // 400}.{n % 400}": b"%d" % n for n in range(count)})
        raw.config_resetstat()
        assert depot.die(open_link(redis_url)).moved == count
        stats = raw.info("commandstats")
        costs.append(sum(each["calls"] for each in stats.values()))
        assert stats["cmdstat_hscan"]["calls"] <= 10 + count // 100
        assert "cmdstat_hkeys" not in stats  # all names at once, again for each part
        assert [int(job) for job in waiting(raw)] == list(range(count))
        raw.delete("queue:a")
    assert costs[1] <= costs[0] * 12


def test_large_jobs_return_over_several_calls_in_order(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    jobs = [b"%02d" % n + b"x" * 300_000 for n in range(12)] + [b"h" * 5_000_000]
    depot.push("a", jobs)
    while depot.take(100):
        pass
    assert depot.die(other.link).moved == 13
    assert waiting(raw) == jobs


def test_awkward_bytes_return_as_they_were(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    awkward = [b"\0|\n", b"", b"\xff\xfe", b"1|2", b"same", b"same"]
    depot.push("a", awkward)
    depot.take(10)
    assert depot.die(other.link).moved == 6
    assert waiting(raw) == awkward


def test_an_owner_with_a_lease_is_left_alone_unless_its_death_is_proven(
    redis_url: str, raw: redis.Redis
) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(1))
    depot.take(1)
    assert owners.reclaim(other.link, depot.owner, proven=False, crashed=True) is None
    assert has_lease(other.link, depot.owner)
    end_lease(raw, depot.owner)
    assert not has_lease(other.link, depot.owner)
    assert has_lease(other.link, "other")
    assert owners.reclaim(other.link, depot.owner, proven=False, crashed=True) is None
    note = missed(raw, depot.owner)
    reclaimed = owners.reclaim(other.link, depot.owner, proven=False, crashed=True, note=note)
    assert reclaimed is not None
    assert reclaimed.moved == 1


@pytest.mark.parametrize("sign", ["beats", "registers again"])
def test_who_gives_a_sign_of_life_is_not_dead_by_what_was_noted_before(
    redis_url: str, raw: redis.Redis, sign: str
) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    end_lease(raw, depot.owner)
    note = missed(raw, depot.owner)
    if sign == "beats":
        owners.beat(depot.link, [depot.owner])
    else:
        owners.register(depot.link, depot.owner, 60, ["queue:a"], {})
    end_lease(raw, depot.owner)  # the clock is set at that very moment
    assert owners.reclaim(other.link, depot.owner, proven=False, crashed=True, note=note) is None
    assert depot.fetch(1).state == "ok"


def test_a_lease_that_ran_out_without_a_reclaim_changes_nothing(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(1))
    end_lease(raw, depot.owner)
    assert depot.fetch(1).state == "ok"
    assert owners.beat(depot.link, [depot.owner]) == {depot.owner: True}
    assert has_lease(depot.link, depot.owner)


def test_reclaiming_again_finds_nothing(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(3))
    depot.take(3)
    depot.die(other.link)
    again = depot.die(other.link)
    assert (again.moved, again.complete) == (0, True)
    assert waiting(raw) == numbered(3)


def test_another_process_continues_a_half_done_reclaim(redis_url: str, raw: redis.Redis) -> None:
    depot, one, two = (Depot(redis_url, name) for name in ("victim", "one", "two"))
    depot.push("a", numbered(30))
    depot.take(20)
    lapse(depot, one)
    assert reclaim_part(depot, 7, one)[:2] == [7, 7]  # and `one` dies here
    assert depot.die(two.link).moved == 13
    assert waiting(raw) == numbered(30)
    assert not raw.exists(keys.lapsed("victim"))


def test_two_reclaimers_at_once_keep_order_and_double_nothing(
    redis_url: str, raw: redis.Redis
) -> None:
    depot, one, two = (Depot(redis_url, name) for name in ("victim", "one", "two"))
    depot.push("a", numbered(30))
    depot.take(30)
    lapse(depot, one)
    lapse(depot, two)
    for by in (one, two, two, one):
        reclaim_part(depot, 6, by)
    assert depot.die(one.link).moved == 6
    assert waiting(raw) == numbered(30)


def test_a_live_owner_is_not_emptied_by_a_late_reclaim_call(
    redis_url: str, raw: redis.Redis
) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(2))
    depot.take(2)
    assert reclaim_part(depot, 10, other) == [-1]
    assert len(in_flight(raw, depot)) == 2


def test_a_settle_between_two_parts_saves_the_repeat_and_later_ones_do_nothing(
    redis_url: str, raw: redis.Redis
) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(6))
    jobs = depot.take(6)
    lapse(depot, other)
    reclaim_part(depot, 2, other)  # the newest: 5 and 4
    assert depot.done([jobs[0], jobs[5]]) == [1]
    assert depot.move(jobs[1], ToRetry(b"again", NOW)) == [1, 0]
    assert depot.move(jobs[4], ToRetry(b"again", NOW)) == [0]
    assert depot.move(jobs[2], ToQueue()) == [1, 0]
    assert depot.die(other.link).moved == 1
    assert sorted(waiting(raw)) == numbered(4, 2)
    assert raw.zrange(keys.RETRY, 0, -1) == [b"again"]


def test_the_owner_is_fenced_from_the_first_step_on(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(4))
    jobs = depot.take(2)
    lapse(depot, other)
    assert depot.fetch(2).state == "fenced"
    assert depot.hand_back(jobs) == [b"fenced"]
    assert depot.contents() is None
    assert owners.beat(depot.link, [depot.owner]) == {depot.owner: False}
    assert not has_lease(other.link, depot.owner)
    assert waiting(raw) == numbered(2, 2)


def test_sources_written_by_a_fenced_owner_do_not_bring_its_record_back(
    redis_url: str, raw: redis.Redis
) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(2))
    depot.take(2)
    lapse(depot, other)
    owners.extend_sources(depot.link, depot.owner, ["queue:a", "queue:b"])
    assert owners.beat(depot.link, [depot.owner]) == {depot.owner: False}
    reclaimed = depot.die(other.link)
    assert (reclaimed.moved, reclaimed.complete) == (2, True)


def test_sources_can_be_added_before_taking_from_them(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("b", numbered(2))
    owners.extend_sources(depot.link, depot.owner, ["queue:a", "queue:b"])
    depot.take(2, "b")
    assert depot.die(other.link).moved == 2
    assert waiting(raw, "b") == numbered(2)


def test_an_owner_entry_without_any_record_is_cleaned_by_what_it_holds(
    redis_url: str, raw: redis.Redis
) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(2))
    depot.push("b", numbered(2))
    depot.take(4, "a", "b")
    raw.delete(keys.record(depot.owner))
    assert sorted(owners.orphans(other.link)) == [
        ("queue:a", depot.owner),
        ("queue:b", depot.owner),
    ]
    assert depot.die(other.link).moved == 4
    assert raw.smembers(keys.OWNERS) == {b"other"}


def test_a_queue_of_the_wrong_type_holds_up_no_other_and_is_tried_again(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url, "victim", "queue:a", "queue:b")
    other = Depot(redis_url, "other")
    depot.push("a", numbered(3))
    depot.push("b", numbered(3))
    depot.take(6, "a", "b")
    raw.set("queue:a", "text")
    reclaimed = depot.die(other.link)
    assert (reclaimed.moved, reclaimed.complete) == (3, False)
    assert "WRONGTYPE" in reclaimed.problems[0]
    assert sorted(in_flight(raw, depot)) == numbered(3)
    assert waiting(raw, "b") == numbered(3)
    raw.delete("queue:a")
    again = depot.die(other.link)
    assert (again.moved, again.complete) == (3, True)
    assert waiting(raw, "a") == numbered(3)


def test_a_hash_of_the_wrong_type_holds_up_no_other(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url, "victim", "queue:a", "queue:b")
    other = Depot(redis_url, "other")
    depot.push("b", numbered(3))
    depot.take(6, "b")
    raw.set(depot.flight("a").key, "text")
    reclaimed = depot.die(other.link)
    assert (reclaimed.moved, reclaimed.complete) == (3, False)
    assert waiting(raw, "b") == numbered(3)


def test_a_record_of_the_wrong_type_strands_nothing(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(3))
    depot.take(3)
    raw.delete(keys.record(depot.owner))
    raw.set(keys.record(depot.owner), "text")
    reclaimed = depot.die(other.link)
    assert (reclaimed.moved, reclaimed.complete) == (3, True)
    assert waiting(raw) == numbered(3)


def test_side_keys_of_the_wrong_type_never_stop_a_reclaim(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(3))
    depot.take(3)
    for key in (keys.SUSPECTS, keys.MARKERS, keys.idle("a")):
        raw.set(key, "text")
    raw.delete(keys.QUEUES)
    raw.set(keys.QUEUES, "text")
    assert depot.die(other.link).complete
    assert waiting(raw) == numbered(3)


def test_one_broken_record_does_not_cost_the_process_its_other_leases(
    redis_url: str, raw: redis.Redis
) -> None:
    depot, other = Depot(redis_url, "one"), Depot(redis_url, "two")
    raw.delete(keys.record("one"))
    end_lease(raw, "two")
    raw.set(keys.record("one"), "text")
    assert owners.beat(depot.link, ["one", "two"])["two"]
    assert has_lease(depot.link, "two")
    assert other.fetch(1).state == "ok"


def test_an_owner_that_leaves_gives_back_everything_and_is_forgotten(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(3))
    depot.take(2)
    left = depot.die(crashed=False)
    assert (left.moved, left.suspects, left.complete) == (2, 0, True)
    assert waiting(raw) == numbered(3)
    assert not raw.exists(keys.SUSPECTS)
    assert raw.keys("kiq:*") == []


def test_jobs_taken_under_the_same_name_again_are_kept_apart(
    redis_url: str, raw: redis.Redis
) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(2))
    depot.take(1)
    lapse(depot, other)
    Depot(redis_url)  # its registration, delivered late, in the middle of the reclaim
    assert not depot.fetch(1).errors
    reclaimed = depot.die(open_link(redis_url))
    assert reclaimed.complete
    assert waiting(raw) == numbered(2)


def test_a_fetch_sent_before_the_reclaim_and_delivered_after_it_takes_nothing(
    redis_url: str, raw: redis.Redis
) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(3))
    late = fetch_command(
        depot.owner, 1, 99, Wanted(2, [depot.flight("a")], [1], [0.0], True), False
    )
    depot.die(other.link)
    assert depot.link.call(late) == [b"fenced"]
    assert waiting(raw) == numbered(3)

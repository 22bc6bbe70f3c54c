"""Hand-back and order: what has not started returns to where it came from, in its old order."""

from __future__ import annotations

import pytest
import redis

from kiq import keys
from kiq.store import held
from kiq.store.held import contents, read_jobs
from tests.helpers.depot import Depot, in_flight, numbered, open_link, waiting


def test_order_survives_fetch_hand_back_and_fetch(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(1500))
    first, second = depot.take(700), depot.take(600)
    assert depot.hand_back([*first, *second]) == [b"ok", 1300, b""]
    assert waiting(raw) == numbered(1500)
    assert [job.raw for job in depot.take(1500)] == numbered(1500)


def test_each_job_goes_back_to_its_own_queue(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(3))
    depot.push("b", numbered(3, 10))
    depot.hand_back(depot.take(6, "a", "b"))
    assert waiting(raw, "a") == numbered(3)
    assert waiting(raw, "b") == numbered(3, 10)


def test_jobs_that_go_behind_all_others_keep_their_order_too(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(5))
    depot.hand_back(depot.take(2), last=True)
    assert waiting(raw) == [*numbered(3, 2), *numbered(2)]


def test_a_repeated_hand_back_moves_nothing_twice(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(3))
    jobs = depot.take(3)
    depot.hand_back(jobs[1:])
    assert depot.hand_back(jobs) == [b"ok", 1, b""]
    assert sorted(waiting(raw)) == numbered(3)
    assert in_flight(raw, depot) == []


def test_a_late_hand_back_of_an_old_connection_does_nothing(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    jobs = depot.take(2)
    depot.contents()
    depot.epoch -= 1
    assert depot.hand_back(jobs) == [b"stale"]
    assert waiting(raw) == []
    assert len(in_flight(raw, depot)) == 2


def test_a_fenced_owner_hands_nothing_back(redis_url: str, raw: redis.Redis) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.push("a", numbered(2))
    jobs = depot.take(2)
    depot.die(other.link)
    assert depot.hand_back(jobs) == [b"fenced"]
    assert waiting(raw) == numbered(2)


def test_a_queue_of_the_wrong_type_keeps_its_jobs_in_flight_and_the_others_go_back(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    depot.push("b", numbered(2, 10))
    jobs = depot.take(4, "a", "b")
    raw.set("queue:a", "text")
    state, moved, problem = depot.hand_back(jobs)
    assert (state, moved) == (b"ok", 2)
    assert b"WRONGTYPE" in problem
    assert sorted(in_flight(raw, depot)) == numbered(2)
    assert waiting(raw, "b") == numbered(2, 10)


@pytest.mark.parametrize("broken", ["a", "b"])
def test_a_hash_of_the_wrong_type_stops_no_other_queue(
    redis_url: str, raw: redis.Redis, broken: str
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    depot.push("b", numbered(2))
    jobs = depot.take(4, "a", "b")
    key = depot.flight(broken).key
    raw.rename(key, "aside")
    raw.set(key, "text")
    state, moved, problem = depot.hand_back(jobs)
    assert (state, moved) == (b"ok", 2)
    assert b"WRONGTYPE" in problem
    raw.rename("aside", key)
    depot.hand_back(jobs)
    assert waiting(raw, "a") == waiting(raw, "b") == numbered(2)


def test_a_queue_that_was_cleared_meanwhile_is_listed_again(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(1))
    jobs = depot.take(1)
    raw.srem(keys.QUEUES, "a")  # as the Web UI does when it clears a queue
    depot.hand_back(jobs)
    assert raw.smembers(keys.QUEUES) == {b"a"}


# Reconciling


def test_what_a_lost_reply_took_is_found_and_can_be_settled(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(3))
    depot.fetch_reply(2)  # nobody reads it
    found = depot.contents()
    assert found is not None
    (held,) = found.held.values()
    jobs = read_jobs(depot.link, depot.flight("a"), sorted(held), 0.0)
    assert [job.raw for job in jobs] == numbered(2)
    assert depot.done(jobs) == [2]


def test_contents_of_a_fenced_owner_are_none(redis_url: str) -> None:
    depot, other = Depot(redis_url), Depot(redis_url, "other")
    depot.die(other.link)
    assert depot.contents() is None


def test_the_listing_is_never_older_than_the_new_epoch(
    redis_url: str, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late fetch that slips in after SCRIPT FLUSH must be listed, or be too late."""
    depot, ghost = Depot(redis_url), Depot(redis_url)
    depot.push("a", numbered(2))
    link = open_link(redis_url)
    once = iter([True])

    round_trip = link._round_trip

    def with_a_ghost_between(commands: object) -> list[object]:
        replies = round_trip(commands)  # type: ignore[arg-type]
        if next(once, False):
            ghost.fetch(2)  # loads the scripts again, as any other process would
        return replies

    raw.script_flush()
    monkeypatch.setattr(link, "_round_trip", with_a_ghost_between)
    found = contents(link, depot.owner, 5, [depot.flight("a")])
    assert found is not None
    assert sum(map(len, found.held.values())) == raw.hlen(depot.flight("a").key) == 2


def test_an_epoch_is_always_higher_than_any_seen(redis_url: str) -> None:
    depot = Depot(redis_url)
    epochs = []
    for _ in range(3):
        found = held.contents(depot.link, depot.owner, 2, [depot.flight("a")])
        assert found is not None
        epochs.append(found.epoch)
    assert epochs == [2, 3, 4]


def test_a_late_registration_does_not_bring_old_epochs_back(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    depot.contents()
    Depot(redis_url)  # the same owner once more: its first attempt, delivered late
    depot.epoch -= 1
    assert depot.fetch(2).state == "stale"

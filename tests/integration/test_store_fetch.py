"""Fetch: from queues into the in-flight hashes, whatever lies in Redis."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from kiq import keys
from kiq.config import Redis
from kiq.errors import StoreUnavailable
from kiq.store.connection import Connector
from kiq.store.flight import MAX_BYTES
from kiq.store.held import read_jobs
from tests.helpers.depot import Depot, in_flight, numbered, waiting
from tests.helpers.server import TestServer

AWKWARD = [b"\0", b"a\nb\r\n", b"1|2|3", b"\xff\xfe\x80", b"", b"[]", b"12345678901234567890"]


def test_what_is_fetched_has_left_the_queue_and_is_in_flight(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(5))
    jobs = depot.take(3)
    assert [job.raw for job in jobs] == numbered(3)
    assert [job.delivery for job in jobs] == ["1.1", "1.2", "1.3"]
    assert waiting(raw) == numbered(2, 3)
    assert raw.hgetall(depot.flight("a").key) == {
        b"1.%d" % (n + 1): b"job-%d" % n for n in (0, 1, 2)
    }


def test_payloads_come_back_byte_for_byte(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", AWKWARD)
    jobs = depot.take(100)
    assert [job.raw for job in jobs] == AWKWARD
    assert sorted(in_flight(raw, depot)) == sorted(AWKWARD)
    depot.hand_back(jobs)
    assert waiting(raw) == AWKWARD


def test_two_identical_payloads_are_two_jobs(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"same", b"same"])
    first, second = depot.take(10)
    assert depot.done([first])[0] == 1
    assert in_flight(raw, depot) == [b"same"]
    depot.hand_back([second])
    assert waiting(raw) == [b"same"]


def test_two_owners_share_a_queue_without_overlap(redis_url: str, raw: redis.Redis) -> None:
    one, two = Depot(redis_url, "one"), Depot(redis_url, "two")
    one.push("a", numbered(10))
    assert [job.raw for job in one.take(4)] == numbered(4)
    assert [job.raw for job in two.take(100)] == numbered(6, 4)
    assert len(in_flight(raw, one)) == 4
    assert len(in_flight(raw, two)) == 6


def test_a_fetch_without_a_record_takes_nothing(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    raw.delete(keys.record(depot.owner))
    assert depot.fetch(5).state == "fenced"
    assert waiting(raw) == numbered(2)


def test_a_late_fetch_of_an_old_connection_takes_nothing(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(2))
    depot.contents()
    depot.epoch -= 1
    assert depot.fetch(5).state == "stale"
    assert waiting(raw) == numbered(2)


def test_a_fetch_in_a_higher_epoch_makes_lower_ones_stale(redis_url: str) -> None:
    depot = Depot(redis_url)
    depot.epoch = 7
    assert depot.fetch(5).state == "ok"
    depot.epoch = 6
    assert depot.fetch(5).state == "stale"


def test_a_call_number_that_took_something_is_never_taken_twice(
    redis_url: str, raw: redis.Redis
) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(4))
    assert len(depot.fetch(2, call=5).jobs) == 2
    # A command that was sent twice (a proxy's retry, a mistake of ours) must not overwrite fields.
    assert depot.fetch(2, call=5).state == "stale"
    assert depot.fetch(2, call=4).state == "stale"
    assert sorted(in_flight(raw, depot)) == numbered(2)
    assert waiting(raw) == numbered(2, 2)
    assert len(depot.fetch(2, call=6).jobs) == 2


def test_scripts_that_the_server_forgot_are_loaded_again(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    raw.script_flush()
    depot.push("a", numbered(2))
    raw.script_flush()
    jobs = depot.take(2)
    raw.script_flush()
    depot.hand_back(jobs[1:])
    raw.script_flush()
    assert depot.done(jobs)[0] == 1
    assert waiting(raw) == numbered(1, 1)
    assert in_flight(raw, depot) == []


# Bytes


def test_many_large_jobs_are_cut_at_about_a_megabyte(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    large = [b"%02d" % n + b"x" * 300_000 for n in range(30)]
    depot.push("a", large)
    fetched = depot.fetch(500)
    assert [job.raw for job in fetched.jobs] == large[:4]
    assert sum(len(job.raw) for job in fetched.jobs) < 1.5 * MAX_BYTES
    assert fetched.empty == [False]
    assert waiting(raw) == large[4:]


def test_a_job_larger_than_the_budget_is_taken_alone(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    huge = b"h" * 5_000_000
    depot.push("a", [huge, b"next"])
    assert [job.raw for job in depot.take(10)] == [huge]
    assert waiting(raw) == [b"next"]


def test_large_jobs_are_not_popped_only_to_be_put_back(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b"h" * 2_000_000] * 10)
    depot.push("b", [b"l" * 300_000] * 10)
    raw.config_resetstat()
    assert len(depot.take(10, "a")) == 1
    assert len(depot.take(10, "b")) == 4
    assert "cmdstat_rpush" not in raw.info("commandstats")


def test_small_jobs_before_huge_ones_keep_the_order(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    jobs = [*numbered(20), b"H" * 3_000_000, b"I" * 3_000_000, *numbered(20, 20)]
    depot.push("a", jobs)
    seen: list[bytes] = []
    while len(seen) < len(jobs):
        took = depot.take(100)
        assert took, "a fetch brought nothing though the queue has jobs"
        assert sum(1 for job in took if len(job.raw) > MAX_BYTES) <= 1
        seen += [job.raw for job in took]
    assert seen == jobs


def test_more_than_a_thousand_jobs_come_in_order(redis_url: str, raw: redis.Redis) -> None:
    depot = Depot(redis_url)
    depot.push("a", numbered(10_000))
    seen = [job.raw for _ in range(4) for job in depot.take(2500)]
    assert seen == numbered(10_000)
    assert raw.hlen(depot.flight("a").key) == 10_000


def test_empty_payloads_do_not_count_as_the_end(redis_url: str) -> None:
    depot = Depot(redis_url)
    depot.push("a", [b""] * 40)
    assert [job.raw for job in depot.take(100)] == [b""] * 40


# Time-outs


def test_a_fetch_that_timed_out_strands_nothing_wherever_it_arrives(
    private_server: Callable[..., TestServer],
) -> None:
    server = private_server()
    raw = server.client()
    depot = Depot(server.url)
    depot.push("a", numbered(20))
    patient, depot.link = depot.link, Connector(Redis(url=server.url)).open(timeout=0.1)
    depot.link.connect()
    server.pause()
    with pytest.raises(StoreUnavailable):
        depot.fetch(5)
    server.resume()
    depot.link.close()
    depot.link = patient
    found = depot.contents()
    assert found is not None
    held = {id_ for ids in found.held.values() for id_ in ids}
    # From here on nothing of the old connection can change what is ours.
    assert {id_.decode() for id_ in raw.hkeys(depot.flight("a").key)} == held
    assert len(held) + len(waiting(raw)) == 20
    jobs = read_jobs(depot.link, depot.flight("a"), sorted(held), 0.0) if held else []
    assert sorted([job.raw for job in jobs] + waiting(raw)) == sorted(numbered(20))

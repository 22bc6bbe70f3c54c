"""Batches: what is pushed with them, and which events are told of their jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.client import Client, process_client
from kiq.codec import decode
from kiq.plugins.batches import steps
from kiq.pusher import Pusher
from tests.helpers.batched import Part, batch, fail, gate, ran, status, told
from tests.helpers.driven import DrivenWorker
from tests.helpers.locked import jids_in
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.usefixtures("fresh_host", "nothing_told")
Make = Callable[[], DrivenWorker]


def test_what_a_block_pushes_is_pushed_at_its_end(raw: redis.Redis, kiq_client: Client) -> None:
    with batch(tags=["a"]) as one:
        jids = [Part.perform_async(), Part.perform_in(60), Part.set(queue="low").perform_async()]
        jids += Part.perform_bulk([("ends", 1), ("ends", 2)])
        jids.append(kiq.push({"class": "batched.Part", "args": [], "queue": "out"}))
        assert jids_in(raw, "queue:out", "queue:low", "schedule") == []
        assert one.status() is None
    there = jids_in(raw, "queue:out", "queue:low", "schedule")
    assert sorted(there) == sorted(map(str, jids))
    seen = status(one)
    assert (seen.total, seen.pending, seen.state, seen.tags) == (6, 6, "running", ("a",))
    assert sorted(api.BatchSet().jobs(one.bid)) == sorted(there)
    payloads: Any = raw.lrange("queue:out", 0, -1)
    assert {decode(each)[0]["bid"] for each in payloads} == {one.bid}
    assert Part.perform_async() not in set(api.BatchSet().jobs(one.bid))


def test_nothing_is_pushed_if_the_block_raises(raw: redis.Redis, kiq_client: Client) -> None:
    with pytest.raises(ValueError, match="no"), batch():
        fail(Part.perform_async())
    assert raw.keys("*") == []


def test_asyncio_code_collects_as_well(raw: redis.Redis, kiq_client: Client) -> None:
    async def push() -> kiq.Batch:
        async with batch() as one:
            await asyncio.gather(*(Part.aio.perform_async("ends", n) for n in range(3)))
            await Part.aio.perform_bulk([("ends", 4)])
        return one

    one = asyncio.run(push())
    assert len(jids_in(raw, "queue:out")) == 4
    assert status(one).total == 4


def test_each_event_is_told_once(raw: redis.Redis, batch_worker: Make) -> None:
    with batch() as one:
        Part.perform_bulk([("ends", n) for n in range(20)])
    with batch_worker() as at_work:
        eventually(lambda: len(told) == 3)
        assert at_work.problems == []
    assert sorted(told) == [(event, one.bid) for event in ("complete", "end", "success")]
    seen = status(one)
    assert (seen.total, seen.succeeded, seen.pending, seen.over, seen.success) == (
        20,
        20,
        0,
        True,
        True,
    )
    assert raw.ttl(f"kiq:batch:{one.bid}") > 86_000
    assert raw.scard("kiq:batches-open") == 0


def test_a_batch_without_jobs_ends_at_once(raw: redis.Redis, batch_worker: Make) -> None:
    with batch() as one:
        pass
    assert status(one).success
    with batch_worker():
        eventually(lambda: len(told) == 3)


def test_complete_is_told_after_the_first_attempts_and_success_after_a_retry(
    raw: redis.Redis, batch_worker: Make
) -> None:
    with batch() as one:
        Part.perform_async()
        Part.perform_async("fails for now")
    with batch_worker():
        eventually(lambda: told == [("complete", one.bid)])
        seen = status(one)
        assert (seen.retrying, seen.pending, seen.over) == (1, 0, False)
        gate.set()
        assert api.RetrySet().retry_all() == 1
        eventually(lambda: len(told) == 3)
    assert ("success", one.bid) in told


@pytest.mark.parametrize("how", ["snoozes", "asks for a retry"])
def test_what_a_job_asks_for_itself_is_no_attempt(
    how: str, raw: redis.Redis, batch_worker: Make
) -> None:
    with batch() as one:
        Part.perform_async(how)
    with batch_worker():
        eventually(lambda: jids_in(raw, "schedule", "retry"))
    assert (told, status(one).pending) == ([], 1)


def test_a_dead_job_that_is_retried_by_hand_lets_success_be_told(
    raw: redis.Redis, batch_worker: Make
) -> None:
    with batch() as one:
        dead = Part.perform_async("kills for now")
        Part.perform_async()
    with batch_worker():
        eventually(lambda: len(told) == 3)
        assert sorted(told) == [(event, one.bid) for event in ("complete", "death", "end")]
        assert list(api.BatchSet().jobs(one.bid, "dead")) == [dead]
        gate.set()
        assert api.DeadSet().retry_all() == 1
        eventually(lambda: ("success", one.bid) in told)
    seen = status(one)
    assert (seen.dead, seen.succeeded, seen.success) == (0, 2, True)


@pytest.mark.parametrize(
    ("how", "events", "count"),
    [
        ("discards", ["complete", "end", "success"], "skipped"),
        ("kills", ["complete", "death", "end"], "dead"),
        ("unretried", ["complete", "death", "end"], "failed"),
        ("expired", ["complete", "end", "success"], "skipped"),
        ("cancelled", ["complete", "end"], "cancelled"),
        ("deleted", ["complete", "end"], "deleted"),
        ("cleared", ["complete", "end"], "deleted"),
        ("vetoed", ["complete", "end", "success"], "skipped"),
        ("deleted as scheduled", ["complete", "end"], "deleted"),
        ("killed as scheduled", ["complete", "death", "end"], "dead"),
        ("vetoed at its promotion", ["complete", "end", "success"], "skipped"),
    ],
)
def test_every_way_out_is_counted(
    how: str,
    events: list[str],
    count: str,
    raw: redis.Redis,
    batch_worker: Make,
) -> None:
    jobs = Part.set(retry=False) if how == "unretried" else Part.set()
    jobs = Part.set(expires_in=0.001) if how == "expired" else jobs
    kinds = {"discards": "discards", "kills": "kills", "unretried": "fails"}
    with batch() as one:
        if "scheduled" in how:
            jid = jobs.perform_in(3600)
        elif "promotion" in how:
            jid = jobs.perform_in(0.3)
        else:
            jid = jobs.perform_async(kinds.get(how, "ends"))
    assert jid
    if how == "cancelled":
        kiq.cancel(jid)
    if how == "deleted":
        assert next(iter(api.Queue("out"))).delete()
    if how == "cleared":
        assert api.Queue("out").clear() == 1
    if "as scheduled" in how:
        (entry,) = api.ScheduledSet()
        entry.delete() if how.startswith("deleted") else entry.kill()
    if how == "vetoed":
        kiq.host.around_perform(lambda run, go: go(run) if "callback" in run.payload else None)
    if "promotion" in how:
        kiq.host.around_push(lambda push, go: go(push) if "callback" in push.payload else None)
    with batch_worker():
        eventually(lambda: len(told) == len(events))
    assert sorted(told) == [(event, one.bid) for event in events]
    seen = status(one)
    assert getattr(seen, count) == 1
    assert (seen.total, seen.succeeded, seen.over) == (1, 0, True)


def test_declined_jobs_are_no_members_and_are_told(raw: redis.Redis, kiq_client: Client) -> None:
    sole = Part.set(unique=kiq.Unique(by="how"))
    there = sole.perform_async("ends", 1)
    with batch() as one:
        declined = sole.perform_async("ends", 2)
        other = sole.perform_async("waits", 3)
    assert list(one.declined) == [declined]
    assert there in one.declined[str(declined)]
    assert list(api.BatchSet().jobs(one.bid)) == [other]
    assert (status(one).total, len(jids_in(raw, "queue:out"))) == (1, 2)


def test_a_job_that_runs_twice_counts_once(raw: redis.Redis, batch_worker: Make) -> None:
    with batch() as one:
        Part.perform_bulk([("ends", 1), ("waits", 2)])
    (twin,) = [each for each in raw.lrange("queue:out", 0, -1) if b"waits" not in each]  # type: ignore[union-attr]
    raw.rpush("queue:out", twin)
    with batch_worker():
        eventually(lambda: sorted(ran) == [1, 1, 2])
        eventually(lambda: status(one).pending == 1)
        assert told == []
        gate.set()
        eventually(lambda: len(told) == 3)


def push_both() -> None:
    Part.perform_async()
    Part.set(queue="broken").perform_async()


def test_what_a_queue_refuses_keeps_the_batch_from_success(
    raw: redis.Redis, kiq_client: Client
) -> None:
    raw.set("queue:broken", "x")
    with (
        pytest.raises(kiq.BulkPushError, match="1 of its jobs were pushed") as caught,
        batch() as one,
    ):
        push_both()
    assert caught.value.jids == jids_in(raw, "queue:out")
    assert (status(one).refused, status(one).pending) == (1, 1)
    with pytest.raises(kiq.StoreError), batch() as two:
        Part.set(queue="broken").perform_async()
    assert two.status() is None
    assert api.BatchSet().size == 1


def test_a_full_redis_takes_nothing_of_a_batch(raw: redis.Redis, kiq_client: Client) -> None:
    raw.config_set("maxmemory", 1)
    try:
        with pytest.raises(kiq.StoreFull), batch() as one:
            Part.perform_async()
        assert one.status() is None
    finally:
        raw.config_set("maxmemory", 0)
    assert raw.keys("*") == []


def test_a_block_pushes_in_slices_where_that_is_said(raw: redis.Redis, kiq_client: Client) -> None:
    with batch(flush_every=3) as one:
        Part.perform_bulk([("ends", n) for n in range(4)])
        assert status(one).state == "open"
        assert (status(one).total, len(jids_in(raw, "queue:out"))) == (3, 3)
    assert (status(one).state, status(one).total) == ("running", 4)
    with pytest.raises(ValueError, match="no"), batch(flush_every=1) as two:
        fail(Part.perform_async())
    assert (status(two).state, status(two).why) == ("cancelled", "its block raised ValueError")


class Twice:
    """Sends each step a second time, as who has not read the reply does."""

    in_asyncio = "at once"
    whole = False

    def __init__(self, sender: Any) -> None:
        self._sender = sender

    def push_step(self, step: Any) -> None:
        self._sender.push_step(step)
        self._sender.push_step(step)


def test_a_step_that_is_sent_twice_is_done_once(raw: redis.Redis, kiq_client: Client) -> None:
    sender: Any = Twice(kiq_client.sender)
    limit = kiq_client.max_payload
    twice = Pusher(sender, codec="msgpack", sidekiq=8, max_payload=limit, host=kiq.host)
    with batch(client=twice) as one:
        Part.perform_async()
    with one:
        Part.perform_async()
    assert (len(jids_in(raw, "queue:out")), status(one).total) == (2, 2)


def test_death_is_told_of_the_first_that_dies_alone(raw: redis.Redis, batch_worker: Make) -> None:
    with batch() as one:
        Part.perform_bulk([("kills", 1), ("kills", 2), ("kills", 3)])
    with batch_worker():
        eventually(lambda: status(one).dead == 3)
        eventually(lambda: not jids_in(raw, "queue:out", "schedule"))
        eventually(lambda: len(told) == 3)
    assert sorted(told) == [(event, one.bid) for event in ("complete", "death", "end")]
    dead = next(api.BatchSet().jobs(one.bid, "dead"))
    api.connection(process_client()).call(steps.left(one.bid, dead, "3"))
    assert raw.exists("schedule") == 0, "a second death pushes nothing"


def test_no_event_is_told_before_the_last_is_pushed(raw: redis.Redis, batch_worker: Make) -> None:
    with batch_worker():
        with batch(flush_every=1) as one:
            Part.perform_async("ends", 1)
            eventually(lambda: status(one).succeeded == 1)
            seen = status(one)
            assert (seen.complete_at, seen.success_at, seen.end_at) == (None, None, None)
            Part.perform_async("ends", 2)
        eventually(lambda: len(told) == 3)
    assert status(one).succeeded == 2

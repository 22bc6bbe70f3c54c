"""Batches within batches, what is added to one later, cancelling, and waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.client import Client
from kiq.plugins.batches import steps
from tests.helpers.batched import Part, Told, batch, fail, gate, ran, status, told
from tests.helpers.driven import DrivenWorker
from tests.helpers.locked import jids_in
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.usefixtures("fresh_host", "nothing_told")
Make = Callable[[], DrivenWorker]


def test_a_batch_in_the_block_of_another_is_pushed_with_it(
    raw: redis.Redis, kiq_client: Client
) -> None:
    with batch("outer") as outer:
        Part.perform_async()
        with batch("inner") as inner:
            Part.perform_async()
            with batch("innermost") as innermost:
                Part.perform_bulk([(), ()])
        assert raw.keys("*") == []
    assert [status(each).total for each in (outer, inner, innermost)] == [1, 1, 2]
    assert innermost.bid.startswith(f"{inner.bid}.")
    assert status(inner).parent == outer.bid
    assert [each.bid for each in api.BatchSet().within(outer.bid)] == [inner.bid]
    raw.flushall()
    with pytest.raises(ValueError, match="no"), batch():
        fail(push_within())
    assert raw.keys("*") == []


def push_within() -> None:
    with batch():
        Part.perform_async()


def test_the_outer_one_waits_for_the_inner_one_and_its_callbacks(
    raw: redis.Redis, batch_worker: Make
) -> None:
    callbacks: Any = {"on_success": Told.args("outer"), "on_complete": Told.args("outer complete")}
    with kiq.Batch(**callbacks) as outer, kiq.Batch(on_success=Part.args("waits", 7)):
        Part.perform_async("ends", 1)
    with batch_worker():
        eventually(lambda: 7 in ran)
        eventually(lambda: status(outer).waiting == 1)
        assert told == []
        gate.set()
        eventually(lambda: len(told) == 2)
    assert sorted(told) == [("outer", outer.bid), ("outer complete", outer.bid)]


def test_a_callback_adds_the_next_stage_to_the_outer_batch(
    raw: redis.Redis, batch_worker: Make
) -> None:
    with (
        kiq.Batch(on_success=Told.args("all")) as outer,
        kiq.Batch(on_success=Part.args("nests", 10)),
    ):
        Part.perform_async("ends", 1)
    with batch_worker():
        eventually(lambda: ("all", outer.bid) in told)
        eventually(lambda: status(outer).success)
    assert sorted(ran) == [1, 10, 11]
    assert status(outer).batches == 2


def test_a_death_within_is_told_outside_and_mended_by_hand(
    raw: redis.Redis, batch_worker: Make
) -> None:
    with batch() as outer, batch() as inner:
        Part.perform_async("kills for now")
    with batch_worker():
        eventually(lambda: len(told) == 6)
        assert not status(outer).success
        gate.set()
        api.DeadSet().retry_all()
        eventually(lambda: len(told) == 8)
    assert told[-2:] == [("success", inner.bid), ("success", outer.bid)]


def test_a_job_adds_to_its_batch(raw: redis.Redis, batch_worker: Make) -> None:
    with batch() as one:
        Part.perform_async("adds", 1)
    with batch_worker():
        eventually(lambda: len(told) == 3)
    assert sorted(ran) == [1, 2]
    assert (status(one).total, status(one).succeeded) == (2, 2)


def test_nothing_is_added_to_what_is_over(raw: redis.Redis, kiq_client: Client) -> None:
    with batch() as one:
        pass
    with pytest.raises(kiq.BatchClosed, match="finished"), one:
        Part.perform_async()
    with pytest.raises(kiq.BatchClosed, match="finished"), kiq.Batch(parent=one):
        Part.perform_async()
    with pytest.raises(kiq.BatchClosed, match="no such batch"), kiq.Batch.find("f00d"):
        Part.perform_async()
    with batch() as other:
        Part.perform_async()
    assert other.cancel("enough")
    with pytest.raises(kiq.BatchClosed, match="is cancelled"), other:
        Part.perform_async()
    assert len(jids_in(raw, "queue:out")) == 1


def test_a_job_that_died_may_add_when_it_is_retried(raw: redis.Redis, batch_worker: Make) -> None:
    with batch() as one:
        Part.perform_async("kills for now")
    with batch_worker():
        eventually(lambda: status(one).over)
        gate.set()
        assert raw.ttl(f"kiq:batch:{one.bid}") > 0
    dead = next(iter(api.DeadSet()))
    found = kiq.Batch.find(one.bid)
    with pytest.raises(kiq.BatchClosed), found:
        Part.perform_async()
    assert dead.retry()
    with batch_worker():
        eventually(lambda: ("success", one.bid) in told)


def test_a_cancelled_batch_ends_without_success(raw: redis.Redis, batch_worker: Make) -> None:
    with batch() as one:
        Part.perform_async("waits", 1)
        Part.perform_in(3600, "ends", 2)
        with batch() as inner:
            Part.perform_async("waits", 3)
            Part.perform_in(3600, "ends", 4)
    with batch_worker():
        eventually(lambda: sorted(ran) == [1, 3])
        assert one.cancel("enough")
        assert not one.cancel()
        assert jids_in(raw, "schedule") == []
        eventually(lambda: status(one).over)
        eventually(lambda: told == [("end", one.bid)])
    seen = status(one)
    assert (seen.state, seen.why, seen.success, seen.cancelled) == ("cancelled", "enough", False, 2)
    assert status(inner).state == "cancelled"


def test_waiting_ends_with_the_batch(raw: redis.Redis, batch_worker: Make) -> None:
    with batch() as one:
        Part.perform_async("waits")
    with pytest.raises(TimeoutError, match="is not over after"):
        one.wait(0.05)
    with batch_worker():
        gate.set()
        assert one.wait(10).success
        assert asyncio.run(one.aio.wait(10)).success
    with pytest.raises(kiq.BatchClosed, match="its block still open"):
        kiq.Batch().wait(1)


def test_a_job_that_ends_well_in_a_cancelled_batch_makes_no_success(
    raw: redis.Redis, kiq_client: Client
) -> None:
    with batch() as one:
        jid = str(Part.perform_async())
    assert one.cancel("enough")
    assert not status(one).over
    api.connection(kiq_client).call(steps.left(one.bid, jid, "done"))
    seen = status(one)
    assert (seen.over, seen.success, seen.complete_at) == (True, False, None)

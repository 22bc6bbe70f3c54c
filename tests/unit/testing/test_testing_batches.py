"""Batches in tests: their jobs and callbacks are drained without a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import kiq
from kiq import testing
from tests.helpers.batched import Part, batch, clear, gate, ran, told

pytestmark = pytest.mark.usefixtures("fresh_host", "unconfigured")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    clear()
    yield
    gate.set()


def status(one: kiq.Batch) -> kiq.api.BatchStatus:  # type: ignore[name-defined]
    found = one.status()
    assert found is not None
    return found


def test_draining_runs_the_jobs_and_then_the_callbacks() -> None:
    with testing.scoped("fake"):
        with batch(tags=["a"]) as one:
            Part.perform_async("ends", 1)
            Part.perform_in(60, "adds", 2)
            assert testing.jobs() == []
        assert (status(one).total, status(one).pending, status(one).tags) == (2, 2, ("a",))
        assert testing.drain() == 6
    assert ran == [1, 2, 3]
    assert told == [(event, one.bid) for event in ("complete", "success", "end")]
    assert (status(one).success, status(one).succeeded) == (True, 3)


def test_a_job_that_raises_is_dead_to_its_batch() -> None:
    with testing.scoped("fake"):
        with batch() as one:
            Part.perform_async("fails")
        with pytest.raises(ValueError, match="on purpose"):
            testing.drain()
        assert status(one).dead == 1
        testing.drain()
    assert sorted(told) == [(event, one.bid) for event in ("complete", "death", "end")]


def test_the_outer_batch_waits_for_the_inner_one() -> None:
    with testing.scoped("fake"):
        with batch("outer") as outer, batch("inner") as inner:
            Part.perform_async()
        testing.perform_one()
        assert not status(outer).success
        testing.drain()
    assert told.index(("success", inner.bid)) < told.index(("success", outer.bid))


def test_inline_all_runs_at_the_end_of_the_block() -> None:
    with testing.scoped("inline"):
        with batch() as one:
            Part.perform_bulk([("ends", 1), ("ends", 2)])
            assert ran == []
        assert ran == [1, 2]
    assert told == [(event, one.bid) for event in ("complete", "success", "end")]


def test_what_is_cancelled_does_not_run() -> None:
    with testing.scoped("fake"):
        with batch() as one:
            Part.perform_bulk([("ends", 1), ("ends", 2)])
        assert one.cancel("enough")
        testing.drain()
        with pytest.raises(kiq.BatchClosed, match="is cancelled"), one:
            Part.perform_async()
    assert ran == []
    assert told == [("end", one.bid)]
    assert (status(one).cancelled, status(one).state) == (2, "cancelled")


def test_nobody_waits_for_what_a_test_has_to_drain() -> None:
    with testing.scoped("fake"):
        with batch() as one:
            Part.perform_async()
        with pytest.raises(TimeoutError, match="drain"):
            one.wait()
        testing.drain()
        assert one.wait().success

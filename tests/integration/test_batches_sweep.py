"""What batches are not told of, the sweep finds: lost jobs, events that failed, producers that died."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.client import process_client
from kiq.plugins.batches import keys, sweep
from kiq.plugins.census import Census
from tests.helpers.batched import Part, batch, gate, ran, status, told
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.usefixtures("fresh_host", "nothing_told")


#: One for each close look.
looks: list[int] = []


class Counted(Census):
    """A census that is counted."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        looks.append(len(self.missing))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that come soon after one another."""
    looks.clear()
    monkeypatch.setattr(sweep, "_REST", 0.05)
    monkeypatch.setattr(sweep, "Census", Counted)


@pytest.mark.usefixtures("quick")
def test_what_another_program_deletes_is_lost_and_what_runs_is_not(
    raw: redis.Redis, batch_worker: Callable[[], DrivenWorker]
) -> None:
    with batch() as one:
        Part.set(queue="elsewhere").perform_async()
        Part.perform_async("waits", 7)
        Part.perform_in(3600)
    raw.delete("queue:elsewhere")
    with batch_worker():
        eventually(lambda: ran == [7])
        eventually(lambda: status(one).lost == 1)
        before = len(looks)
        eventually(lambda: len(looks) > before + 4)
        assert (status(one).pending, status(one).lost) == (2, 1)
        gate.set()
        eventually(lambda: status(one).pending == 1)
        api.ScheduledSet().retry_all()
        eventually(lambda: len(told) == 2)
    assert sorted(told) == [("complete", one.bid), ("end", one.bid)]


@pytest.mark.usefixtures("quick")
def test_an_event_that_could_not_be_told_is_told_later(
    raw: redis.Redis, batch_worker: Callable[[], DrivenWorker]
) -> None:
    raw.set("schedule", "broken")
    with batch() as one:
        pass
    assert status(one).end_at is None
    raw.delete("schedule")
    with batch_worker():
        eventually(lambda: len(told) == 3)


@pytest.mark.usefixtures("quick")
def test_a_block_whose_producer_died_is_cancelled(
    raw: redis.Redis, batch_worker: Callable[[], DrivenWorker]
) -> None:
    one = batch(flush_every=1)
    one.__enter__()
    Part.perform_async()
    one._close()
    raw.hset(keys.record(one.bid), "touched_at", "1000")
    with batch_worker():
        eventually(lambda: status(one).over)
    assert (status(one).state, status(one).success) == ("cancelled", False)
    assert "neither ended" in status(one).why


def test_verify_finds_what_is_nowhere(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    kiq.host.install(kiq.plugins.batches.Batches())  # type: ignore[attr-defined]
    with batch() as one:
        Part.perform_bulk([(), ()])
    assert api.verify(process_client()).clean
    raw.delete("queue:out")
    found = api.verify(process_client()).findings
    assert {each.check for each in found} == {"batches"}
    assert len(found) == 2
    assert all(each.mended for each in api.verify(process_client(), mend=True).findings)
    assert (status(one).lost, status(one).over) == (2, True)

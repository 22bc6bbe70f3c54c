"""Batches against the model that ``kiq.testing`` has of them: every state and event."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import kiq
from kiq.client import process_client
from kiq.codec import decode
from kiq.plugins.batches import keys, steps
from kiq.plugins.batches.memory import Memory
from kiq.plugins.batches.reader import statuses
from kiq.plugins.batches.trial import Share, remembered
from kiq.sender import Load
from tests.helpers.batched import Part, Told, batch
from tests.helpers.modelled import PHASES

ENDS = ("done", "skipped", "retry", "3", "4", "5", "6", "7")
EVENTS = ("complete", "success", "death", "end", "cancelled")


class BatchMachine(RuleBasedStateMachine):
    """Jobs of batches within batches end in any way; people add and cancel; writes are sent twice."""

    raw: redis.Redis

    @initialize()
    def begin(self) -> None:
        self.raw.flushdb()
        self.model = Memory()
        self.bids: list[str] = []
        #: Whoever has ever been of a batch, and of which.
        self.jobs: list[tuple[str, str]] = []
        self.pushed: list[bytes] = []
        self.home = kiq.api.connection(process_client())  # type: ignore[attr-defined]

    @rule(outer=st.integers(-1, 5), count=st.integers(0, 2))
    def make(self, outer: int, count: int) -> None:
        parent = (
            kiq.Batch.find(self.bids[outer % len(self.bids)]) if outer >= 0 and self.bids else None
        )
        if parent is not None and parent.bid.count(".") > 1:
            return
        made = batch(parent=parent)
        share = Share(made.bid, "", Load({}, (), ()), made._fields, True, True)
        why = self.model.begin(remembered(share), "")
        try:
            with made:
                jids = [str(Part.perform_async()) for _ in range(count)]
        except kiq.BatchClosed:
            assert why
            return
        assert not why
        self.bids.append(made.bid)
        self.model.join(made.bid, jids)
        self.model.commit(made.bid, True)
        self.jobs += [(made.bid, jid) for jid in jids]

    @precondition(lambda self: self.bids)
    @rule(which=st.integers(0, 9), count=st.integers(1, 2))
    def add(self, which: int, count: int) -> None:
        bid = self.bids[which % len(self.bids)]
        why = self.model.closed(bid, "")
        try:
            with kiq.Batch.find(bid):
                jids = [str(Part.perform_async()) for _ in range(count)]
        except kiq.BatchClosed:
            assert why
            return
        assert not why
        self.model.join(bid, jids)
        self.model.commit(bid, False)
        self.jobs += [(bid, jid) for jid in jids]

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 30), what=st.sampled_from(ENDS), twice=st.booleans())
    def end(self, which: int, what: str, twice: bool) -> None:
        bid, jid = self.jobs[which % len(self.jobs)]
        assert bool(self.home.call(steps.left(bid, jid, what))) == self.model.leave(bid, jid, what)
        if twice and what in ("done", "skipped"):
            assert self.home.call(steps.left(bid, jid, what)) == 0

    @precondition(lambda self: self.bids)
    @rule(which=st.integers(0, 9))
    def look_again(self, which: int) -> None:
        """As the sweep does: where nothing was missed, nothing comes of it."""
        self.home.call(steps.judged(self.bids[which % len(self.bids)]))

    @precondition(lambda self: self.bids)
    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        bid = self.bids[which % len(self.bids)]
        done = kiq.Batch.find(bid).cancel("on purpose")
        assert done == (not self.model.cancel(bid, "on purpose"))

    @invariant()
    def callbacks_are_pushed_once(self) -> None:
        """What is due is taken out, so that a second push of the same would be seen."""
        found: Any = self.raw.zrange("schedule", 0, -1)
        self.raw.delete("schedule")
        due, self.model.due = self.model.due, []
        assert sorted(found) == sorted(due)
        assert not set(due) & set(self.pushed)
        self.pushed += due
        for raw in due:
            payload = decode(raw)[0]
            if payload.get("bid"):
                self.jobs.append((payload["bid"], payload["jid"]))

    @invariant()
    def numbers_and_events_are_the_same(self) -> None:
        for bid, there in zip(self.bids, statuses(self.home, self.bids), strict=True):
            model = self.model.status(bid)
            assert there is not None
            assert model is not None
            for name in ("state", "total", "pending", "retrying", "skipped", "dead", "deleted"):
                assert getattr(there, name) == getattr(model, name), name
            for name in ("cancelled", "lost", "failed", "waiting", "batches", "succeeded"):
                assert getattr(there, name) == getattr(model, name), name
            for event in EVENTS:
                name = f"{event}_at"
                assert (getattr(there, name) is None) == (getattr(model, name) is None), name
            assert bool(self.raw.sismember(keys.OPEN, bid)) == (not model.over)


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("fresh_host", "kiq_client")
def test_batches_are_as_the_model_says(raw: redis.Redis) -> None:
    Told.perform_async  # noqa: B018 (registered)
    BatchMachine.raw = raw
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        BatchMachine,
        settings=settings(
            max_examples=25,
            phases=PHASES,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

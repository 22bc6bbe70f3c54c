"""``kiq.cancel`` and an iterable job that runs: it ends between two items, and says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import redis

import kiq
from kiq.config import Capsule
from kiq.plugins.cancelling import Cancelling
from kiq.plugins.iteration import IterationPlugin
from tests.helpers.driven import DrivenWorker
from tests.helpers.untraced import untraced
from tests.helpers.waiting import eventually

notes: list[str] = []


class Counts(kiq.IterableJob):
    def build(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
        for number in range(cursor or 0, 100_000):
            yield number, number

    def each(self, item: int) -> None:
        notes.append("begin")
        until = time.monotonic() + 0.01
        while time.monotonic() < until:
            sum(range(100))
        notes.append("end")

    def on_cancel(self) -> None:
        notes.append("cancelled")


def test_it_ends_between_two_items_and_its_callback_runs(
    redis_url: str, tmp_path: Path, raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    notes.clear()
    with untraced():
        worker = DrivenWorker(redis_url, tmp_path, Capsule(concurrency=1))
        worker._host.install(Cancelling())
        worker._host.install(IterationPlugin())
        with worker:
            jid = Counts.perform_async()
            eventually(lambda: len(notes) > 4)
            assert jid is not None
            kiq.cancel(jid)
            eventually(lambda: raw.get("stat:processed") == b"1")
    assert notes[-1] == "cancelled"
    assert notes.count("begin") == notes.count("end"), "no item was cut short"
    assert [raw.exists(key) for key in ("retry", "dead", "queue:default")] == [0] * 3

"""Cancelling async jobs at the moment when they leave their thread for the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.clock import steady
from kiq.config import Capsule
from kiq.plugins.asyncio_jobs import AsyncJobs
from kiq.plugins.cancelling import Cancelling
from tests.helpers.driven import DrivenWorker
from tests.helpers.untraced import untraced
from tests.helpers.waiting import eventually

notes: list[str] = []


class Note(kiq.Job):
    async def perform(self, text: str) -> None:
        notes.append(text)


class SlowLoop(asyncio.SelectorEventLoop):
    """Takes its time with what a processor hands over, so that there is time for a cancel."""

    seconds = 0.0

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        if threading.current_thread().name.startswith("kiq-default-") and self.seconds:
            notes.append("is handed over")
            until, SlowLoop.seconds = steady() + self.seconds, 0.0
            while steady() < until:
                pass
        return super().call_soon_threadsafe(callback, *args, context=context)


@pytest.fixture
def worker(
    redis_url: str, tmp_path: Path, kiq_client: kiq.Client, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DrivenWorker]:
    notes.clear()
    monkeypatch.setattr(asyncio, "new_event_loop", SlowLoop)
    with untraced():
        made = DrivenWorker(redis_url, tmp_path, Capsule(concurrency=2), shutdown_timeout=5.0)
        made._host.install(AsyncJobs())
        made._host.install(Cancelling())
        with made:
            yield made
        made._host.events.emit("exit", made._host.report)  # ends the event loop


@pytest.mark.needs("greenlet")
def test_one_that_is_cancelled_while_it_is_handed_over_is_dropped_and_others_run(
    worker: DrivenWorker, raw: redis.Redis
) -> None:
    SlowLoop.seconds = 0.5
    jid = Note.perform_async("cancelled")
    eventually(lambda: notes == ["is handed over"])
    assert jid is not None
    kiq.cancel(jid)
    eventually(lambda: raw.get("stat:processed") == b"1", 5, message="it is settled")
    Note.perform_async("next")
    eventually(lambda: "next" in notes, 5, message="the loop takes the next one")
    eventually(lambda: not raw.keys("kiq:inflight:*"))
    assert raw.get("stat:processed") == b"2"
    assert notes == ["is handed over", "next"]
    assert worker.problems == []

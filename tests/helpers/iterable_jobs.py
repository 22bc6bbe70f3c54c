"""Iterable jobs, and one that polls, for worker processes of the tests; see :mod:`tests.helpers.jobs`."""

from __future__ import annotations

import time
from typing import Any

import kiq
from kiq import iteration
from tests.helpers.jobs import note, store


class Steps(kiq.IterableJob):
    """Notes each step; waits at a step that the test holds until it is released."""

    def build(self, label: str, size: int, pause: float = 0.0, *, cursor: Any) -> Any:
        return iteration.sequence(range(size), cursor=cursor)

    def each(self, item: int, label: str, size: int, pause: float = 0.0) -> None:
        note(f"{label} {item}")
        until = time.monotonic() + 20
        while store().exists(f"hold:{label}:{item}") and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(pause)

    def on_start(self) -> None:
        note("start")

    def on_resume(self) -> None:
        note("resume")

    def on_stop(self) -> None:
        note("stop")

    def on_cancel(self) -> None:
        note("cancel")

    def on_complete(self) -> None:
        note("complete")


class Polls(kiq.Job):
    """A plain job that looks whether it is to end, and hands the rest to another one."""

    def perform(self, label: str, begin: int = 0) -> None:
        note(f"begin {label} at {begin}")
        for step in range(begin, 10_000):
            if self.interrupted:
                note(f"interrupted {label}")
                type(self).perform_async(label, step)
                return
            time.sleep(0.01)

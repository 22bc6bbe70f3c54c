"""What the tests of Redis's and the network's faults share: one worker or four, and being at work again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.arena import Arena
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

#: With one worker, and with four.
WORKERS = pytest.mark.parametrize("workers", [1, 4])


def crew(arena: Arena, workers: int, **settings: Any) -> list[WorkerProcess]:
    """Start so many workers at once; return them when all are ready."""
    settings.setdefault("concurrency", 10 if workers == 1 else 4)
    started = [arena.start(wait=False, **settings) for _ in range(workers)]
    return [each.wait_until_ready(40) for each in started]


def lasts(seconds: float) -> None:
    """Let a fault last."""
    end = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= end, seconds + 5)


def again_and_again(arena: Arena, times: int, fault: Callable[[], object], jobs: int = 100) -> None:
    """Bring *fault* about so many times, each in the middle of so many *jobs* and more."""
    for _ in range(times):
        known = len(arena.journal.ended())
        for _ in range(2 * jobs):
            arena.try_to_push("Takes", 0.002)
        arena.await_ended(known + jobs // 2)
        fault()


def all_work_again(arena: Arena, within: float = 10) -> None:
    """Push jobs until each running worker has started one of them; fail after *within* seconds."""
    began, pushed = time.monotonic(), len(arena.acknowledged)
    wanted = {str(worker.pid) for worker in arena.workers if worker.running}

    def each_has_started_one() -> bool:
        arena.try_to_push("Takes", 0.01)
        new = set(arena.acknowledged[pushed:])
        return wanted <= {pid for word, jid, pid in arena.journal.lines() if jid in new}

    try:
        eventually(each_has_started_one, within, interval=0.03, message="all work again")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{arena.report()}") from None
    print(f"\nall work again after {time.monotonic() - began:.2f} s")


def assert_quiet(arena: Arena) -> None:
    """Fail when a worker took the fault for one of its own or of a job, or was declared dead."""
    words = ("declared dead", "will run twice", "[context=settling", "[context=promotion")
    complaints = [*arena.complaints(), *_lines(arena, *words)]
    assert not complaints, f"{len(complaints)} complaints:\n" + "\n".join(complaints[:10])


def _lines(arena: Arena, *words: str) -> list[str]:
    return [
        line
        for worker in arena.workers
        for line in worker.lines
        if any(word in line for word in words)
    ]

"""What a crash gives back does not wait for the courier's next look."""

from __future__ import annotations

import re
from datetime import datetime

from tests.chaos.arena import THREADS, Arena
from tests.helpers.waiting import eventually

_NAP = 1.0  # seconds: how long a courier sleeps that has nothing to do


def test_jobs_of_a_dead_process_start_as_soon_as_they_are_given_back(arena: Arena) -> None:
    first = arena.start()
    arena.push_many(THREADS, "Takes", 0.5)
    eventually(
        lambda: len(arena.journal.counts("S")) == THREADS, 20, message="all jobs have started"
    )
    arena.kill(first)
    second = arena.start()
    given_back = _time_of(second.says("was declared dead", f"{THREADS} unfinished"))
    eventually(
        lambda: sum(arena.journal.counts("S").values()) == 2 * THREADS, 20, message="they run again"
    )
    started = arena.journal.path.stat().st_mtime
    assert started - given_back < _NAP * 0.8
    arena.await_all(20)


def _time_of(line: str) -> float:
    (stamp,) = re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line)
    return datetime.fromisoformat(stamp).timestamp()

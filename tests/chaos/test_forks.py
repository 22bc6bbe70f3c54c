"""Jobs that fork at full rate beside others: no child hangs, and so no job that waits for one."""

from __future__ import annotations

import pytest

from tests.chaos.arena import Arena
from tests.chaos.forking import FORKS
from tests.chaos.long_form import LONG
from tests.helpers.waiting import eventually

#: Forks of each job. Where the child took a lock of the worker's, one of some 200 hung.
TIMES = 2_000 if LONG else 250
_AT_ONCE = 4


@pytest.mark.parametrize("how", [*FORKS, "pool"])
def test_no_child_hangs_that_is_forked_beside_jobs_that_do_nothing(arena: Arena, how: str) -> None:
    worker = arena.start(concurrency=_AT_ONCE + 2)
    times = TIMES if how == "exits" else TIMES // 5
    forkers = [arena.push("Forks", how, times) for _ in range(_AT_ONCE)]

    def all_have_forked() -> bool:
        if arena.store.llen("queue:default") < 2_000:
            arena.push_many(4_000, "Blinks")
        return set(forkers) <= arena.journal.ended()

    eventually(all_have_forked, 150, message="the forks")
    assert not arena.journal.counts("H"), "a child hangs"
    arena.store.delete("queue:nowhere")
    assert arena.verify(60).duplicated == 0
    assert worker.stop() == 0

"""Children of a parent are killed, at random, for a while: nothing is lost, and repeats have a reason."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.arena import Arena
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess


def _children(arena: Arena, parent: WorkerProcess) -> list[int]:
    """The pids of the children that say that they take jobs, and live."""
    lines = [line for line in parent.lines if "takes jobs" in line]
    pids = [int(line.split("(pid ")[1].split(")")[0]) for line in lines]
    return [pid for pid in pids if Path(f"/proc/{pid}").exists() and not _is_zombie(pid)]


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except OSError:
        return True


def _kill_one(arena: Arena, parent: WorkerProcess, chance: random.Random) -> None:
    """Kill -9 a child that was not killed before; note that what ran in it may run again."""

    def there() -> list[int]:
        return [pid for pid in _children(arena, parent) if pid not in arena.faults]

    pid = chance.choice(eventually(there, 30, message="a child takes jobs"))
    arena.faults[pid] = "killed"
    with suppress(ProcessLookupError):  # a rolling restart may have ended it just now
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("processes", [1, 3])
def test_random_children_are_killed_under_load(arena: Arena, processes: int) -> None:
    chance = random.Random(processes)
    arena.push_many(6_000, "Takes", 0.002)
    arena.push_many(200, "FailsOnce")
    parent = arena.start(processes=processes)
    kills = range(400, 5_201, 400)
    for target in kills:
        arena.await_ended(target, 60)
        _kill_one(arena, parent, chance)
    # Whatever kills come from is counted as if the jobs had done it: see docs/reliability.md.
    arena.verify(60, counted=True, may_die=True)
    assert not arena.dead(), "short jobs that are killed once or twice are not convicted"
    assert parent.running
    parent.signal(signal.SIGTERM)
    assert parent.wait(30) == 0
    assert parent.log.count("killed by signal 9") == len(kills)


def test_a_rolling_restart_amid_kills(arena: Arena) -> None:
    chance = random.Random(7)
    arena.push_many(5_000, "Takes", 0.002)
    parent = arena.start(processes=3)
    for target in range(500, 4_501, 1_000):
        arena.await_ended(target, 60)
        parent.signal(signal.SIGUSR2)
        arena.await_ended(target + 250, 60)
        _kill_one(arena, parent, chance)
    arena.verify(60, may_die=True)
    parent.signal(signal.SIGTERM)
    assert parent.wait(30) == 0


def test_a_parent_that_is_killed_leaves_its_jobs_to_the_next(arena: Arena) -> None:
    arena.push_many(3_000, "Takes", 0.002)
    parent = arena.start(processes=2)
    arena.await_ended(500)
    children = _children(arena, parent)
    parent.signal(signal.SIGKILL)
    parent.wait()
    eventually(lambda: all(_is_zombie(pid) for pid in children), 30, message="no child is left")
    arena.start(processes=2)
    arena.verify(60)

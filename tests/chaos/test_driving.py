"""Faults in the middle of driving, when processors do their courier's rounds: what holds, holds there too.

Every test proves first that it strikes a worker that drives: tests/chaos/witness.py.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from kiq.store import owners
from tests.chaos.arena import Arena
from tests.chaos.crew import all_work_again, assert_quiet, lasts
from tests.chaos.hygiene import counters, registered
from tests.chaos.long_form import LONG
from tests.chaos.witness import WITNESS, get_driving
from tests.helpers.depot import open_link
from tests.helpers.proxy import GARBLED, MOMENTS, PLACES, FaultProxy, Garbling, Moment, Place
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

TIMES = 25 if LONG else 3
STOPS = 200 if LONG else 5

pytestmark = pytest.mark.timeout(900 if LONG else 180)


def start(arena: Arena, **settings: Any) -> WorkerProcess:
    """Start a worker whose rounds are witnessed; of few threads, so that it soon drives."""
    return arena.start(plugins=WITNESS, **{"concurrency": 2, **settings})


# Workers that end


def test_kills_in_the_midst_of_driving_repeat_what_had_started(arena: Arena) -> None:
    for kill in range(TIMES):
        worker = start(arena, concurrency=(1, 3, 10)[kill % 3])
        get_driving(arena, worker)
        arena.crash(worker)
    start(arena)
    arena.verify(40)


def test_stops_at_any_moment_of_driving_lose_and_repeat_nothing(arena: Arena) -> None:
    for stop in range(STOPS):
        worker = start(arena, concurrency=(1, 2, 10)[stop % 3])
        get_driving(arena, worker)
        lasts(arena.random.random() * 0.03)
        if stop % 2:
            worker.signal(signal.SIGTSTP)
            lasts(arena.random.random() * 0.01)
        worker.signal(signal.SIGTERM)
        assert worker.wait(10) == 0, worker.log
        assert not in_flight(arena), worker.log
    start(arena)
    assert arena.verify(60).duplicated == 0
    assert_quiet(arena)


def in_flight(arena: Arena) -> list[str]:
    return [key for key in arena.held() if key.startswith("kiq:inflight:")]


@pytest.mark.parametrize("timeout", [0, 1])
def test_a_stop_by_its_deadline_between_short_and_long_jobs_loses_nothing(
    arena: Arena, timeout: int
) -> None:
    stops = TIMES if LONG else 2
    for _ in range(stops):
        worker = start(arena, shutdown_timeout=timeout, concurrency=4)
        arena.push_many(2, "Takes", 1.5)
        get_driving(arena, worker)
        worker.signal(signal.SIGTERM)
        if timeout and worker.running:
            worker.signal(signal.SIGTERM)
        assert worker.wait(10) in (0, 128 + signal.SIGTERM), worker.log
        arena.may_repeat(worker, "jobs were running at its deadline")
    start(arena, concurrency=10)
    arena.verify(60)
    starts = arena.journal.counts("S")
    assert max(starts.values()) <= 1 + stops


# Redis, and the way to it


def _flush_scripts(arena: Arena) -> None:
    arena.store.script_flush()


def _kill_clients(arena: Arena) -> None:
    arena.store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def _pause(arena: Arena) -> None:
    arena.store.execute_command("CLIENT", "PAUSE", "300", "ALL")


def _be_full(arena: Arena) -> None:
    arena.store.config_set("maxmemory", 1)
    lasts(0.3)
    arena.store.config_set("maxmemory", 0)


def _refuse_writes(arena: Arena) -> None:
    """Answer every write with an error that will pass (NOREPLICAS; READONLY is alike to kiq)."""
    arena.store.config_set("min-replicas-to-write", 1)
    lasts(0.3)
    arena.store.config_set("min-replicas-to-write", 0)


def _restart(arena: Arena) -> None:
    arena.server.kill()
    lasts(0.5)
    arena.server.restart()


NUISANCES = [_flush_scripts, _kill_clients, _pause, _be_full, _refuse_writes, _restart]


def test_what_redis_does_in_the_midst_of_driving_loses_and_repeats_nothing(arena: Arena) -> None:
    worker = start(arena)
    for _ in range(TIMES if LONG else 1):
        for nuisance in NUISANCES:
            get_driving(arena, worker)
            nuisance(arena)
            all_work_again(arena)
    assert arena.verify(60).duplicated == 0
    assert_quiet(arena)


EVERY: tuple[Moment | Place | Garbling, ...] = (*MOMENTS, *PLACES, GARBLED)


def test_cuts_in_the_midst_of_driving_lose_and_repeat_nothing(
    arena: Arena, proxy: FaultProxy
) -> None:
    worker = start(arena, url=proxy.url)
    for _ in range(TIMES if LONG else 1):
        for moment in EVERY:
            get_driving(arena, worker)
            before = proxy.cuts
            proxy.cut_next(moment)
            eventually(lambda n=before: proxy.cuts > n, 10, message=f"a cut {moment}")
    all_work_again(arena)
    assert arena.verify(60).duplicated == 0
    assert_quiet(arena)


def test_a_black_hole_in_the_midst_of_driving_is_waited_out_at_rest(
    arena: Arena, proxy: FaultProxy
) -> None:
    worker = start(arena, url=proxy.url, redis="{socket_timeout: 1}")
    for way in ("both ways", "from the server"):
        get_driving(arena, worker)
        proxy.swallow(True, way)  # type: ignore[arg-type]
        lasts(0.5)
        began = cpu(worker)
        lasts(2.0)
        assert cpu(worker) - began < 0.5, "it is busy with nothing"
        proxy.swallow(False)
        all_work_again(arena)
    assert arena.verify(60).duplicated == 0
    assert_quiet(arena)


def cpu(worker: WorkerProcess) -> float:
    """Seconds that *worker* has computed so far, on Linux (of 100 ticks each)."""
    with open(f"/proc/{worker.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


# Ownership


def test_a_fence_in_the_midst_of_driving_repeats_what_had_started_and_counts_it_once(
    arena: Arena,
) -> None:
    link = open_link(arena.server.url)
    for _ in range(TIMES):
        worker = start(arena)
        get_driving(arena, worker)
        (owner,) = (name for name in registered(arena.store) if f":{worker.pid}:" in name)
        gone = owners.reclaim(link, owner, proven=True, crashed=False)
        assert gone is not None
        worker.says("this process was declared dead")
        get_driving(arena, worker)  # under its new name
        assert worker.stop() == 0
    start(arena)
    arena.verify(40)


def test_suspects_that_come_along_in_the_midst_of_driving_are_done_once(arena: Arena) -> None:
    held = [arena.push("Takes", 0.4) for _ in range(6)]
    for _ in range(2):  # twice in flight at a crash: what runs alone, and what runs with care
        worker = start(arena, concurrency=10)
        eventually(lambda w=worker: begun_in(arena, w) & set(held), 15, message="some run")  # type: ignore[misc]
        arena.crash(worker)
    worker = start(arena)
    get_driving(arena, worker)
    arena.verify(60)


def begun_in(arena: Arena, worker: WorkerProcess) -> set[str]:
    pid = str(worker.pid)
    return {jid for word, jid, where in arena.journal.lines() if (word, where) == ("S", pid)}


# Jobs


def test_jobs_that_fork_in_the_midst_of_driving_leave_the_rounds_to_their_parents(
    arena: Arena,
) -> None:
    worker = start(arena)
    forks: list[Callable[[], str]] = [
        lambda: arena.push("ForksAndForgets", "return"),
        lambda: arena.push("ForksAndForgets", "exit"),
        lambda: arena.push("ForksAndForgets", "raise"),
        lambda: arena.push("Multiprocesses"),
    ]
    for fork in forks * TIMES:
        get_driving(arena, worker, 1)
        fork()
    assert arena.verify(60).duplicated == 0
    assert len(arena.journal.counts("C")) == len(forks) * TIMES
    assert worker.stop() == 0


def test_two_capsules_that_drive_at_once_do_bad_jobs_and_good_ones(arena: Arena) -> None:
    capsules = "{other: {concurrency: 2, queues: [[x, 3], [y, 1]]}}"
    worker = start(arena, queues="[default, low]", capsules=capsules)
    for good in (0, 1, 99):
        for queue in ("default", "low", "x", "y"):
            for _ in range(4):
                arena.push_many(2, "FailsOnce", queue=queue)
                arena.push_many(2 * good, "Blinks", queue=queue)
            arena.push("Misbehaves", "exit", queue=queue)
            arena.push_many(1, "Blinks", queue=queue, padding="x" * 1_000_000)
            arena.store.lpush(f"queue:{queue}", f"no payload {good} {queue}")
        for queue in ("default", "x"):
            get_driving(arena, worker, queue=queue)
    eventually(lambda: drove(arena, worker) == {"default", "other"}, 20, message="both drive")
    assert arena.verify(60, counted=False).duplicated == 0
    assert len(arena.dead()) == 12, "what was no payload"
    failed = len(arena.journal.counts("F"))
    assert counters(arena.store) == (len(arena.journal.ended()) + failed, failed)


def drove(arena: Arena, worker: WorkerProcess) -> set[str]:
    """The capsules whose threads have done rounds."""
    pid = str(worker.pid)
    lines = arena.journal.lines()
    return {name.split("-")[1] for word, name, where in lines if (word, where) == ("D", pid)}

"""Jobs that misbehave: a bad job harms only itself, and no thread dies of one."""

from __future__ import annotations

import base64
import os
import signal
import time

import pytest

from kiq.codec import decode
from tests.chaos.arena import Arena
from tests.chaos.long_form import FLEETS, LONG, with_fleets
from tests.chaos.misdeeds import ENDS, HARMS, RAISES
from tests.helpers.waiting import eventually

#: Kilobytes that a worker may need at most, whatever its jobs raise: a bare one has some 35,000.
SANE = 300_000
#: What harms other jobs that misbehave: they could not do what they should.
ALONE = ("closes 1 and 2", "leaks descriptors")
TOGETHER = [how for how in HARMS if how not in ALONE]


def start(arena: Arena, workers: int, **settings: object) -> None:
    """Start so many workers."""
    for each in [arena.start(wait=False, **settings) for _ in range(workers)]:
        each.wait_until_ready()


@pytest.mark.parametrize("workers", FLEETS if LONG else (4,))
def test_whatever_a_job_raises_it_is_tried_again_and_its_thread_lives(
    arena: Arena, workers: int
) -> None:
    start(arena, workers, concurrency=2)
    for how in RAISES:
        arena.push("Misbehaves", how, backtrace=True)
    arena.push_many(200)
    arena.await_all(40)
    arena.push_many(50)
    arena.verify(20)
    assert all(worker.running for worker in arena.workers)
    for worker in arena.workers:
        peak = int(_status(worker.pid, "VmHWM"))
        print(f"peak of {worker.pid}: {peak:,} KB")
        assert _resident(worker.pid) < SANE
        assert worker.stop() == 0


def _status(pid: int, name: str) -> str:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(line.split()[1] for line in status if line.startswith(f"{name}:"))


def _resident(pid: int) -> int:
    return int(_status(pid, "VmRSS"))


@pytest.mark.parametrize("how", ["long message", "dirty message", "deep traceback"])
def test_what_is_kept_of_an_error_is_small_and_can_be_read(arena: Arena, how: str) -> None:
    arena.start(concurrency=2)
    jid = arena.push("Misbehaves", how, backtrace=True, retry=0)
    eventually(lambda: arena.dead() == [jid], 30, message="it is in the dead set")
    (raw,) = arena.store.zrange("dead", 0, -1)  # type: ignore[misc]
    assert len(raw) < 100_000
    payload, _ = decode(raw)
    assert len(payload["error_message"]) <= 10_000
    assert base64.b64decode(payload["error_backtrace"])
    arena.verify(besides=[jid])


def test_an_error_with_a_long_message_does_not_fill_the_log(arena: Arena) -> None:
    worker = arena.start(concurrency=2)
    arena.push("Misbehaves", "long message")
    arena.verify()
    assert 1_000 < len(worker.log) < 1_000_000


@pytest.mark.parametrize(
    ("ways", "workers"),
    with_fleets([[how] for how in HARMS] if LONG else [TOGETHER, *([how] for how in ALONE)]),
)
def test_a_process_that_a_job_harmed_works_on_and_ends_in_order(
    arena: Arena, ways: list[str], workers: int
) -> None:
    start(arena, workers, concurrency=2)
    arena.push_many(200)
    for how in ways:
        arena.push("Wrecks", how)
    arena.push_many(300, "Takes", 0.01)
    arena.verify(30)
    assert [worker.stop() for worker in arena.workers] == [0] * workers


@pytest.mark.parametrize(("how", "workers"), with_fleets(ENDS))
def test_the_jobs_of_a_process_that_a_job_ended_are_done_by_another(
    arena: Arena, how: str, workers: int
) -> None:
    arena.push_many(200)
    arena.push("Wrecks", how)
    arena.push_many(200, "Takes", 0.01)
    start_all = [arena.start(wait=False) for _ in range(workers)]
    eventually(
        lambda: any(not worker.running for worker in start_all), 20, message="one of them ends"
    )
    (ended,) = [worker for worker in start_all if not worker.running]
    assert ended.wait() == ENDS[how][1], ended.log
    arena.may_repeat(ended, f"ended by a job: {how}")
    if workers == 1:
        arena.start()
    arena.verify(30)
    assert sum(worker.running for worker in arena.workers) == max(1, workers - 1)


@pytest.mark.parametrize("workers", FLEETS if LONG else (4,))
def test_a_job_that_blocks_for_ever_costs_its_thread_and_nothing_else(
    arena: Arena, workers: int
) -> None:
    blocked = arena.push("Wrecks", "blocks")
    start(arena, workers, concurrency=2, shutdown_timeout=1)
    eventually(lambda: arena.journal.counts("S")[blocked], 15, message="it has begun")
    arena.push_many(300, "Takes", 0.005)
    arena.await_all(20, besides=[blocked])
    (stuck,) = [w for w in arena.workers if ["S", blocked, str(w.pid)] in arena.journal.lines()]
    began = time.monotonic()
    assert stuck.stop(15) == 0
    assert time.monotonic() - began < 1 + 8
    arena.may_repeat(stuck, "a job was still running at its deadline")
    if workers == 1:
        arena.start(concurrency=2)
    assert arena.verify(20).duplicated == 1


@pytest.mark.parametrize("workers", FLEETS if LONG else (4,))
def test_a_process_whose_interpreter_is_held_for_less_than_its_lease_repeats_nothing(
    arena: Arena, workers: int
) -> None:
    start(arena, workers, concurrency=3, lease=5)
    arena.push("HoldsTheInterpreter", 2.5)
    arena.push_many(200, "Takes", 0.01)
    assert arena.verify(20).duplicated == 0


def test_a_process_whose_interpreter_is_held_for_longer_than_its_lease_loses_nothing(
    arena: Arena,
) -> None:
    start(arena, 2, concurrency=3, lease=5)
    arena.push("HoldsTheInterpreter", 8.0)
    arena.push_many(200, "Takes", 0.01)
    arena.verify(30)
    assert all(worker.running for worker in arena.workers)


@pytest.mark.parametrize("workers", FLEETS)
def test_a_pill_ends_three_processes_at_most_and_the_innocent_beside_it_all_run(
    arena: Arena, workers: int
) -> None:
    pill = arena.push("Pill", 0.05)
    arena.push_many(300, "Takes", 0.02)
    fleet = [arena.start(wait=False) for _ in range(workers)]
    ended = 0
    while ended < 3:
        eventually(
            lambda them=fleet: any(not worker.running for worker in them), 25, message="one dies"
        )
        gone = [worker for worker in fleet if not worker.running]
        assert [worker.wait() for worker in gone] == [-signal.SIGKILL] * len(gone)
        ended += len(gone)
        fleet = [w for w in fleet if w.running] + [arena.start(wait=False) for _ in gone]
    eventually(lambda: arena.dead() == [pill], 25, message="the pill is in the dead set")
    arena.verify(30, besides=[pill])
    assert arena.journal.counts("S")[pill] == 3
    assert all(worker.running for worker in fleet)


@pytest.mark.parametrize("how", ["return", "exit", "raise"] if LONG else ["exit"])
def test_a_child_that_a_job_forks_does_not_run_other_jobs(arena: Arena, how: str) -> None:
    arena.start(concurrency=2)
    arena.push_many(3_000)
    arena.push_many(4, "ForksAndForgets", how)
    arena.push_many(300)
    arena.await_all(20)
    eventually(lambda: sum(arena.journal.counts("C").values()) >= 4, message="the children ran")
    worker = str(arena.workers[0].pid)
    strangers = [line for line in arena.journal.lines() if line[0] != "C" and line[2] != worker]
    assert not strangers, "a child ran jobs of its parent"
    arena.verify(20)
    assert arena.workers[0].stop() == 0


def test_a_job_may_use_multiprocessing(arena: Arena) -> None:
    arena.start(concurrency=4)
    arena.push_many(12, "Multiprocesses")
    arena.push_many(500)
    arena.verify(30)
    assert sum(arena.journal.counts("C").values()) == 12


def test_a_producer_that_forks_pushes_on_both_sides(arena: Arena) -> None:
    arena.start()
    arena.push_many(10)
    inherited = len(arena.attempted)
    child = os.fork()
    if child == 0:
        try:
            for number in range(50):
                arena.push("Takes", 0.0, jid=f"{number:024x}")
        finally:
            os._exit(0)
    arena.push_many(50)
    _, status = os.waitpid(child, 0)
    assert status == 0
    theirs = [f"{number:024x}" for number in range(50)]
    arena.attempted += theirs
    arena.acknowledged += theirs
    assert arena.verify(15).ok == inherited + 50 + 50

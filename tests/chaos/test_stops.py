"""Workers that are told to stop, or to be quiet: nothing is lost, and nothing is repeated in order."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from tests.chaos.arena import Arena
from tests.chaos.long_form import FLEETS, LONG, with_fleets
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

#: How often a worker is stopped while jobs are pushed; 1500 is what was promised.
STOPS = int(os.environ.get("CHAOS_STOPS", "200" if LONG else "20"))
STOPPING = (signal.SIGTERM, signal.SIGINT)
OVERDUE = "jobs were still running at its deadline"


def begun(arena: Arena, jids: int) -> None:
    """Wait until so many jobs have begun."""
    eventually(lambda: len(arena.journal.counts("S")) >= jids, 15, message=f"{jids} jobs run")


@pytest.mark.timeout(240 + 3 * STOPS)
def test_a_worker_that_is_stopped_while_jobs_are_pushed_loses_and_repeats_nothing(
    arena: Arena,
) -> None:
    arena.start()
    over = threading.Event()

    def push() -> None:
        while not over.wait(0.002):
            arena.push("Quick")

    producer = threading.Thread(target=push)
    producer.start()
    try:
        for _ in range(STOPS):
            leaving = arena.workers[-1]
            coming = arena.start(wait=False)
            # At another moment of its life each time.
            pause = arena.random.random() * 0.1
            began = time.monotonic()
            eventually(lambda b=began, p=pause: time.monotonic() - b >= p, 2)
            coming.wait_until_ready()
            leaving.signal(signal.SIGTERM)
            assert leaving.wait(10) == 0, leaving.log
    finally:
        over.set()
        producer.join()
    assert arena.verify(20).duplicated == 0


@pytest.mark.parametrize("workers", FLEETS if LONG else (4,))
def test_workers_that_are_stopped_while_busy_give_back_what_had_not_started(
    arena: Arena, workers: int
) -> None:
    arena.push_many(400, "Takes", 0.01)
    for _ in range(3):
        known = len(arena.journal.ended())
        fleet = [arena.start(wait=False) for _ in range(workers)]
        arena.await_ended(min(known + 20, 400))
        for worker in fleet:
            worker.wait_until_ready()
            worker.signal(signal.SIGTERM)
        assert [worker.wait(10) for worker in fleet] == [0] * workers
    arena.start()
    assert arena.verify(20).duplicated == 0


@pytest.mark.parametrize(("number", "workers"), with_fleets(STOPPING))
def test_what_outlasts_the_deadline_goes_back_and_what_does_not_is_done(
    arena: Arena, number: signal.Signals, workers: int
) -> None:
    worker = arena.start(concurrency=6, shutdown_timeout=1)
    short = [arena.push("Takes", 0.5) for _ in range(3)]
    long = [arena.push("Takes", 3.0, 0.1) for _ in range(3)]
    begun(arena, 6)
    others = [arena.start(wait=False) for _ in range(workers - 1)]
    worker.signal(number)
    assert worker.wait(12) == 0
    arena.may_repeat(worker, OVERDUE)
    arena.cut_short[worker.pid] = set(long)
    if not others:
        arena.start()
    arena.verify(20)
    starts = arena.journal.counts("S")
    assert {starts[jid] for jid in short} == {1}
    assert {starts[jid] for jid in long} == {2}, "at most once more"


def test_jobs_that_hear_nothing_do_not_keep_a_process_from_leaving(arena: Arena) -> None:
    worker = arena.start(concurrency=4, shutdown_timeout=1)
    arena.push_many(4, "Deaf", 4.0)
    begun(arena, 4)
    began = time.monotonic()
    assert worker.stop(12) == 0
    assert time.monotonic() - began < 1 + 5
    arena.may_repeat(worker, OVERDUE)
    arena.start(concurrency=4)
    arena.verify(20)


@pytest.mark.parametrize(("second", "workers"), with_fleets(STOPPING))
def test_a_second_signal_ends_it_now_and_in_order(
    arena: Arena, second: signal.Signals, workers: int
) -> None:
    worker = arena.start(concurrency=2, shutdown_timeout=30)
    arena.push_many(2, "Takes", 60.0, 0.1)  # until it is told again, however late
    begun(arena, 2)
    for _ in range(workers - 1):
        arena.start()
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    worker.signal_again(second)
    assert worker.wait(12) == 0, worker.log
    assert time.monotonic() - began < 5
    arena.may_repeat(worker, OVERDUE)
    if workers == 1:
        arena.start()
    arena.verify(20)


@pytest.mark.parametrize("workers", FLEETS if LONG else (1,))
def test_a_third_signal_ends_it_at_once_and_its_jobs_are_done_by_another(
    arena: Arena, workers: int
) -> None:
    worker = arena.start(concurrency=2, shutdown_timeout=30)
    arena.push_many(2, "Deaf", 2.5)
    begun(arena, 2)
    worker.signal(signal.SIGTERM)
    worker.says("stopping: running jobs have")
    arena.server.pause()  # so that the second signal does not end it
    worker.signal_again(signal.SIGTERM)
    worker.says("told again")
    worker.signal_again(signal.SIGTERM)
    assert worker.wait(3) == 128 + signal.SIGTERM
    arena.server.resume()
    arena.may_repeat(worker, "ended by a third signal")
    for _ in range(workers):
        arena.start(wait=False)
    arena.verify(20)


@pytest.mark.parametrize(
    "moment",
    ["kiq 0", "this process is", "ready; stop it", None] if LONG else ["kiq 0", "this process"],
)
def test_a_signal_during_the_start_ends_it_in_order(arena: Arena, moment: str | None) -> None:
    arena.push_many(200, "Takes", 0.005)
    for _ in range(3):
        worker = arena.start(wait=False)
        if moment is None:
            pause, began = arena.random.random(), time.monotonic()
            eventually(lambda b=began, p=pause: time.monotonic() - b >= p, 2)
        else:
            worker.says(moment, timeout=15)
        worker.signal(signal.SIGTERM)
        # Before its handlers are there, it has nothing to put in order.
        assert worker.wait(12) in ((0, -signal.SIGTERM) if moment is None else (0,)), worker.log
    arena.start()
    assert arena.verify(20).duplicated == 0


@pytest.mark.parametrize("workers", FLEETS)
def test_workers_stopped_while_redis_is_away_leave_by_their_deadline_and_lose_nothing(
    arena: Arena, workers: int
) -> None:
    # With the usual lease: that their jobs are done long before it ends is due to their locks.
    fleet = [arena.start(shutdown_timeout=1, concurrency=4, wait=False) for _ in range(workers)]
    for worker in fleet:
        worker.wait_until_ready()
    arena.push_many(100 * workers, "Takes", 0.02)
    arena.await_ended(20)
    arena.server.kill()
    began = time.monotonic()
    for worker in fleet:
        worker.signal(signal.SIGTERM)
    assert [worker.wait(20) for worker in fleet] == [0] * workers
    assert time.monotonic() - began < 1 + 1 + 3 + 5
    for worker in fleet:
        arena.may_repeat(worker, "it could not settle: Redis was away")
    arena.server.restart()
    arena.start()
    arena.verify(15)


@pytest.mark.parametrize("workers", FLEETS)
def test_a_quiet_worker_takes_nothing_ends_what_runs_and_then_stops_in_order(
    arena: Arena, workers: int
) -> None:
    quiet = arena.start(concurrency=2, shutdown_timeout=10)
    arena.push_many(2, "Takes", 1.5)
    begun(arena, 2)
    arena.push_many(40, "Takes", 0.01)
    quiet.signal(signal.SIGTSTP)
    quiet.says("quiet: no more jobs are taken")
    eventually(lambda: len(arena.store.lrange("queue:default", 0, -1)) == 40, 5)  # type: ignore[arg-type]
    arena.await_ended(2)
    for _ in range(workers - 1):
        arena.start()
    quiet.signal(signal.SIGTERM)
    assert quiet.wait(8) == 0
    if workers == 1:
        arena.start()
    assert arena.verify(20).duplicated == 0
    by_quiet = [line for line in arena.journal.lines() if line[2] == str(quiet.pid)]
    assert len(by_quiet) == 4, "two starts and two ends"


def _others(arena: Arena, workers: int) -> list[WorkerProcess]:
    others = [arena.start(wait=False, lease=5) for _ in range(workers)]
    for other in others:
        other.wait_until_ready()
    return others


@pytest.mark.parametrize("others", FLEETS)
def test_a_process_frozen_beyond_its_lease_is_replaced_and_starts_nothing_it_lost(
    arena: Arena, others: int
) -> None:
    frozen = arena.start(lease=5)
    arena.push_many(1_000, "Takes", 0.005)
    arena.await_ended(100)
    _others(arena, others)
    frozen.stop_where_it_is()
    eventually(
        lambda: any("was declared dead" in worker.log for worker in arena.workers[1:]),
        25,
        message="it is declared dead",
    )
    frozen.signal(signal.SIGCONT)
    frozen.says("this process was declared dead")
    arena.await_all(25)
    before = len(arena.journal.lines())

    def takes_again() -> bool:
        arena.push_many(100, "Takes", 0.01)
        return str(frozen.pid) in {line[2] for line in arena.journal.lines()[before:]}

    eventually(takes_again, 25, interval=0.1, message="it takes jobs again, as a new owner")
    arena.verify(20)


@pytest.mark.parametrize("others", FLEETS if LONG else (4,))
def test_a_process_frozen_for_less_than_its_lease_repeats_nothing(
    arena: Arena, others: int
) -> None:
    frozen = arena.start(lease=5)
    _others(arena, others)
    arena.push_many(600, "Takes", 0.01)
    arena.await_ended(50)
    frozen.stop_where_it_is()
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 2.5, 5)
    frozen.signal(signal.SIGCONT)
    assert arena.verify(20).duplicated == 0
    assert "declared dead" not in "".join(worker.log for worker in arena.workers)


def test_when_all_workers_are_killed_at_once_new_ones_do_their_jobs(arena: Arena) -> None:
    arena.push_many(1_500, "Takes", 0.003)
    fleet = [arena.start(wait=False) for _ in range(4)]
    arena.await_ended(200)
    for worker in fleet:
        os.kill(worker.pid, signal.SIGKILL)
    for worker in fleet:
        assert worker.wait(5) == -signal.SIGKILL
    for _ in range(4):
        arena.start(wait=False)
    arena.verify(25)

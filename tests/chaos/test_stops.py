"""Workers that stop, in order or for a while: nothing is lost, and nothing is repeated in order."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from tests.chaos.arena import THREADS, UNSETTLED, Arena
from tests.helpers.waiting import eventually

#: How often a worker is stopped while jobs are pushed; 1500 is what was promised.
STOPS = int(os.environ.get("CHAOS_STOPS", "60"))


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
    arena.verify(20)


test_a_worker_that_is_stopped_while_jobs_are_pushed_loses_and_repeats_nothing = pytest.mark.timeout(
    60 + 3 * STOPS
)(test_a_worker_that_is_stopped_while_jobs_are_pushed_loses_and_repeats_nothing)


def test_a_worker_stopped_while_busy_gives_back_what_had_not_started(arena: Arena) -> None:
    arena.push_many(400, "Takes", 0.01)
    for _ in range(5):
        known = len(arena.journal.ended())
        worker = arena.start()
        arena.await_ended(known + 20)
        assert worker.stop(10) == 0
    arena.start()
    arena.verify(20)


def test_a_process_frozen_beyond_its_lease_is_replaced_and_starts_nothing_it_lost(
    arena: Arena,
) -> None:
    frozen = arena.start(lease=5)
    arena.push_many(2_000, "Takes", 0.005)
    arena.await_ended(100)
    arena.start(lease=5)
    frozen.signal(signal.SIGSTOP)
    eventually(
        lambda: any("was declared dead" in line for line in arena.workers[1].lines),
        25,
        message="it is declared dead",
    )
    began = len(arena.journal.lines())
    frozen.signal(signal.SIGCONT)
    result = arena.await_all(25)
    arena.await_rest()
    frozen.says("this process was declared dead")
    print(f"\nfrozen: {result}, {began} lines before it went on")
    assert (result.lost, result.stuck) == (0, 0)
    assert result.duplicated <= THREADS + UNSETTLED
    arena.push_many(400, "Takes", 0.01)
    arena.await_all(10)
    after = {line[2] for line in arena.journal.lines()[-700:]}
    assert str(frozen.pid) in after, "it takes jobs again, as a new owner"


def test_jobs_that_hear_nothing_do_not_keep_a_process_from_leaving(arena: Arena) -> None:
    worker = arena.start(concurrency=4, shutdown_timeout=1)
    arena.push_many(4, "Deaf", 4.0)
    eventually(lambda: len(arena.journal.lines()) == 4, message="all run")
    began = time.monotonic()
    assert worker.stop(12) == 0
    assert time.monotonic() - began < 1 + 5
    arena.start(concurrency=4)
    arena.verify(20)


def test_two_terms_at_once_end_it_now(arena: Arena) -> None:
    worker = arena.start(concurrency=2, shutdown_timeout=20)
    arena.push_many(2, "Takes", 15.0)
    eventually(lambda: len(arena.journal.lines()) == 2, message="both run")
    worker.signal(signal.SIGTERM)
    worker.signal(signal.SIGINT)
    assert worker.wait(9) == 0


def test_a_process_whose_interpreter_is_held_goes_on_afterwards(arena: Arena) -> None:
    arena.start(concurrency=3, lease=5)
    arena.start(concurrency=3, lease=5)
    arena.push("HoldsTheInterpreter", 3.0)
    arena.push_many(200, "Takes", 0.01)
    arena.verify(20)

"""Jobs that misbehave: a bad job harms only itself, and no thread dies of one."""

from __future__ import annotations

import os

import pytest

from tests.chaos.arena import Arena
from tests.helpers.waiting import eventually

WAYS = (
    "exit",
    "interrupt",
    "generator",
    "oddity",
    "memory",
    "recursion",
    "shutdown",
    "unprintable",
)


def test_whatever_a_job_raises_it_is_tried_again_and_its_thread_lives(arena: Arena) -> None:
    arena.start(concurrency=2)
    for how in WAYS * 2:
        if how != "shutdown":
            arena.push("Misbehaves", how)
    result = arena.await_all(20)
    arena.await_rest()
    arena.push_many(50)
    arena.await_all(5)
    assert (result.lost, result.stuck, result.duplicated) == (0, 0, 0)
    assert arena.workers[0].running


@pytest.mark.parametrize("how", ["return", "exit", "raise"])
def test_a_child_that_a_job_forks_does_not_run_other_jobs(arena: Arena, how: str) -> None:
    arena.start(concurrency=2)
    arena.push_many(3_000)
    arena.push_many(4, "ForksAndForgets", how)
    arena.push_many(300)
    arena.await_all(20)
    eventually(lambda: sum(arena.journal.counts("C").values()) >= 4, message="the children ran")
    arena.await_rest()
    result = arena.account()
    worker = str(arena.workers[0].pid)
    strangers = [line for line in arena.journal.lines() if line[0] != "C" and line[2] != worker]
    assert not strangers, "a child ran jobs of its parent"
    assert (result.lost, result.stuck, result.duplicated) == (0, 0, 0)
    assert arena.workers[0].stop() == 0


def test_a_job_may_use_multiprocessing(arena: Arena) -> None:
    arena.start(concurrency=4)
    arena.push_many(12, "Multiprocesses")
    arena.push_many(500)
    result = arena.await_all(30)
    assert sum(arena.journal.counts("C").values()) == 12
    assert (result.lost, result.stuck, result.duplicated) == (0, 0, 0)


def test_a_producer_that_forks_pushes_on_both_sides(arena: Arena) -> None:
    arena.start()
    arena.push_many(10)
    child = os.fork()
    if child == 0:
        try:
            for _ in range(50):
                arena.push("Takes", 0.0)
        finally:
            os._exit(0)
    arena.push_many(50)
    _, status = os.waitpid(child, 0)
    assert status == 0
    arena.await_all(10)
    eventually(lambda: len(arena.journal.ended()) == 110, message="those of the child ran too")

"""Forks of a job of the chaos tests: what the children do, and whether they come to their end."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import kiq
from tests.helpers.waiting import eventually

_LONGEST = 10.0  # seconds in which a child that does next to nothing must have ended
_BY_FORK = multiprocessing.get_context("fork")


def _nothing() -> None:
    return None


def _push() -> None:
    kiq.push({"class": "Nobody", "queue": "nowhere", "args": []})


def _log() -> None:
    logging.getLogger("kiq.chaos").warning("a child writes into the log")


def _in_a_child(act: Callable[[], None]) -> int:
    child = os.fork()
    if not child:
        act()
        os._exit(0)
    return child


def _process() -> int:
    process = _BY_FORK.Process(target=_nothing)
    process.start()
    assert process.pid is not None
    return process.pid


#: How a job forks: each returns the child that is to be waited for.
FORKS: dict[str, Callable[[], int]] = {
    "exits": lambda: _in_a_child(_nothing),
    "pushes": lambda: _in_a_child(_push),
    "logs": lambda: _in_a_child(_log),
    "returns": os.fork,
    "multiprocessing": _process,
}


def ends(child: int) -> bool:
    """Wait for *child*; False if it hangs: then it is killed."""

    def ended() -> bool:
        try:
            return os.waitpid(child, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True  # multiprocessing has looked after it

    try:
        eventually(ended, _LONGEST, interval=0.0005)
    except AssertionError:
        os.kill(child, signal.SIGKILL)
        return False
    return True


def pooled(count: int) -> bool:
    """Let the forked workers of a pool do *count* calls; False if one hangs."""
    pool = ProcessPoolExecutor(2, _BY_FORK)
    calls = [pool.submit(_nothing) for _ in range(count)]
    try:
        for call in calls:
            call.result(_LONGEST)
    except TimeoutError:
        for process in multiprocessing.active_children():
            process.kill()
        return False
    pool.shutdown()
    return True

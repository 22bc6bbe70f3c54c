"""Threads that push side by side: how long they take, or how much they do in a given time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count


def side_by_side(work: Callable[[int], object], threads: int) -> float:
    """Call *work* on so many threads at once, with the number of each; return the seconds it took.

    Raises what *work* raises.
    """
    failures: list[Exception] = []

    def run(thread: int) -> None:
        try:
            work(thread)
        except Exception as error:
            failures.append(error)

    crew = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
    began = time.perf_counter()
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    taken = time.perf_counter() - began
    if failures:
        raise failures[0]
    return taken


def pushes_per_second(push: Callable[[int], object], threads: int, seconds: float) -> float:
    """Call *push* with 0, 1, 2, ... on so many threads for *seconds*; return calls a second.

    Raises what *push* raises.
    """
    pushed = [0] * threads
    until = time.perf_counter() + seconds

    def run(thread: int) -> None:
        for number in count():
            push(number)
            pushed[thread] = number + 1
            if time.perf_counter() >= until:
                return

    taken = side_by_side(run, threads)
    return sum(pushed) / taken

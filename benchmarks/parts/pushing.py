"""How many jobs a program pushes one by one in a given time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count


def pushes_per_second(push: Callable[[int], object], threads: int, seconds: float) -> float:
    """Call *push* with 0, 1, 2, ... on so many threads for *seconds*; return calls a second.

    Raises what *push* raises.
    """
    pushed = [0] * threads
    failures: list[Exception] = []
    began = time.perf_counter()

    def run(thread: int) -> None:
        try:
            for number in count():
                push(number)
                pushed[thread] = number + 1
                if time.perf_counter() - began >= seconds:
                    return
        except Exception as error:
            failures.append(error)

    crew = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    taken = time.perf_counter() - began
    if failures:
        raise failures[0]
    return sum(pushed) / taken

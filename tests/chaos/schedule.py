"""Which faults come when, drawn from a seed. Pure: the same seed and counts give the same schedule."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

#: What can happen, with how often it happens in the long form; tests/chaos/faults.py does it.
FAULTS: Mapping[str, int] = {
    "kill": 200,  # a worker, by SIGKILL; another takes its place
    "kill_all": 5,  # all of them at once
    "stop": 20,  # a worker, by SIGTERM
    "stop_hard": 10,  # by two
    "freeze": 10,  # a worker, beyond its lease
    "nap": 20,  # a worker, within its lease
    "redis_kill": 20,  # Redis, by SIGKILL; it comes back with what its AOF holds
    "redis_freeze": 10,
    "redis_full": 5,
    "cut": 100,  # one connection, at some moment of a request
    "cut_all": 20,  # all connections of a worker
    "black_hole": 10,  # nothing comes through to or from a worker
    "forget_scripts": 20,
    "hang_up": 20,  # Redis closes all connections
    "pause": 10,  # Redis answers nobody for a while
    "hang_up_often": 5,  # Redis closes all connections again and again, for longer than a lease
    "close_idle": 5,  # Redis closes, for as long, what is idle for a second
    "narrow": 10,  # Redis closes the connection of who asks for more than 64 kB
    "clock_forward": 10,  # Redis's clock, by a minute or by an hour
    "clock_back": 5,  # by an hour
    "log_raises": 10,  # whatever is logged, a handler raises
    "log_hangs": 10,  # or does not come back for a while
    "handler_raises": 5,  # handlers of events do
    "handler_hangs": 5,
    "forks": 20,  # jobs fork, in all ways, as fast as they can
    "no_threads": 10,  # a process can start no thread for a while
    "hold": 10,  # a job keeps the interpreter, for less than a lease or for more
}


@dataclass(frozen=True)
class Fault:
    """One fault: its name, its victim and its strength (numbers from 0 to 1), and when it comes.

    *after* is how many jobs have to end between the fault before and this one.
    """

    name: str
    victim: float
    strength: float
    after: int


def draw(seed: int, jobs: int, counts: Mapping[str, int]) -> list[Fault]:
    """Return a schedule of *counts* faults of each kind, spread over the run of *jobs* jobs."""
    dice = random.Random(seed)
    names = [name for name, count in counts.items() for _ in range(count)]
    dice.shuffle(names)
    usual = 0.7 * jobs / max(1, len(names))
    return [
        Fault(name, dice.random(), dice.random(), int(dice.uniform(0, 2 * usual))) for name in names
    ]


def scaled(share: float, jobs: int) -> tuple[int, dict[str, int]]:
    """Return the long form's numbers times *share*, at least one fault of each kind."""
    return max(1000, int(jobs * share)), {
        name: max(1, round(count * share)) for name, count in FAULTS.items()
    }

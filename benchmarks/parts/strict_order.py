"""Strict queues: whether a job of a lower queue starts while an upper queue has some."""

from __future__ import annotations

import bisect
import random
import time
from dataclasses import dataclass

import kiq_app
from support import BenchmarkError, Server, wait_until

from kiq import keys
from parts.journal_of_times import Ran, TimesJournal, timed_worker, wait_until_settled

_QUEUES = ("top", "middle", "low")
_THREADS = 10
_NUMBERS = 10_000_000  # for each queue: a job's number tells its queue
_SECONDS = 600.0
_LOW_SECONDS = 0.001  # what a job of the lower queue sleeps while others arrive in the upper one
_SHORTEST, _LONGEST = 0.020, 0.080  # seconds between two arrivals
_LOW_A_SECOND = _THREADS / _LOW_SECONDS  # at most


@dataclass(frozen=True, slots=True)
class Arrival:
    """A job that came to the upper queue: seconds until it started, and how many jobs of the lower
    one, which had been fetched before it came, started meanwhile."""

    waited: float
    started_meanwhile: int


def overtakers(server: Server, jobs: int) -> int:
    """Fill three strict queues with *jobs* each; return how many jobs started that were not next.

    Each thread may have taken an upper job and not have started it yet when another thread starts a
    lower one. So a lower job is counted if as many upper jobs as there are threads start after it:
    one of them at least was still waiting.
    """
    server.empty()
    journal = TimesJournal(server.folder)
    for rank, queue in enumerate(_QUEUES):
        first = rank * _NUMBERS
        kiq_app.Timed.set(queue=queue).perform_bulk(
            (number, 0.0) for number in range(first, first + jobs)
        )
    with timed_worker(server, journal, _THREADS, *_QUEUES) as program:
        wait_until_settled(server.client(), jobs * len(_QUEUES), _SECONDS, program)
    return _count_overtakers([ran.number // _NUMBERS for ran in journal.by_start()])


def arrivals(server: Server, count: int) -> list[Arrival]:
    """Let *count* jobs come to the upper queue, one by one, while the lower queue never gets empty."""
    server.empty()
    store = server.client()
    journal = TimesJournal(server.folder)
    top, *_, low = _QUEUES
    enough = int((count * _LONGEST + 2) * _LOW_A_SECOND)
    kiq_app.Timed.set(queue=low).perform_bulk(
        (_NUMBERS + number, _LOW_SECONDS) for number in range(enough)
    )
    with timed_worker(server, journal, _THREADS, top, low) as program:
        wait_until_settled(store, 1, _SECONDS, program)
        pushed = [_arrive(top, number) for number in range(count)]
        if not store.llen(keys.queue(low)):
            raise BenchmarkError(f"queue {low} got empty, which makes this no measurement")
        ran = wait_until(
            lambda: _all_of(journal.by_start(), count),
            _SECONDS,
            f"the jobs of queue {top} have run",
            interval=0.1,
            program=program,
        )
    lower = [each.start for each in ran if each.number >= _NUMBERS]
    starts = {each.number: each.start for each in ran if each.number < _NUMBERS}
    return [_arrival(pushed[number], start, lower) for number, start in starts.items()]


def _count_overtakers(ranks: list[int]) -> int:
    found = 0
    after = [0] * len(_QUEUES)  # how many jobs of each queue start later
    for rank in reversed(ranks):
        found += sum(after[:rank]) >= _THREADS
        after[rank] += 1
    return found


def _arrive(queue: str, number: int) -> float:
    """Pause, push job *number*, and return when it was there."""
    time.sleep(random.uniform(_SHORTEST, _LONGEST))
    kiq_app.Timed.set(queue=queue).perform_async(number, 0.0)
    return time.monotonic()


def _all_of(ran: list[Ran], count: int) -> list[Ran]:
    return ran if sum(each.number < _NUMBERS for each in ran) >= count else []


def _arrival(pushed: float, start: float, lower: list[float]) -> Arrival:
    meanwhile = bisect.bisect_left(lower, start) - bisect.bisect_right(lower, pushed)
    return Arrival(max(0.0, start - pushed), max(0, meanwhile))

"""Two processes, slow and fast jobs: whether one keeps jobs that the other could start."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import kiq_app
import msgpack
import redis
from support import BenchmarkError, Program, Server

from kiq import keys
from parts.journal_of_times import (
    Ran,
    TimesJournal,
    timed_worker,
    wait_until_idle,
    wait_until_settled,
)

THREADS = 10
_QUEUE = "default"
_SLOW, _FAST = 0.200, 0.0  # seconds
_LOOK_EVERY = 0.002  # seconds
_SECONDS = 120.0
_SEED = 7  # the same order of jobs each time


@dataclass(frozen=True, slots=True)
class Hoarded:
    """What was seen of *jobs* jobs; seconds. *gaps* lie between two looks: no span is known better.

    *idle*: each span in which a process could have started a job, and the other one held some that
    had not started. *waited*: for each fast job that such a span met, how much of it. *by_process*:
    how many jobs each process ran.
    """

    jobs: int
    gaps: list[float]
    idle: list[float]
    waited: list[float]
    by_process: list[int]


@dataclass(frozen=True, slots=True)
class _Look:
    """Which jobs each process held in flight at one moment, by its process id."""

    at: float
    held: dict[int, frozenset[int]]


class _Watch:
    """Looks at what processes hold in flight, from a thread of its own."""

    def __init__(self, store: redis.Redis, pids: list[int]) -> None:
        self.looks: list[_Look] = []
        self._store = store
        self._flights = {pid: _flight_key(store, pid) for pid in pids}
        self._numbers: dict[bytes, int] = {}
        self._ending = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look while the body runs. Raises BenchmarkError if that failed."""
        self._thread.start()
        try:
            yield
        finally:
            self._ending.set()
            self._thread.join()
        if self._error is not None:
            raise BenchmarkError(f"the jobs in flight can't be seen: {self._error}")

    def _run(self) -> None:
        try:
            while not self._ending.wait(_LOOK_EVERY):
                self.looks.append(self._look())
        except redis.RedisError as error:
            self._error = error

    def _look(self) -> _Look:
        # One transaction: a job that is handed from one to the other is seen at one of them.
        with self._store.pipeline(transaction=True) as pipeline:
            for key in self._flights.values():
                pipeline.hvals(key)
            at = time.monotonic()
            replies: list[Any] = pipeline.execute()
        pairs = zip(self._flights, replies, strict=True)
        return _Look(at, {pid: frozenset(map(self._number, raws)) for pid, raws in pairs})

    def _number(self, raw: bytes) -> int:
        number = self._numbers.get(raw)
        if number is None:
            number = self._numbers[raw] = int(msgpack.unpackb(raw)["args"][0])
        return number


def hoarding(server: Server, bursts: int) -> Hoarded:
    """Push *bursts* bursts of jobs to two workers, one after the other; watch who holds what."""
    server.empty()
    store = server.client()
    journal = TimesJournal(server.folder)
    with _pair(server, journal) as programs:
        wait_until_idle(store, _QUEUE, len(programs), *programs)
        watch = _Watch(store, [program.pid for program in programs])
        jobs = 0
        with watch.looking():
            for seconds in _bursts(bursts):
                numbers = range(jobs, jobs + len(seconds))
                kiq_app.Timed.perform_bulk(list(zip(numbers, seconds, strict=True)))
                jobs = numbers.stop
                wait_until_settled(store, jobs, _SECONDS, programs[0])
    return _judge(journal.by_start(), watch.looks, [program.pid for program in programs], jobs)


@contextmanager
def _pair(server: Server, journal: TimesJournal) -> Iterator[list[Program]]:
    with (
        timed_worker(server, journal, THREADS, _QUEUE) as one,
        timed_worker(server, journal, THREADS, _QUEUE) as other,
    ):
        yield [one, other]


def _bursts(count: int) -> Iterator[list[float]]:
    """Yield how long each job of a burst sleeps: by turns one in fifty slow, in any order, and as many
    slow ones as one process has threads, after many fast ones and before some more."""
    dice = random.Random(_SEED)
    for number in range(count):
        if number % 2:
            yield [_FAST] * 1_000 + [_SLOW] * THREADS + [_FAST] * 300
        else:
            mixed = [_SLOW] * 20 + [_FAST] * 980
            dice.shuffle(mixed)
            yield mixed


def _flight_key(store: redis.Redis, pid: int) -> str:
    owners: Any = store.smembers(keys.idle(_QUEUE))
    # An owner is host:pid:nonce:capsule.
    mine = [name for name in map(bytes.decode, owners) if name.rsplit(":", 3)[1] == str(pid)]
    if len(mine) != 1:
        raise BenchmarkError(f"process {pid} should wait for jobs under one name, not {mine}")
    return keys.inflight(keys.queue(_QUEUE), mine[0])


def _judge(ran: list[Ran], looks: list[_Look], pids: list[int], jobs: int) -> Hoarded:
    by_number = {each.number: each for each in ran}
    if len(ran) != jobs or len(by_number) != jobs:
        raise BenchmarkError(f"{len(ran)} jobs ran, of {jobs} pushed: this is no measurement")
    idle: list[float] = []
    waited: defaultdict[int, float] = defaultdict(float)
    for idler, holder in (pids, reversed(pids)):
        running = _Running([each for each in ran if each.pid == idler])
        since: float | None = None
        for look, following in pairwise(looks):
            kept = _unstarted(look, holder, by_number)
            could = running.at(look.at) < THREADS and not _unstarted(look, idler, by_number)
            if kept and could:
                since = look.at if since is None else since
                for number in kept:
                    if by_number[number].end - by_number[number].start < _SLOW:
                        waited[number] += following.at - look.at
            elif since is not None:
                idle.append(look.at - since)
                since = None
        if since is not None:
            idle.append(looks[-1].at - since)
    by_process = Counter(each.pid for each in ran)
    gaps = [following.at - look.at for look, following in pairwise(looks)]
    return Hoarded(jobs, gaps, idle, [*waited.values()], [by_process[pid] for pid in pids])


def _unstarted(look: _Look, pid: int, by_number: dict[int, Ran]) -> list[int]:
    return [number for number in look.held[pid] if by_number[number].start > look.at]


class _Running:
    """How many jobs of one process run; asked for moments that only go forward."""

    def __init__(self, ran: list[Ran]) -> None:
        self._starts = sorted(each.start for each in ran)
        self._ends = sorted(each.end for each in ran)
        self._started = self._ended = 0

    def at(self, moment: float) -> int:
        """Return how many run at *moment*."""
        while self._started < len(self._starts) and self._starts[self._started] <= moment:
            self._started += 1
        while self._ended < len(self._ends) and self._ends[self._ended] <= moment:
            self._ended += 1
        return self._started - self._ended

"""How fast some kiq processes drain what lies in some queues: a stretch out of the middle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from support import BenchmarkError, Program, Server, environment, wait_until

from kiq import keys
from parts.drain import python_folder
from parts.stock import Stock

_START_SECONDS = 60.0
_STRETCH_SECONDS = 600.0
_LOOK_EVERY = 0.004  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """So many processes with so many threads each, and jobs of *payload* bytes in *queues*.

    *jobs* are measured, after a fifth as many to warm up; *beneath* lie in the queues still when
    the last of them is settled. The queues have equal weights and hold as many jobs each, or if
    *strict* precede each other, and all jobs are in the last.
    """

    name: str
    jobs: int
    beneath: int
    processes: int = 1
    threads: int = 10
    queues: tuple[str, ...] = ("default",)
    strict: bool = False
    payload: int = 0

    @property
    def warm_up(self) -> int:
        """How many jobs are settled before the measurement."""
        return max(1, self.jobs // 5)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What came of it: *cpu_us* is CPU time of all processes in microseconds for one job, None
    where it is not told."""

    jobs_per_second: float
    cpu_us: float | None


def stretch(server: Server, arrangement: Arrangement, *, pinned: bool = False) -> Stretch:
    """Fill the queues, run the processes, and measure. What is left stays in Redis, unseen.

    kiq must be configured to push to *server*. Raises BenchmarkError when the processes fail.
    """
    store = server.client()
    filled = arrangement.queues[-1:] if arrangement.strict else arrangement.queues
    stock = Stock(store, arrangement.name, filled, arrangement.payload)
    stock.fill(arrangement.warm_up + arrangement.jobs + arrangement.beneath)
    with _workers(server, arrangement, pinned) as programs:
        _wait_until_all_wait(store, arrangement, programs)
        start = _settled(store)
        stock.show()
        stock.ring(arrangement.processes)
        first = _look(store, programs, start + arrangement.warm_up)
        last = _look(store, programs, first.settled + arrangement.jobs)
    stock.hide()
    return _difference(first, last)


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    settled: int
    cpu: float | None


@contextmanager
def _workers(server: Server, arrangement: Arrangement, pinned: bool) -> Iterator[list[Program]]:
    command = [str(python_folder() / "python"), "-m", "kiq", "-r", "kiq_app"]
    command += ["-c", f"{arrangement.threads}"]
    weighted = len(arrangement.queues) > 1 and not arrangement.strict
    for queue in arrangement.queues:
        command += ["-q", f"{queue},1" if weighted else queue]
    variables = environment(
        server.url(), KIQ_LOG_LEVEL="warning", KIQ_RUN_DIR=str(server.folder / "run")
    )
    with ExitStack() as stack:
        yield [
            stack.enter_context(Program(command, server.folder, variables, pinned=pinned))
            for _ in range(arrangement.processes)
        ]


def _wait_until_all_wait(
    store: redis.Redis, arrangement: Arrangement, programs: list[Program]
) -> None:
    def waiting() -> bool:
        for program in programs:
            program.check()
        there: Any = store.scard(keys.idle(arrangement.queues[-1]))
        return int(there) >= arrangement.processes

    wait_until(waiting, _START_SECONDS, f"{arrangement.processes} processes wait for jobs")


def _look(store: redis.Redis, programs: list[Program], enough: int) -> _Look:
    """Wait until *enough* jobs are settled, and look at the processes."""

    def settled() -> int:
        for program in programs:
            program.check()
        found = _settled(store)
        return found if found >= enough else 0

    found: int = wait_until(
        settled, _STRETCH_SECONDS, f"{enough} jobs are settled", interval=_LOOK_EVERY
    )
    at = time.monotonic()
    used = [program.cpu_seconds() for program in programs]
    known = [seconds for seconds in used if seconds is not None]
    return _Look(at, found, sum(known) if len(known) == len(used) else None)


def _settled(store: redis.Redis) -> int:
    processed: Any = store.get(keys.STAT_PROCESSED)
    return int(processed or 0)


def _difference(first: _Look, last: _Look) -> Stretch:
    jobs = last.settled - first.settled
    if jobs <= 0:
        raise BenchmarkError("no job was settled between two looks: measure more of them")
    cpu = None
    if first.cpu is not None and last.cpu is not None:
        cpu = (last.cpu - first.cpu) / jobs * 1e6
    return Stretch(jobs / (last.at - first.at), cpu)

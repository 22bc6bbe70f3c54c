"""A worker whose jobs note where they ran, and from when to when; and what they noted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from support import Program, Server, environment, wait_until

from kiq import keys
from parts.drain import python_folder

_LOOK_EVERY = 0.01  # seconds
_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Ran:
    """Job *number* ran in process *pid*, from *start* to *end*: seconds of the monotonic clock,
    which all processes of a machine share."""

    number: int
    pid: int
    start: float
    end: float


class TimesJournal:
    """The file to which the jobs ``Timed`` write."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"times-{time.monotonic_ns()}"
        self.path.write_text("")

    def by_start(self) -> list[Ran]:
        """Return all jobs that have ended, in the order in which they started."""
        # A line that is being written has no end yet.
        lines = self.path.read_text().rpartition("\n")[0].splitlines()
        found = []
        for line in lines:
            number, pid, start, end = line.split()
            found.append(Ran(int(number), int(pid), float(start), float(end)))
        return sorted(found, key=lambda ran: ran.start)


@contextmanager
def timed_worker(
    server: Server, journal: TimesJournal, threads: int, *queues: str, pinned: bool = False
) -> Iterator[Program]:
    """Run a kiq worker on *queues*, each ``name`` or ``name,weight``; its jobs write to *journal*."""
    command = [str(python_folder() / "python"), "-m", "kiq", "-r", "kiq_app", "-c", f"{threads}"]
    for queue in queues:
        command += ["-q", queue]
    variables = environment(
        server.url(),
        KIQ_LOG_LEVEL="warning",
        KIQ_SHUTDOWN_TIMEOUT="1",
        KIQ_RUN_DIR=str(server.folder / "run"),
        BENCH_JOURNAL=str(journal.path),
    )
    with Program(command, server.folder, variables, pinned=pinned) as program:
        yield program


def settled(store: redis.Redis) -> int:
    """Return how many jobs are settled by now."""
    count: Any = store.getrange(keys.STAT_PROCESSED, 0, -1)
    return int(count or 0)


def wait_until_settled(store: redis.Redis, count: int, seconds: float, program: Program) -> None:
    """Wait until *count* jobs are settled. Raises BenchmarkError after *seconds*."""
    wait_until(
        lambda: settled(store) >= count,
        seconds,
        f"{count} jobs are settled",
        interval=_LOOK_EVERY,
        program=program,
    )


def wait_until_idle(store: redis.Redis, queue: str, owners: int, *programs: Program) -> None:
    """Wait until so many *owners* have found *queue* empty, and wait for its bell."""
    wait_until(
        lambda: store.scard(keys.idle(queue)) >= owners,
        _START_SECONDS,
        f"{owners} workers wait for jobs of {queue}",
        interval=_LOOK_EVERY,
        program=programs[0] if programs else None,
    )

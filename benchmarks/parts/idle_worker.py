"""A kiq worker that waits for jobs, and the journal in which its jobs note when they started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import Program, Server, environment, wait_until

from kiq import keys
from parts.drain import python_folder

_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Started:
    """When a job began to run: *at* by the monotonic clock, which all processes share, *wall* by
    the other; seconds."""

    at: float
    wall: float


class Journal:
    """A file to which each job appends a line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("")

    def starts(self, count: int, seconds: float, program: Program) -> dict[int, Started]:
        """Wait until *count* jobs have started; return the first start of each by its number."""
        what = f"{count} jobs have started"
        lines: list[str] = wait_until(
            lambda: len(found := self._lines()) >= count and found,
            seconds,
            what,
            interval=0.05,
            program=program,
        )
        starts: dict[int, Started] = {}
        for line in lines:
            number, at, wall = line.split()
            starts.setdefault(int(number), Started(float(at), float(wall)))
        return starts

    def _lines(self) -> list[str]:
        return self.path.read_text().splitlines()


@contextmanager
def idle_worker(
    server: Server, journal: Journal, *, concurrency: int, pinned: bool, transport: str = "tcp"
) -> Iterator[Program]:
    """Run a kiq worker on the queue ``default``; yield it when it waits for its first job."""
    command = (
        *(str(python_folder() / "python"), "-m", "kiq", "-r", "kiq_app"),
        *("-q", "default", "-c", f"{concurrency}"),
    )
    variables = environment(
        server.url(transport), KIQ_LOG_LEVEL="warning", BENCH_JOURNAL=str(journal.path)
    )
    store = server.client()
    with Program(command, server.folder, variables, pinned=pinned) as program:

        def waits() -> Any:
            return store.scard(keys.idle("default"))

        wait_until(waits, _START_SECONDS, "the worker waits for jobs", program=program)
        yield program

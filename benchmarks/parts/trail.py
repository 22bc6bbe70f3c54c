"""The trail that jobs leave: which of them started and ended, and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support import Program, wait_until

_LOOK_EVERY = 0.01  # seconds


@dataclass(frozen=True, slots=True)
class Mark:
    """Job *number* did *what* (``start`` or ``end``) *at* this time of the monotonic clock, which
    all processes of a machine share; seconds."""

    what: str
    number: int
    at: float


class Trail:
    """The file to which the jobs ``Trace`` write, and the file for whose removal they wait."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"trail-{time.monotonic_ns()}"
        self.hold = self.path.with_suffix(".hold")
        self.path.write_text("")

    def variables(self) -> dict[str, str]:
        """Return what a worker has to know of it."""
        return {"BENCH_JOURNAL": str(self.path), "BENCH_HOLD": str(self.hold)}

    def marks(self) -> list[Mark]:
        """Return all marks so far, in the order in which they were written."""
        # A line that is being written has no end yet.
        lines = self.path.read_text().rpartition("\n")[0].splitlines()
        marks = []
        for line in lines:
            what, number, at = line.split()
            marks.append(Mark(what, int(number), float(at)))
        return marks

    def wait(
        self,
        count: int,
        wanted: Callable[[Mark], bool],
        seconds: float,
        what: str,
        program: Program,
    ) -> list[Mark]:
        """Wait until *count* marks are as *wanted*, and return all that are.

        Raises BenchmarkError after *seconds*, or when *program* ends.
        """

        def found() -> list[Mark]:
            marks = [mark for mark in self.marks() if wanted(mark)]
            return marks if len(marks) >= count else []

        marks: list[Mark] = wait_until(found, seconds, what, interval=_LOOK_EVERY, program=program)
        return marks

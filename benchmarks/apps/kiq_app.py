"""The jobs of kiq that are measured; run as a program, it pushes so many no-op jobs."""

from __future__ import annotations

import os
import sys
import time

import kiq

_JOURNAL = os.environ.get("BENCH_JOURNAL")
_descriptor = os.open(_JOURNAL, os.O_WRONLY | os.O_APPEND) if _JOURNAL else -1


class Noop(kiq.Job, name="Noop"):
    """Does nothing."""

    def perform(self, number: int) -> None:
        """Return at once."""


class Stamp(kiq.Job, name="Stamp"):
    """Notes in the journal when it started, by both clocks."""

    def perform(self, number: int) -> None:
        """Write a line: number, monotonic and wall time in seconds."""
        started, wall = time.monotonic(), time.time()
        # One write of a short line to a file opened for appending is not torn by other threads.
        os.write(_descriptor, f"{number} {started!r} {wall!r}\n".encode())


def _push(jobs: int) -> None:
    Noop.perform_bulk((number,) for number in range(jobs))


if __name__ == "__main__":
    _push(int(sys.argv[1]))

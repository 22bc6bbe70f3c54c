"""The jobs of kiq that are measured; run as a program, it pushes so many of one kind: no-op jobs,
unless another kind is named."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import kiq

_JOURNAL = os.environ.get("BENCH_JOURNAL")
_HOLD = os.environ.get("BENCH_HOLD")
_descriptor = os.open(_JOURNAL, os.O_WRONLY | os.O_APPEND) if _JOURNAL else -1
_PID = os.getpid()
_TTL = int(os.environ.get("BENCH_RESULT_TTL") or 0)


class Noop(kiq.Job, name="Noop"):
    """Does nothing."""

    def perform(self, number: int) -> int | None:
        """Return at once; a number where results are measured."""
        return number if _TTL else None


class Stamp(kiq.Job, name="Stamp"):
    """Notes in the journal when it started, by both clocks."""

    def perform(self, number: int) -> None:
        """Write a line: number, monotonic and wall time in seconds."""
        started, wall = time.monotonic(), time.time()
        # One write of a short line to a file opened for appending is not torn by other threads.
        os.write(_descriptor, f"{number} {started!r} {wall!r}\n".encode())


class Blob(kiq.Job, name="Blob"):
    """Carries bytes, and does nothing."""

    def perform(self, number: int, content: bytes) -> None:
        """Return at once."""


class Fails(kiq.Job, name="Fails", retry=5):
    """Fails, from some depth and with a cause, and is tried again in a year."""

    def perform(self, number: int) -> None:
        """Raise an error with a traceback, and a local variable that it would keep alive."""
        held = bytes(10_000)
        try:
            _fail(number, 8)
        except ValueError as error:
            raise RuntimeError(f"job {number} fails, with {len(held)} bytes at hand") from error

    def retry_in(self, *_: Any) -> float:
        """Return a year, in seconds."""
        return 365 * 86_400.0


class Breaks(kiq.Job, name="Breaks", retry=25):
    """Fails at once, by its own doing, and is tried again in a year."""

    def perform(self, number: int) -> None:
        """Raise an error."""
        raise ValueError(f"{number} is no good")

    def retry_in(self, *_: Any) -> float:
        """Return a year, in seconds: no second attempt gets into the measurement."""
        return 365 * 86_400.0


class Timed(kiq.Job, name="Timed"):
    """Notes in the journal where it ran, and from when to when; carries bytes."""

    def perform(self, number: int, seconds: float, _content: bytes = b"") -> None:
        """Sleep, and write a line: number, process id, start and end on the monotonic clock."""
        started = time.monotonic()
        if seconds:
            time.sleep(seconds)
        ended = time.monotonic()
        # One write, for it gives the GIL away; and at the end, where it delays no start.
        os.write(_descriptor, f"{number} {_PID} {started!r} {ended!r}\n".encode())


class Trace(kiq.Job, name="Trace"):
    """Notes in the journal when it started and when it ended."""

    def perform(self, number: int, seconds: float) -> None:
        """Sleep so long in between, and on as long as there is a file BENCH_HOLD."""
        _note("start", number)
        time.sleep(seconds)
        while _HOLD and os.path.exists(_HOLD):
            time.sleep(0.002)
        _note("end", number)


def _note(what: str, number: int) -> None:
    os.write(_descriptor, f"{what} {number} {time.monotonic()!r}\n".encode())


def _fail(number: int, depth: int) -> None:
    if depth:
        _fail(number, depth - 1)
    raise ValueError(f"{number} is no good")


#: What this pushes, run as a program: jobs by the name of their kind.
_KINDS: dict[str, Any] = {
    "noop": Noop.set(result_ttl=_TTL) if _TTL else Noop,
    "breaks": Breaks,
    "breaks-for-good": Breaks.set(retry=0),
    "fails": Fails,
    "fails-for-good": Fails.set(retry=0),
}


def _push(jobs: int, kind: str = "noop") -> None:
    _KINDS[kind].perform_bulk((number,) for number in range(jobs))


if __name__ == "__main__":
    _push(int(sys.argv[1]), *sys.argv[2:])

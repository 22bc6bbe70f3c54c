"""Writing how far jobs have come: of each a few times a second at most, of all in one round trip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...clock import steady
from ...process import Loop, WorkerProcess
from .lua import read

#: Seconds between two writes: what is told in between is in the second.
PAUSE = 0.5
_TOGETHER = 100  # jobs that one command writes of
_SCRIPT = read("progress")


class Line(NamedTuple):
    """How far one job has come: where it is in flight, where that is written, what, milliseconds kept."""

    flight: str
    place: str
    delivery: str
    raw: bytes
    life: int


class Writer:
    """Writes what jobs told since the last write, on a thread that begins when one does.

    The last word of a job rides with its end. Threads: those of jobs note, its loop's writes.
    """

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        self._noted: dict[str, Callable[[], Line]] = {}
        self._loop: Loop | None = None
        self._called = self._over = False
        self._next = 0.0
        self._link = process.connector.open()

    def start(self) -> None:
        """Nothing to do until a job tells something."""

    def stop(self) -> None:
        """Go on: jobs that run while the process stops tell how far they are. It ends at ``exit``."""

    def exit(self) -> None:
        """End."""
        self._over = True
        if self._loop is not None:
            self._loop.stop()

    def note(self, token: str, line: Callable[[], Line]) -> None:
        """Have it written what *line* returns then, of the run *token*. Any thread; cheap, no waiting."""
        self._noted[token] = line
        if not self._called and not self._over:
            self._called = True
            self._call()

    def _call(self) -> None:
        if self._loop is None:
            link = self._link
            self._loop = self._process.loop(
                "progress", self._write, lost=link.close, leave=link.close
            )
            self._loop.start()
        else:
            self._loop.wake()

    def _write(self) -> float:
        wait = self._next - steady()
        if wait > 0:
            return wait
        self._called = False  # in this order: what is noted from here on calls again
        noted, self._noted = self._noted, {}
        if noted:
            self._next = steady() + PAUSE
        lines = [line() for line in noted.values()]
        for first in range(0, len(lines), _TOGETHER):
            self._link.call(command_of(lines[first : first + _TOGETHER]))
        return 3600.0


def command_of(lines: Sequence[Line]) -> tuple[object, ...]:
    """Return the command that writes *lines*, of those that are in flight; the reply is how many."""
    names = [name for line in lines for name in (line.flight, line.place)]
    args = [each for line in lines for each in (line.delivery, line.raw, line.life)]
    return ("EVAL", _SCRIPT, len(names), *names, *args)

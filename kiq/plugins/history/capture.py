"""Captures what one job logs, though threads and loggers are shared: by the context that it runs in."""

from __future__ import annotations

import logging
import os
from collections import deque
from contextvars import ContextVar
from typing import Any

from ...raised import name_of

LONGEST = 1_000  # characters of a line
MOST = 64_000  # characters of all lines


class Captured:
    """The lines of one run: the first and the last of them, and how many came between.

    Threads: those that run in the context of the job.
    """

    def __init__(self, lines: int) -> None:
        """Keep *lines* at most, half of them from the beginning."""
        self._most_first = (lines + 1) // 2
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=lines // 2)
        self.count = 0
        self.busy = False

    def add(self, record: logging.LogRecord) -> None:
        """Keep the line of *record*; no error of it gets out."""
        self.count += 1
        try:
            said = record.getMessage()
        except Exception as error:  # noqa: BLE001 (the log says so itself)
            said = f"{record.msg!s:.200} (its arguments don't fit: {name_of(error)})"
        if len(said) > LONGEST:
            said = f"{said[:LONGEST]}… ({len(said) - LONGEST} characters cut)"
        line = f"{record.created:.3f} {record.levelname} {said}"
        if len(self._first) < self._most_first:
            self._first.append(line)
        else:
            self._last.append(line)

    def text(self) -> str:
        """Return the lines; in the place of those that are left out, how many they were."""
        first, last = list(self._first), list(self._last)
        size = sum(map(len, first)) + sum(map(len, last))
        while size > MOST:  # the longest half gives first
            halves = first if sum(map(len, first)) > sum(map(len, last)) else last
            size -= len(halves.pop() if halves is first else halves.pop(0))
        cut = self.count - len(first) - len(last)
        note = [f"… {cut:,} {'line' if cut == 1 else 'lines'} cut …"] if cut else []
        return "\n".join([*first, *note, *last])


#: What captures in this context: that of a job.
captured: ContextVar[Captured | None] = ContextVar("kiq_captured", default=None)


class _Factory:
    """Makes records as before, and keeps a line of those that the job of this context has made.

    Not a handler: a second one would make kiq's own lines about every job slower, and a logger may keep its
    lines from those of others.
    """

    def __init__(self, before: Any) -> None:
        self._before = before

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the record."""
        mine = captured.get()
        if mine is None or mine.busy:  # the latter where somebody has put his own around ours
            return self._before(*args, **kwargs)
        mine.busy = True
        try:
            record = self._before(*args, **kwargs)
        finally:
            mine.busy = False
        mine.add(record)
        return record


def listen() -> None:
    """See to it that lines are captured in this process, from now on."""
    there = logging.getLogRecordFactory()
    if not isinstance(there, _Factory):
        logging.setLogRecordFactory(_Factory(there))


def _forked() -> None:
    captured.set(None)  # what a child of the job logs, nobody would keep


os.register_at_fork(after_in_child=_forked)

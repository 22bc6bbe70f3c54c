"""Time control: kiq's wall time moved, or standing still, for a block."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from .. import clock as kiq_clock
from ..errors import ConfigError
from ..payload import due_at
from .locks import Lock

_NAMES = ("wall", "milliseconds")


class Clock:
    """The time that kiq reads inside a :func:`travel` or :func:`freeze` block.

    Threads: any may read it, one moves it.
    """

    def __init__(self, start: float, *, ticks: bool) -> None:
        self._ticks = ticks
        # Not through kiq's clock: that is what this one takes the place of.
        self._offset = start - time.time() if ticks else start

    @property
    def now(self) -> float:
        """Epoch seconds, as kiq reads them."""
        return time.time() + self._offset if self._ticks else self._offset

    def advance(self, by: float | timedelta) -> None:
        """Move *by* (seconds or timedelta) into the future, or back where that is negative."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ConfigError(f"a clock advances by seconds or a timedelta, not {by!r}")
        self._offset += seconds


class _Moved:
    """The clocks that hold, the last one first, and kiq's own while one does.

    Threads: any. kiq's modules have their clock by name, which costs a job nothing; so each module
    is told.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._clocks: list[Clock] = []
        self._own: dict[ModuleType, dict[str, Any]] = {}

    def begin(self, clock: Clock) -> None:
        with self._lock:
            self._clocks = [*self._clocks, clock]
            if len(self._clocks) == 1:
                for module in _modules():
                    held = {name: vars(module)[name] for name in _NAMES if name in vars(module)}
                    self._own[module] = held
                    vars(module).update({name: _MOVED[name] for name in held})

    def end(self, clock: Clock) -> None:
        with self._lock:
            self._clocks = [each for each in self._clocks if each is not clock]
            if not self._clocks:
                usual = self._own[kiq_clock]
                for module in _modules():  # also those that were imported meanwhile
                    for name in _NAMES:
                        if vars(module).get(name) is _MOVED[name]:
                            vars(module)[name] = self._own.get(module, usual)[name]
                self._own.clear()

    def now(self) -> float:
        clocks = self._clocks
        if not clocks or vars(kiq_clock)["wall"] is not _wall:
            return time.time()  # a freezegun that began after us has put its clock in our place
        return clocks[-1].now


_moved = _Moved()


def _wall() -> float:
    return _moved.now()


def _milliseconds() -> int:
    return int(_moved.now() * 1000)


_MOVED = {"wall": _wall, "milliseconds": _milliseconds}


def _modules() -> list[ModuleType]:
    loaded = [module for name, module in list(sys.modules.items()) if name.startswith("kiq.")]
    return [module for module in loaded if isinstance(module, ModuleType)]


@contextmanager
def travel(to: float | datetime | timedelta) -> Iterator[Clock]:
    """Let kiq believe that it is *to*: a moment, or a timedelta from now. Its time goes on from there.

    In the whole process; blocks may be nested, the last holds. It moves when pushes are due and what
    :func:`drain_due` runs, not ``time`` and ``datetime``: for these use time-machine or freezegun,
    which kiq heeds. Raises PayloadError for a naive datetime.
    """
    with _holding(Clock(moment("travel", to), ticks=True)) as clock:
        yield clock


@contextmanager
def freeze(at: float | datetime | timedelta | None = None) -> Iterator[Clock]:
    """Let kiq's time stand still: *at* a moment, or where it is. Otherwise as :func:`travel`."""
    start = _moved.now() if at is None else moment("freeze", at)
    with _holding(Clock(start, ticks=False)) as clock:
        yield clock


@contextmanager
def _holding(clock: Clock) -> Iterator[Clock]:
    _moved.begin(clock)
    try:
        yield clock
    finally:
        _moved.end(clock)


def moment(what: str, when: float | datetime | timedelta) -> float:
    """Return *when* (epoch seconds, an aware datetime, or a timedelta from now) as epoch seconds."""
    if isinstance(when, timedelta):
        return _moved.now() + when.total_seconds()
    return due_at(what, when)

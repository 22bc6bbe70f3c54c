"""The tally: what ran in this process and is not written yet, by minute and class."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from ...clock import wall
from . import buckets

MOST_NAMES = 2_000  # wrapped classes of one process; those beyond are counted as OTHERS
MOST_MINUTES = 60  # kept while Redis is away; older ones are added to the oldest of them
MOST_KEPT = 20_000  # classes of all those minutes together: a kilobyte each
OTHERS = "(others)"

_PAUSE = 0.05  # seconds between two foldings while jobs end all the time
_PAUSE_PER_NAME = (
    0.00025  # and this: folding a class takes microseconds, and there may be thousands
)
_STRANGE = re.compile(r"[^\w.:/\- ]")
_LONGEST_NAME = 200
_LONGEST_WAIT = (
    1e8  # seconds: three years. What waited longer has no time stamp that means anything
)
_FAST_CLOCK = -86_400.0  # seconds: a producer's clock may go wrong by a day

Minutes = dict[int, dict[str, "Measured"]]


class Measured:
    """What was measured of one class. Times are seconds."""

    __slots__ = ("failed", "ran", "run_times", "succeeded", "wait_times", "waited", "waits")

    def __init__(self) -> None:
        self.succeeded = 0
        self.failed = 0
        self.ran = 0.0  # sum of the run times of those that did not fail
        self.run_times = [0] * buckets.COUNT
        self.waits = 0
        self.waited = 0.0  # sum
        self.wait_times = [0] * buckets.COUNT

    def add(self, other: Measured) -> None:
        """Add what *other* holds."""
        self.succeeded += other.succeeded
        self.failed += other.failed
        self.ran += other.ran
        self.waits += other.waits
        self.waited += other.waited
        for own, others in (
            (self.run_times, other.run_times),
            (self.wait_times, other.wait_times),
        ):
            own[:] = map(int.__add__, own, others)

    def copy(self) -> Measured:
        """Return another that holds the same."""
        made = Measured()
        made.add(self)
        return made


class Entry:
    """What one class did since the last folding.

    Threads: any may append, without a lock (an append is one step, the lists only lose what the one
    folder has copied). *waits* are the beginning on the steady clock minus the moment of the push
    in epoch seconds: the difference of the two clocks is added when they are folded.
    """

    __slots__ = ("failures", "runs", "waits")

    def __init__(self) -> None:
        self.runs: list[float] = []
        self.failures: list[float] = []
        self.waits: list[float] = []


class Tally:
    """Counts runs; exact under threads.

    Threads: :meth:`note` and :meth:`gather` on any; :meth:`take` and :meth:`put_back` on the one that
    writes.
    """

    def __init__(self, now: Callable[[], float] = wall) -> None:
        #: By class: how to append a run time, and a wait. For the fast way; others call :meth:`note`.
        self.appends: dict[str, tuple[Callable[[float], None], Callable[[float], None]]] = {}
        self.due = 0.0  # when the next job that ends is to fold, on the clock of time.monotonic
        self._now = now
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()
        self._minutes: Minutes = {}
        self._totals: dict[str, Measured] | None = None  # since somebody wanted them

    def note(
        self, payload: Mapping[str, Any], started: float, ended: float, *, failed: bool
    ) -> None:
        """Count one run, whatever its payload looks like; times are those of ``time.monotonic``."""
        name, wrapped = payload.get("class"), payload.get("wrapped")
        if wrapped and isinstance(wrapped, str):
            entry = self._entry(wrapped, MOST_NAMES)
        else:
            entry = self._entry(name, 2 * MOST_NAMES)  # wrapped names can't crowd classes out
        if not wrapped and isinstance(name, str) and entry is self._entries.get(name):
            # From now on the fast way. The jobs of a class that wraps others never get here.
            self.appends.setdefault(name, (entry.runs.append, entry.waits.append))
        (entry.failures if failed else entry.runs).append(ended - started)
        pushed = _pushed_at(payload.get("enqueued_at"))
        if pushed is not None:
            entry.waits.append(started - pushed)
        if ended > self.due:
            self.gather(ended)

    def gather(self, ended: float) -> None:
        """Fold what has gathered, so that the lists stay short, unless another thread does it just now."""
        self.due = ended + _PAUSE + _PAUSE_PER_NAME * len(self._entries)
        if not self._lock.locked():
            # "with", not acquire(): a Shutdown that is raised into this thread can't leave it locked.
            with self._lock:
                self._fold()

    def take(self) -> Minutes:
        """Return everything, by minutes since the epoch, and begin anew."""
        with self._lock:
            self._fold()
            taken, self._minutes = self._minutes, {}
            return taken

    def keep_totals(self) -> None:
        """Sum up all that ends from now on, for :meth:`totals`."""
        self._totals = {}

    def totals(self) -> dict[str, Measured]:
        """Return, by class, all that has ended since :meth:`keep_totals`. Any thread."""
        with self._lock:
            self._fold()
            return {name: one.copy() for name, one in (self._totals or {}).items()}

    def put_back(self, minutes: Minutes) -> None:
        """Add what could not be written; the oldest minutes are merged when there are too many."""
        with self._lock:
            for minute, classes in minutes.items():
                self._merge(minute, classes)
            self._limit()

    def _entry(self, name: Any, most: int) -> Entry:
        text = shown_name(name)
        entry = self._entries.get(text)
        if entry is None:
            if len(self._entries) >= most and text != OTHERS:
                return self._entry(OTHERS, most)
            entry = self._entries.setdefault(text, Entry())
        return entry

    def _fold(self) -> None:
        now = self._now()
        offset, minute = now - monotonic(), int(now // 60)
        found: dict[str, Measured] = {}
        for name, entry in list(self._entries.items()):
            if entry.runs or entry.failures or entry.waits:
                found[name] = _measured(entry, offset)
        if found:
            self._merge(minute, found)
            self._limit()
        if self._totals is not None:
            _add(self._totals, found)

    def _merge(self, minute: int, classes: Mapping[str, Measured]) -> None:
        _add(self._minutes.setdefault(minute, {}), classes)

    def _limit(self) -> None:
        while len(self._minutes) > 1 and (
            len(self._minutes) > MOST_MINUTES
            or sum(map(len, self._minutes.values())) > MOST_KEPT + len(self._entries)
        ):
            oldest, next_one = sorted(self._minutes)[:2]
            self._merge(next_one, self._minutes.pop(oldest))


def _add(own: dict[str, Measured], classes: Mapping[str, Measured]) -> None:
    for name, measured in classes.items():
        own.setdefault(name, Measured()).add(measured)


def shown_name(name: Any) -> str:
    """Return *name* as a field of Redis may hold it: a ``|`` or a tag would break whoever shows it."""
    if not isinstance(name, str) or not name:
        return OTHERS
    return name if name == OTHERS else _STRANGE.sub("_", name[:_LONGEST_NAME])


def _pushed_at(stamp: Any) -> float | None:
    """Return the time stamp of a payload as epoch seconds: Sidekiq 8 writes milliseconds, 7 seconds."""
    if type(stamp) not in (int, float) or not 0 < stamp < 1e15:  # NaN is not, either
        return None
    return float(stamp * 0.001 if stamp > 1e11 else stamp)


def _measured(entry: Entry, offset: float) -> Measured:
    measured = Measured()
    runs = _drained(entry.runs)
    if runs:
        measured.succeeded = len(runs)
        measured.ran = sum(runs)
        longest = max(runs)
        shortest = min(runs) if longest >= buckets.FIRST_BOUND else longest
        buckets.count_into(measured.run_times, runs, shortest, longest)
    measured.failed = len(_drained(entry.failures))
    waits = _drained(entry.waits)
    if waits:
        _count_waits(measured, waits, offset)
    return measured


def _count_waits(measured: Measured, waits: list[float], offset: float) -> None:
    earliest, latest = min(waits), max(waits)
    if not 0 <= earliest + offset <= latest + offset < _LONGEST_WAIT:
        # Clocks differ, and a time stamp may be anything.
        waits = [
            max(wait, -offset) for wait in waits if _FAST_CLOCK < wait + offset < _LONGEST_WAIT
        ]
        if not waits:
            return
        earliest, latest = min(waits), max(waits)
    measured.waits = len(waits)
    measured.waited = max(0.0, sum(waits) + offset * len(waits))
    buckets.count_into(measured.wait_times, waits, earliest, latest, offset)


def _drained(times: list[float]) -> list[float]:
    """Take what *times* holds now; what others append meanwhile stays."""
    count = len(times)
    taken = times[:count]
    del times[:count]
    return taken

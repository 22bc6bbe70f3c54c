"""Reports: what workers tell of their numbers, and what they are together. No number ever goes back.

A report is JSON: *sums*, lists of numbers that only grow; *now*, numbers of this moment; and *fleet*,
numbers of all processes, in the report of the one that reads them, with the time when it did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..clock import steady

Sums = dict[str, list[float]]

_FRESH = 15.0  # seconds for which numbers of the fleet count: three readings


class Outlet:
    """Where a worker's features write its report; kept in its state, if anybody wants one.

    Threads: one.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def put(
        self, sums: Sums, now: Mapping[str, float], fleet: Mapping[str, Any] | None = None
    ) -> None:
        """Report these numbers from now on."""
        self._write(json.dumps({"sums": sums, "now": now, "fleet": fleet}).encode())


@dataclass(slots=True)
class Together:
    """The reports of some workers: what they did, what each has in hand, what one knows of the fleet."""

    sums: Sums = field(default_factory=dict)
    now: list[dict[str, float]] = field(default_factory=list)
    fleet: dict[str, Any] | None = None


def add(to: Sums, sums: Sums) -> None:
    """Add *sums* to those of *to*."""
    for name, numbers in sums.items():
        own = to.setdefault(name, [0] * len(numbers))
        own += [0] * (len(numbers) - len(own))
        for at, number in enumerate(numbers):
            own[at] += number


class Reports:
    """What a parent, or a lone worker, knows of the numbers of its workers. Threads: one.

    *past* are the sums of those that have ended: they stay, so that a successor goes on where they ended.
    """

    def __init__(self, past: Sums | None = None) -> None:
        self.past: Sums = past or {}
        self._last: dict[object, dict[str, Any]] = {}  # by worker: the last that could be read

    def together(self, written: Mapping[object, bytes]) -> Together:
        """Return what the reports *written* by living workers, and all before them, say together."""
        found = Together()
        add(found.sums, self.past)
        for report in self._read(written):
            add(found.sums, report["sums"])
            found.now.append(report["now"])
            fleet = report["fleet"]
            if fleet is not None and steady() - fleet["at"] < _FRESH:
                earlier = found.fleet["at"] if found.fleet is not None else 0.0
                found.fleet = fleet if fleet["at"] >= earlier else found.fleet
        return found

    def end(self, worker: object, written: bytes) -> None:
        """Note that *worker* has ended, with its last report."""
        for report in self._read({worker: written}):
            add(self.past, report["sums"])
        self._last.pop(worker, None)

    def _read(self, written: Mapping[object, bytes]) -> Iterable[dict[str, Any]]:
        for worker, text in written.items():
            try:
                self._last[worker] = json.loads(text)
            except ValueError:
                pass  # none yet, or not whole: the one before counts
            if worker in self._last:
                yield self._last[worker]

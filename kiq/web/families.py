"""Processes as they belong together: by machine, and under the parent that looks after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..api import Process


@dataclass(frozen=True, slots=True)
class Family:
    """The children of one *parent* (its pid), or, where that is 0, the processes that have none."""

    parent: int
    processes: Sequence[Process]

    @property
    def busy(self) -> int:
        """How many jobs they run."""
        return sum(each.busy for each in self.processes)

    @property
    def threads(self) -> int:
        """How many jobs they can run."""
        return sum(each.concurrency for each in self.processes)

    @property
    def rss(self) -> int:
        """How much memory they take, in KB."""
        return sum(each.rss for each in self.processes)


@dataclass(frozen=True, slots=True)
class Crew:
    """One capsule of a process, as it shows it."""

    name: str
    threads: int
    mode: str
    weights: Mapping[str, int]


def families_of(processes: Sequence[Process]) -> Sequence[tuple[str, Sequence[Family]]]:
    """Return the processes by machine, and there by parent, those that have none first."""
    found: dict[str, dict[int, list[Process]]] = {}
    for process in sorted(processes, key=lambda each: (each.hostname, each.parent, each.pid)):
        found.setdefault(process.hostname, {}).setdefault(process.parent, []).append(process)
    return [
        (host, [Family(parent, children) for parent, children in parents.items()])
        for host, parents in found.items()
    ]


def crews_of(process: Process) -> Sequence[Crew]:
    """Return the capsules of *process*; one without a name for a process that shows none."""
    names = list(process.capsules)
    if not names or len(names) != len(process.weights):
        weights = dict.fromkeys(process.queues, 0)
        for each in process.weights:
            weights.update(each)
        return [Crew("", process.concurrency, "", weights)]
    return [
        Crew(name, _whole(shown.get("concurrency")), _text(shown.get("mode")), weights)
        for (name, shown), weights in zip(process.capsules.items(), process.weights, strict=True)
    ]


def tasks_of(leader: str, duties: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """Return, by process, what it alone does for the fleet; "" is moving due jobs to their queues."""
    found: dict[str, list[str]] = {}
    if leader:
        found.setdefault(leader, []).append("")
    for name, holder in sorted(duties.items()):
        found.setdefault(holder, []).append(name)
    return found


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

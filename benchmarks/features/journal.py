"""What jobs and pushers noted, and what it comes to: runs, repeats, what is lost, two at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mark:
    """*program* noted *what*, *at* (epoch seconds), with more *words*."""

    what: str
    at: float
    program: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the job *ident* of *key*. *done*: it came to its end; else its program died at *until*."""

    key: str
    ident: str
    program: str
    since: float
    until: float
    done: bool


def read(path: Path) -> list[Mark]:
    """Return all marks so far, in the order in which they were written."""
    # A line that is being written has no end yet.
    lines = path.read_text().rpartition("\n")[0].splitlines()
    marks = []
    for line in lines:
        what, at, program, *words = line.split()
        marks.append(Mark(what, float(at), program, tuple(words)))
    return marks


def runs(marks: Iterable[Mark], deaths: Mapping[str, float]) -> list[Run]:
    """Return all runs in order of their starts. *deaths*: when programs died, which ended their runs."""
    open_runs: dict[tuple[str, str], list[Mark]] = defaultdict(list)
    found: list[Run] = []
    for mark in marks:
        if mark.what not in ("start", "end"):
            continue
        key, ident = mark.words
        mine = open_runs[mark.program, ident]
        if mark.what == "start":
            mine.append(mark)
        else:
            found.append(Run(key, ident, mark.program, mine.pop().at, mark.at, True))
    for (program, _), left in open_runs.items():
        for mark in left:
            until = deaths.get(program, float("inf"))
            key, ident = mark.words
            found.append(Run(key, ident, program, mark.at, until, False))
    return sorted(found, key=lambda run: run.since)


def at_once(found: Sequence[Run]) -> int:
    """Return how many runs began while another of the same key ran."""
    busy_until: dict[str, float] = {}
    count = 0
    for run in found:
        before = busy_until.get(run.key, float("-inf"))
        count += run.since < before
        busy_until[run.key] = max(before, run.until)
    return count


def most_at_once(found: Sequence[Run]) -> int:
    """Return how many ran at the same time, at most, whatever their keys."""
    steps = sorted([(run.since, 1) for run in found] + [(run.until, -1) for run in found])
    most = running = 0
    for _, step in steps:
        running += step
        most = max(most, running)
    return most


def taken(marks: Iterable[Mark]) -> set[str]:
    """Return the idents of all jobs of which their pusher was told that they were taken."""
    return {mark.words[1] for mark in marks if mark.what == "taken"}


def ended(found: Iterable[Run]) -> dict[str, int]:
    """Return how often each job came to its end, by its ident."""
    ends: dict[str, int] = defaultdict(int)
    for run in found:
        ends[run.ident] += run.done
    return ends


def repairs(found: Sequence[Run]) -> list[float]:
    """Return, for each run that its program's death cut short and that began again, after how long."""
    starts: dict[str, list[float]] = defaultdict(list)
    for run in found:
        starts[run.ident].append(run.since)
    waits = []
    for run in found:
        later = [since for since in starts[run.ident] if since > run.since]
        if not run.done and later:
            waits.append(max(0.0, min(later) - run.until))
    return waits

"""Which repeats the faults of a run explain, and how many of them each fault may explain.

A job that ran more often than it should have is a repeat for each run too many. A repeat is explained
by a run of the same job in a process that suffered a logged fault: that run was cut short, or its end
could not be told to Redis. Pure: no I/O.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Repeats:
    """The repeats of a run: how many each process explains, and the jobs that none explains."""

    explained: Mapping[int, int] = field(default_factory=dict)
    unexplained: Sequence[str] = ()

    def beyond(self, most: int) -> dict[int, int]:
        """Return the processes that explain more than *most*: what can have been cut short in one."""
        return {pid: count for pid, count in self.explained.items() if count > most}


def repeats(
    lines: Iterable[Sequence[str]], faulted: Mapping[int, Collection[str] | None]
) -> Repeats:
    """Read a journal's *lines* (word, jid, pid).

    *faulted* are the processes that had a fault, with the jobs that it cut short: these may run once
    more. None where nobody could tell which: then any job that ran there may.
    A job runs once, and once more when it noted that it failed ("F").
    """
    runs: dict[str, list[int]] = {}
    failed: set[str] = set()
    for word, jid, pid in lines:
        if word == "S":
            runs.setdefault(jid, []).append(int(pid))
        elif word == "F":
            failed.add(jid)
    explained: Counter[int] = Counter()
    unexplained: list[str] = []
    for jid, pids in runs.items():
        excess = len(pids) - 1 - (jid in failed)
        if excess <= 0:
            continue
        certain = [pid for pid in dict.fromkeys(pids) if jid in (faulted.get(pid) or ())]
        possible = [pid for pid in pids if pid in faulted and faulted[pid] is None]
        hit = [*certain, *possible][:excess]
        explained.update(hit)
        unexplained += [jid] * (excess - len(hit))
    return Repeats(dict(explained), unexplained)

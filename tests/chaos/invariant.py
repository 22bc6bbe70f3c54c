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

    def beyond(self, known: Mapping[int, int], most: int) -> dict[int, int]:
        """Return the processes that explain more than had started in them and was not settled.

        That is the number in *known*, or *most* where nobody could count.
        """
        return {pid: n for pid, n in self.explained.items() if n > known.get(pid, most)}


def repeats(lines: Iterable[Sequence[str]], faulted: Collection[int]) -> Repeats:
    """Read a journal's *lines* (word, jid, pid); *faulted* are the processes that may repeat.

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
        hit = [pid for pid in pids if pid in faulted][:excess]
        explained.update(hit)
        unexplained += [jid] * (excess - len(hit))
    return Repeats(dict(explained), unexplained)

"""A bulk act, planned before it is done: what it means, how many jobs that is, and as of when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..clock import steady
from .acted import Acted
from .bulk import Bulk, Handle
from .filters import Filter
from .job_set import JobSet
from .selection import Selection
from .sorted_entry import SortedEntry

Deed = Literal["retry", "kill", "delete"]
#: Called with how many were looked at, of how many, and how many were handled; False: stop here.
Steps = Callable[[int, int, int], object]
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What *deed* would be done to: the jobs of a set that *wanted* means, as they are *at* a time.

    *count* jobs of *looked_at* are meant; *done* is False where the time was over before all were looked
    at. *examples* are the first of them; *classes* and *queues* say how many of each there are.
    """

    deed: Deed
    wanted: Filter
    at: float
    size: int
    count: int
    looked_at: int
    done: bool
    examples: Sequence[SortedEntry]
    classes: Mapping[str, int]
    queues: Mapping[str, int]


def plan(jobs: JobSet, deed: Deed, wanted: Filter, at: float, *, within: float = 0.15) -> Plan:
    """Return what doing *deed* to the jobs that *wanted* means would come to, were it done *at* a time.

    Looks for *within* seconds; nothing is changed. One round trip for at most 1,000 jobs.
    """
    selection, until = Selection(wanted=wanted, seen_at=at), steady() + within
    size, looked_at, count = jobs.size, 0, 0
    examples: list[SortedEntry] = []
    classes: Counter[str] = Counter()
    queues: Counter[str] = Counter()
    for page in jobs.pages("up", selection.needle):
        for raw, score in page.members:
            entry = jobs.entry(raw, score)
            if selection.takes(entry):
                count += 1
                classes[entry.display_class] += 1
                queues[entry.queue or "?"] += 1
                if len(examples) < _EXAMPLES:
                    examples.append(entry)
        looked_at += page.looked_at
        if steady() > until:
            break
    done = looked_at >= size
    if not wanted:
        count = size  # newcomers aside, which the act leaves alone
    return Plan(deed, wanted, at, size, count, looked_at, done, examples, classes, queues)


def carry_out(
    jobs: JobSet, deed: Deed, wanted: Filter, at: float, progress: Steps | None = None
) -> Acted:
    """Do *deed* to the jobs that *wanted* means, as they were *at* a time; return what it came to.

    What came or failed later than that is left alone. *progress* is called after each batch of at most a
    hundred, with how many jobs were looked at, how many there are to look at, and to how many the deed
    was done; False of it ends the act: the rest is where it was. See :meth:`kiq.api.JobSet.retry_all`.
    Raises StoreError, with what was done before in ``acted``.
    """
    handled = 0

    def handle(bulk: Bulk, batch: list[SortedEntry]) -> None:
        nonlocal handled
        _HANDLES[deed](bulk, batch)
        handled += len(batch)

    def step(looked_at: int, total: int) -> object:
        return progress(looked_at, total, handled) if progress is not None else None

    return jobs.handle_all(handle, Selection(wanted=wanted, seen_at=at), step)


def _kill(bulk: Bulk, batch: list[SortedEntry]) -> None:
    bulk.to_dead(batch, notify=False, error=None)


_HANDLES: Mapping[Deed, Handle] = {
    "retry": Bulk.to_queues,
    "kill": _kill,
    "delete": Bulk.delete,
}

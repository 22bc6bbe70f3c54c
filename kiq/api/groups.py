"""Failures in groups: what failed, how, how often, since when. Of a sample at once, of all in a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import keys
from ..clock import wall
from . import scripts
from .filters import Filter
from .fingerprint import fingerprint, in_general
from .job_set import DeadSet, JobSet, RetrySet
from .sorted_entry import SortedEntry

SAMPLE = 2_000  # jobs of a set that groups are made of at once
_SAMPLE_BYTES = 16_000_000
HOURS = 24  # of the course of a group


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures of one kind.

    *key* is what ``group:`` of a filter takes. *message* is the newest error's, *general* is it without
    details; *retries* and *dead* are how many jobs are in these sets. *first* and *last* are when such a
    job failed first, and last; *next_at* when one is tried again (epoch seconds, None: unknown, or
    never). *course* is how many failed last in each of the past 24 hours, the oldest first. *jid* is of
    one of them.
    """

    key: str
    class_name: str
    error_class: str
    message: str
    general: str
    retries: int
    dead: int
    first: float | None
    last: float | None
    next_at: float | None
    course: Sequence[int]
    jid: str

    @property
    def count(self) -> int:
        """How many jobs it has."""
        return self.retries + self.dead


@dataclass(frozen=True, slots=True)
class FailureGroups:
    """The groups, the largest first, *at* a time: made of *looked_at* of *total* jobs.

    Where not all were looked at the counts are estimates.
    """

    groups: Sequence[FailureGroup]
    looked_at: int
    total: int
    at: float

    @property
    def exact(self) -> bool:
        """Tell whether every job was looked at."""
        return self.looked_at >= self.total


def failure_groups(
    client: Any = None, wanted: Filter | None = None, *, sample: int = SAMPLE
) -> FailureGroups:
    """Return the groups of what failed, of at most *sample* jobs of each set. Two round trips.

    *client* as for :func:`kiq.api.connection`; *wanted* leaves out what it does not mean. Raises
    StoreError.
    """
    counting = GroupCount()
    for jobs in (RetrySet(client), DeadSet(client)):
        size, found = jobs.home.call(scripts.sample((jobs.key,), (sample, _SAMPLE_BYTES)))
        members = list(zip(found[::2], found[1::2], strict=True))
        weight = size / len(members) if members else 1.0
        for raw, score in members:
            counting.add(jobs.key, jobs.entry(raw, score), wanted, weight)
        counting.of(size, len(members))
    return counting.groups()


def count_failures(client: Any = None, wanted: Filter | None = None) -> Iterator[FailureGroups]:
    """Look at every job of both sets; yield what was found so far, after each page. The last is exact."""
    counting = GroupCount()
    sets: tuple[JobSet, ...] = (RetrySet(client), DeadSet(client))
    for jobs in sets:
        counting.of(jobs.size, 0)
    for jobs in sets:
        for page in jobs.pages("down"):
            for raw, score in page.members:
                counting.add(jobs.key, jobs.entry(raw, score), wanted)
            counting.of(0, page.looked_at)
            yield counting.groups()
    counting.end()
    yield counting.groups()


class _Group:
    """A group while it grows. *sample* is the newest of its jobs."""

    __slots__ = ("count", "course", "first", "last", "next_at", "sample")

    def __init__(self, entry: SortedEntry) -> None:
        self.sample = entry
        self.count = {keys.RETRY: 0.0, keys.DEAD: 0.0}
        self.first = self.last = self.next_at = None  # type: float | None
        self.course = [0.0] * HOURS


class GroupCount:
    """Puts failures into groups. Threads: one."""

    def __init__(self) -> None:
        self._at = wall()
        self._groups: dict[str, _Group] = {}
        self._looked_at = self._total = 0

    def of(self, total: int, looked_at: int) -> None:
        """Count so many more jobs that there are, and that were looked at."""
        self._total += total
        self._looked_at += looked_at

    def end(self) -> None:
        """All that there is was looked at, whatever came and went meanwhile."""
        self._total = self._looked_at

    def add(
        self, place: str, entry: SortedEntry, wanted: Filter | None, weight: float = 1.0
    ) -> None:
        """Put *entry* of the set *place*, which stands for *weight* jobs, into its group, if meant."""
        key = fingerprint(entry)
        if not key or (wanted and not wanted.takes(entry, self._at)):
            return
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(entry)
        group.count[place] += weight
        last = entry.retried_at or entry.failed_at
        if last is not None:
            if group.last is None or last > group.last:
                group.last, group.sample = last, entry
            hour = HOURS - 1 - int((self._at - last) // 3600)
            if 0 <= hour < HOURS:
                group.course[hour] += weight
        group.first = _least(group.first, entry.failed_at)
        if place == keys.RETRY:
            group.next_at = _least(group.next_at, entry.score)

    def groups(self) -> FailureGroups:
        """Return what was found so far."""
        found = [_finished(key, group) for key, group in self._groups.items()]
        found.sort(key=lambda group: (-group.count, group.key))
        return FailureGroups(found, self._looked_at, self._total, self._at)


def _finished(key: str, group: _Group) -> FailureGroup:
    message = group.sample.error_message or ""
    return FailureGroup(
        key,
        group.sample.display_class,
        group.sample.error_class or "",
        message,
        in_general(message),
        round(group.count[keys.RETRY]),
        round(group.count[keys.DEAD]),
        group.first,
        group.last,
        group.next_at,
        [round(each) for each in group.course],
        group.sample.jid,
    )


def _least(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)

"""A batch as pages show it: its state in a word, and its jobs by what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...api import BatchStatus

#: Fields of a batch, and how their part of a bar is coloured: from what is good to what is to come.
PARTS: Mapping[str, str] = {
    "succeeded": "good",
    "skipped": "calm",
    "cancelled": "calm",
    "deleted": "calm",
    "lost": "bad",
    "failed": "bad",
    "refused": "bad",
    "dead": "bad",
    "retrying": "late",
    "pending": "open",
}
#: Those of which the jobs are known.
LISTED = ("retrying", "dead", "failed", "lost", "refused", "cancelled", "deleted", "pending")
_BAD = ("dead", "failed", "lost", "refused")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar that is 100 wide."""

    kind: str
    colour: str
    count: int
    x: float
    width: float


def parts_of(one: BatchStatus) -> Sequence[Part]:
    """Return the parts of a batch's bar; what is not 0 is to be seen, however small."""
    counts = {kind: max(0, getattr(one, kind)) for kind in PARTS}
    there = {kind: count for kind, count in counts.items() if count}
    total = sum(there.values())
    if not total:
        return ()
    widths = {kind: max(1.0, 100 * count / total) for kind, count in there.items()}
    scale = 100 / sum(widths.values())
    found, x = [], 0.0
    for kind, count in there.items():
        width = widths[kind] * scale
        found.append(Part(kind, PARTS[kind], count, round(x, 2), round(width, 2)))
        x += width
    return found


def bad_of(one: BatchStatus) -> int:
    """Return how many of its jobs have come to a bad end."""
    return sum(getattr(one, kind) for kind in _BAD)


def state_of(one: BatchStatus) -> str:
    """Return its state: open, runs, troubled, succeeded, ended or cancelled.

    ``open``: its block has not ended; ``ended``: without success; ``troubled``: it runs, and jobs of it
    have come to a bad end.
    """
    if one.state == "cancelled":
        return "cancelled"
    if one.success:
        return "succeeded"
    if one.over:
        return "ended"
    if one.state == "open":
        return "open"
    return "troubled" if bad_of(one) else "runs"

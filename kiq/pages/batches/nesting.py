"""The nesting of batches as a drawing: what a batch is within, and what is within it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...api import BatchSet, BatchStatus
from ...wording import limited, visible
from .shown import Part, parts_of, state_of

_ACROSS, _DOWN = 248, 58  # from one box to the next
WIDTH, HEIGHT = 204, 46  # of a box
_WORDS = 26  # characters of a box
_CHILDREN, _DEPTH, _BOXES = 10, 3, 60


@dataclass(slots=True)
class Box:
    """A batch in the drawing, or *words* about several that are not drawn."""

    one: BatchStatus | None
    words: str
    parts: Sequence[Part] = ()
    within: list[Box] = field(default_factory=list)
    x: float = 0
    y: float = 0

    @property
    def state(self) -> str:
        """See :func:`~kiq.pages.batches.shown.state_of`; "" for several."""
        return state_of(self.one) if self.one is not None else ""


@dataclass(frozen=True, slots=True)
class Nesting:
    """A drawing: boxes, and lines from a batch to those within it, as paths."""

    width: float
    height: float
    boxes: Sequence[Box]
    lines: Sequence[str]


def nesting_of(found: BatchSet, one: BatchStatus) -> Nesting | None:
    """Return the drawing around a batch; None where it is within none, and none is within it.

    Two round trips for each batch that has others within it, three levels and 60 boxes at most.
    """
    before = _outer(found, one)
    root = _grown(found, one, _DEPTH, [_BOXES])
    for outer in before:
        above = _boxed(outer)
        above.within.append(root)
        root = above
    if not root.within:
        return None
    boxes: list[Box] = []
    rows = _placed(root, 0, 0.0, boxes)
    lines = [_line(box, inner) for box in boxes for inner in box.within]
    width = max(box.x for box in boxes) + WIDTH
    return Nesting(width + 2, rows * _DOWN - (_DOWN - HEIGHT) + 2, boxes, lines)


def _outer(found: BatchSet, one: BatchStatus) -> Sequence[BatchStatus]:
    """Return the batch that *one* is in, the one that this is in, and so on, as far as they are known."""
    outer: list[BatchStatus] = []
    bid = one.parent
    while bid:
        status = found.find(bid)
        if status is None:
            break
        outer.append(status)
        bid = status.parent
    return outer


def _grown(found: BatchSet, one: BatchStatus, depth: int, left: list[int]) -> Box:
    box = _boxed(one)
    left[0] -= 1
    if not one.batches or depth == 0:
        return box
    inner = sorted(found.within(one.bid, _CHILDREN + 1), key=lambda each: each.created_at)
    for each in inner[:_CHILDREN]:
        if left[0] > 0:
            box.within.append(_grown(found, each, depth - 1, left))
    if len(inner) > _CHILDREN:
        box.within.append(Box(None, f"{one.batches - _CHILDREN:,} more"))
    elif one.batches > len(inner):
        box.within.append(Box(None, f"{one.batches - len(inner):,} succeeded"))
    return box


def _boxed(one: BatchStatus) -> Box:
    words = limited(visible(one.description or one.bid.rpartition(".")[2]), _WORDS)
    return Box(one, words, parts_of(one))


def _placed(box: Box, level: int, row: float, boxes: list[Box]) -> float:
    """Give *box*, and what is within it, their places from *row* on; return how many rows they take."""
    boxes.append(box)
    taken = 0.0
    for inner in box.within:
        taken += _placed(inner, level + 1, row + taken, boxes)
    box.x = level * _ACROSS + 1
    box.y = row * _DOWN + 1
    return max(1.0, taken)


def _line(box: Box, inner: Box) -> str:
    begin, end = box.x + WIDTH, inner.x
    middle, high, low = (begin + end) / 2, box.y + HEIGHT / 2, inner.y + HEIGHT / 2
    return f"M{begin:g},{high:g} C{middle:g},{high:g} {middle:g},{low:g} {end:g},{low:g}"

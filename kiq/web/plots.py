"""Charts over time: values in, the coordinates of an SVG out; templates write the SVG.

Across, all is told in per cent of the width, so that text is not stretched with the lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_LEVELS = 6  # of colour in a heat map
_TICKS = 4  # times that are written under a chart, and the last
_NICE = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
#: Tops of a scale of seconds that people count in.
_SPANS = (
    *(0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 2, 3, 4, 6, 8, 10, 20, 30, 40, 60),
    *(120, 180, 240, 360, 480, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400, 172800, 604800),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A time under a chart: *place* is in per cent of the width, *anchor* where its text begins."""

    place: float
    at: datetime
    anchor: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A deploy in a chart."""

    place: float
    at: datetime
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The steps of a period across a chart: *since*, and *count* of *step*."""

    since: datetime
    step: timedelta
    count: int

    @property
    def times(self) -> Sequence[datetime]:
        """The beginnings of the steps."""
        return [self.since + self.step * at for at in range(self.count)]

    @property
    def form(self) -> str:
        """How its times are written."""
        return "%H:%M" if self.step * self.count <= timedelta(days=1) else "%m-%d %H:%M"

    @property
    def width(self) -> float:
        """Of one step, in per cent."""
        return 100 / self.count

    @property
    def ticks(self) -> Sequence[Tick]:
        """Some times, evenly apart, with both ends."""
        ends = {0: "start", _TICKS: "end"}
        whole = self.step * self.count
        return [
            Tick(100 * at / _TICKS, self.since + whole * at / _TICKS, ends.get(at, "middle"))
            for at in range(_TICKS + 1)
        ]

    def marks(self, found: Mapping[datetime, str]) -> Sequence[Mark]:
        """Return those of *found* that lie in the period, the oldest first."""
        span = self.step * self.count
        places = ((100 * ((at - self.since) / span), at) for at in sorted(found))
        return [Mark(round(place, 2), at, found[at]) for place, at in places if 0 <= place <= 100]


def line(values: Sequence[float | None], top: float) -> str:
    """Return the path of *values* in a box of 1,000 by 100, with a gap where there is none."""
    width = 1000 / max(1, len(values))
    path: list[str] = []
    for run in _runs(values):
        points = [(f"{(at + 0.5) * width:.1f}", f"{_down(value, top):.1f}") for at, value in run]
        path.append("M" + " L".join(",".join(point) for point in points))
        if len(points) == 1:
            path.append("h0.1")  # a round end makes a dot of it
    return " ".join(path)


def _runs(values: Sequence[float | None]) -> Iterator[Sequence[tuple[int, float]]]:
    """Yield the values that stand beside each other, with their numbers."""
    run: list[tuple[int, float]] = []
    for at, value in enumerate(values):
        if value is not None:
            run.append((at, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _down(value: float, top: float) -> float:
    return 100 - 100 * min(1.0, value / top) if top > 0 else 100.0


def top_of_counts(values: Sequence[float]) -> float:
    """Return a round number that is none of *values* above; 1 at least."""
    most = max(values, default=0)
    if most <= 1:
        return 1.0
    size: float = 10 ** math.floor(math.log10(most))
    return next(size * each for each in _NICE if size * each >= most)


def top_of_spans(values: Sequence[float | None]) -> float:
    """Return a round number of seconds that is none of *values* above."""
    most = max((each for each in values if each is not None), default=0.0)
    return next((float(each) for each in _SPANS if each >= most), most)


@dataclass(frozen=True, slots=True)
class Bar:
    """A column: where it begins in per cent, how high it is, and how much of that is bad, of 100."""

    place: float
    height: float
    bad: float


def bars(counts: Sequence[int], bad: Sequence[int], axis: Axis, top: float) -> Sequence[Bar]:
    """Return a column for each step in which something happened."""
    return [
        Bar(round(at * axis.width, 3), round(100 * count / top, 2), round(100 * wrong / top, 2))
        for at, (count, wrong) in enumerate(zip(counts, bad, strict=True))
        if count
    ]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a heat map, in the step *at* and the bucket *row* (0: the fastest that is shown)."""

    place: float
    row: int
    level: int  # 1 to 6
    at: datetime
    bucket: int
    count: int


@dataclass(frozen=True, slots=True)
class Heat:
    """A heat map: the buckets from *lowest* to *highest*, and the cells that are not empty."""

    lowest: int
    highest: int
    cells: Sequence[Cell]

    @property
    def rows(self) -> Sequence[int]:
        """The buckets, the slowest first."""
        return range(self.highest, self.lowest - 1, -1)


def heat(columns: Sequence[Sequence[int]], axis: Axis) -> Heat | None:
    """Return the map of *columns* of buckets, one for each step; None where all is empty."""
    used = [bucket for column in columns for bucket, count in enumerate(column) if count]
    if not used:
        return None
    most = max(max(column) for column in columns if column)
    lowest, highest = min(used), max(used)
    cells = [
        Cell(
            round(at * axis.width, 3),
            bucket - lowest,
            _level(count, most),
            axis.since + axis.step * at,
            bucket,
            count,
        )
        for at, column in enumerate(columns)
        for bucket, count in enumerate(column)
        if count
    ]
    return Heat(lowest, highest, cells)


def _level(count: int, most: int) -> int:
    """Return the colour: by the logarithm, or a single slow run could not be seen beside thousands."""
    if most <= 1:
        return _LEVELS
    return 1 + round((_LEVELS - 1) * math.log(count) / math.log(most))

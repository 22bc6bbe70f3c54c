"""Small drawings: numbers in, the coordinates of an SVG out; templates write the SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spark:
    """A line of values: *line* and *area* are paths in a box of *width* by *height*."""

    width: int
    height: int
    line: str
    area: str
    top: float
    last: float


def spark(values: Sequence[float], width: int = 120, height: int = 28) -> Spark | None:
    """Return the path of *values*, the oldest first; None for fewer than two."""
    if len(values) < 2:
        return None
    top = max(values)
    step = width / (len(values) - 1)
    high = height - 2
    points = [
        (round(at * step, 1), round(1 + high - (high * value / top if top else 0), 1))
        for at, value in enumerate(values)
    ]
    line = "M" + " L".join(f"{x:g},{y:g}" for x, y in points)
    return Spark(width, height, line, f"{line} L{width},{height} L0,{height} Z", top, values[-1])


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its number, its value, and its rectangle. What is not 0 is to be seen, however small."""

    at: int
    value: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of values, side by side, in a box of *width* by *height*."""

    width: int
    height: int
    bars: Sequence[Bar]
    top: float


def bars(values: Sequence[float], width: int = 960, height: int = 96) -> Bars:
    """Return a bar for each of *values*, the first at the left."""
    top = max(values, default=0)
    step = width / len(values) if values else width
    gap = min(2.0, step / 4)
    found = []
    for at, value in enumerate(values):
        high = max(2.0, height * value / top) if value > 0 else 0.0
        x, y = round(at * step + gap / 2, 2), round(height - high, 2)
        found.append(Bar(at, value, x, y, round(step - gap, 2), round(high, 2)))
    return Bars(width, height, found, top)

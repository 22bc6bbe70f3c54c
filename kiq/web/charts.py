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

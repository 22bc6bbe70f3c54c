"""A bar chart of figures that lie far apart, as SVG: a group of bars a row, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parts.drawing import COLOURS, FAINT, INK, frame, legend, line, text
from parts.samples import Spread, figure

_WIDTH = 860
_LEFT = 130  # where the axis begins: names stand left of it
_RIGHT = 70  # room for the figure behind the longest bar
_TOP = 64
_BOTTOM = 34
_BAR = 13
_GAP = 12  # between two groups


@dataclass(frozen=True, slots=True)
class _Axis:
    """From one power of ten to another, over the width of the chart."""

    low: int
    high: int

    def at(self, value: float) -> float:
        """Return where *value* lies, in pixels from the left."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def bar_chart(title: str, series: Mapping[str, Mapping[str, Spread]]) -> str:
    """Return the SVG document; each of *series* has figures above 0 by the names of rows.

    Rows go by the first series, the largest figure first; a later one may lack some of them. A bar ends
    at the median, and a thin line over its end is the range.
    """
    first = next(iter(series.values()))
    names = sorted(first, key=lambda name: -first[name].median)
    every = [spread for each in series.values() for spread in each.values()]
    low = math.floor(math.log10(min(spread.low for spread in every)))
    high = math.ceil(math.log10(max(spread.high for spread in every)))
    axis = _Axis(low, max(high, low + 1))
    step = _BAR * len(series) + _GAP
    bottom = _TOP + step * len(names)
    parts = [
        *frame(title, _WIDTH, bottom + _BOTTOM),
        *legend(list(series), _LEFT),
        *_grid(axis, bottom),
    ]
    for at, name in enumerate(names):
        parts += _group(
            axis, _TOP + _GAP / 2 + at * step, name, [series[s].get(name) for s in series]
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid(axis: _Axis, bottom: float) -> list[str]:
    parts = []
    for power in range(axis.low, axis.high + 1):
        x = axis.at(10.0**power)
        parts.append(line(x, _TOP, x, bottom, FAINT))
        parts.append(text(x, bottom + 18, f"{10.0**power:,.10g}", anchor="middle"))
    return parts


def _group(axis: _Axis, top: float, name: str, spreads: Sequence[Spread | None]) -> list[str]:
    middle = top + _BAR * len(spreads) / 2
    parts = [text(_LEFT - 8, middle + 4, name, anchor="end")]
    for at, (spread, colour) in enumerate(zip(spreads, COLOURS, strict=False)):
        if spread is None:
            continue
        y, end = top + at * _BAR, axis.at(spread.median)
        low, high = axis.at(spread.low), axis.at(spread.high)
        parts.append(
            f'<rect x="{_LEFT}" y="{y:g}" width="{end - _LEFT:.1f}" height="{_BAR - 2}" '
            f'fill="{colour}"/>'
        )
        parts.append(line(low, y + _BAR / 2 - 1, high, y + _BAR / 2 - 1, INK))
        parts.append(text(max(end, high) + 5, y + _BAR - 3, figure(spread.median), size=11))
    return parts

"""The charts of the measurements are SVG that says what was measured."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What stands in benchmarks/parts."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from parts import chart, curve, samples  # only there while the path is

    class Parts:
        bars, curves, spread = chart.bar_chart, curve.curves, samples.spread

    yield Parts
    for name in [name for name in sys.modules if name.partition(".")[0] == "parts"]:
        del sys.modules[name]


def texts(drawing: str) -> list[str]:
    return [
        element.text or "" for element in ElementTree.fromstring(drawing).iter() if element.text
    ]


def test_a_bar_chart_names_each_row_and_each_median_the_largest_first(parts: Any) -> None:
    free = {"slow <one>": parts.spread([300.0]), "quick": parts.spread([90_000.0, 100_000.0])}
    said = texts(parts.bars("Jobs a second", {"free": free}))
    assert said.index("quick") < said.index("slow <one>")
    assert {"Jobs a second", "free", "95,000", "300"} <= set(said)


def test_a_row_without_a_figure_in_a_later_series_has_no_bar_there(parts: Any) -> None:
    both, one = {"a": parts.spread([20.0]), "b": parts.spread([10.0])}, {"a": parts.spread([5.0])}
    drawing = parts.bars("x", {"free": both, "logged": one})
    assert len(re.findall(r'height="11"', drawing)) == 3
    assert texts(drawing).count("b") == 1


def test_the_bars_of_a_chart_grow_with_their_figures(parts: Any) -> None:
    drawing = parts.bars("x", {"free": {"a": parts.spread([20.0]), "b": parts.spread([1000.0])}})
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="11"', drawing)]
    assert len(widths) == 2
    assert widths[0] > widths[1] > 0


def test_a_curve_has_a_dot_for_each_place_lower_where_the_share_is_less(parts: Any) -> None:
    found = {0.0: parts.spread([1.0]), 1.0: parts.spread([0.7, 0.9]), 5.0: parts.spread([0.25])}
    drawing = parts.curves("Shares", "ms", {"kiq": found})
    dots = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawing)
    assert [float(top) for _, top in dots] == sorted(float(top) for _, top in dots)
    assert [float(left) for left, _ in dots] == sorted(float(left) for left, _ in dots)
    assert {"0 ms", "1 ms", "5 ms", "0.80", "0.25"} <= set(texts(drawing))
